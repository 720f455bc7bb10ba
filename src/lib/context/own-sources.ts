import { homeOf } from '../scope/chat-execution-context.ts'
import { listDocuments } from '../store/document-rows.ts'
import { listRecentTitles } from '../store/thread-rows.ts'
import type { OwnSource, OwnSourceRequest, Slice } from './context-source.ts'

const DOCUMENTS = 50
const TITLES = 10
const PROJECTS = 100

/** Who the organisation is. */
const profile: OwnSource = {
  name: 'profile',
  async load({ context }) {
    const { name, about = '' } = context.org
    return data('profile', `${name}\n${about}`, [])
  },
}

/** The projects that the person may see. Their names are told, so they join the run's read set. */
const projects: OwnSource = {
  name: 'projects',
  async load({ context }) {
    const shown = context.places.slice(0, PROJECTS)
    if (shown.length === 0) return null
    const lines = shown.map(({ slug, name, about = '' }) => `- ${slug}: ${name}. ${about}`)
    const more = context.places.length - shown.length
    if (more > 0) lines.push(`(and ${more} more: list_projects names them all)`)
    return data('projects', lines.join('\n'), shown.map((place) => place.id))
  },
}

const instructions: OwnSource = {
  name: 'instructions',
  async load({ context }) {
    const text = [context.instructions.org, context.instructions.project].filter((part) => part !== '').join('\n\n')
    return text === '' ? null : { source: 'instructions', kind: 'instructions', text, reads: [] }
  },
}

/** What there is to read, by title and opening. The text, and the number to cite it by, come by tool. */
const documents: OwnSource = {
  name: 'documents',
  async load({ context, sql }) {
    const home = homeOf(context)
    const rows = await listDocuments(sql, home, DOCUMENTS)
    if (rows.length === 0) return null
    const lines = rows.map((row) => `- ${row.title} (id ${row.id}): ${row.opening.replaceAll(/\s+/g, ' ')}…`)
    return data('documents', lines.join('\n'), [home])
  },
}

const recentThreads: OwnSource = {
  name: 'recent threads',
  async load({ context, sql, threadId }) {
    const titles = await listRecentTitles(sql, { projectId: homeOf(context), threadId, limit: TITLES })
    return titles.length === 0 ? null : data('recent threads', titles.map((title) => `- ${title}`).join('\n'), [homeOf(context)])
  },
}

const IN_ORGANISATION: readonly OwnSource[] = [instructions, profile, projects, documents]
const IN_PROJECT: readonly OwnSource[] = [instructions, documents, recentThreads]

/** What Ambit itself tells the model, different for the two kinds of scope. */
export async function loadOwnSources(request: OwnSourceRequest): Promise<readonly Slice[]> {
  const slices: Slice[] = []
  for (const source of request.context.project === null ? IN_ORGANISATION : IN_PROJECT) {
    const slice = await source.load(request)
    if (slice) slices.push(slice)
  }
  return slices
}

function data(source: string, text: string, reads: readonly string[]): Slice {
  return { source, kind: 'data', text, reads }
}
