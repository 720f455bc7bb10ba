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
    return data('profile', 60, `${name}\n${about}`, [])
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
    return data('projects', 40, lines.join('\n'), shown.map((place) => place.id))
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
    return { ...data('documents', 30, lines.join('\n'), [home]), scope: context.project ? 'project' : 'organisation' }
  },
}

const recentThreads: OwnSource = {
  name: 'recent threads',
  async load({ context, sql, threadId }) {
    const titles = await listRecentTitles(sql, { projectId: homeOf(context), threadId, limit: TITLES })
    if (titles.length === 0) return null
    return { ...data('recent threads', 20, titles.map((title) => `- ${title}`).join('\n'), [homeOf(context)]), scope: 'project' }
  },
}

const IN_ORGANISATION: readonly OwnSource[] = [profile, projects, documents]
const IN_PROJECT: readonly OwnSource[] = [documents, recentThreads]

/** What Ambit itself tells the model, different for the two kinds of scope. */
export async function loadOwnSources(request: OwnSourceRequest): Promise<readonly Slice[]> {
  const sources = request.context.project === null ? IN_ORGANISATION : IN_PROJECT
  const slices = await Promise.all(sources.map((source) => source.load(request)))
  return slices.flatMap((slice) => slice ?? [])
}

function data(source: string, priority: number, text: string, reads: readonly string[]): Slice {
  return { source, scope: 'organisation', kind: 'data', priority, text, reads }
}
