import { z } from 'zod'
import type { Place } from '../directory/directory.ts'
import { ORGANISATION, homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { findDocument } from '../store/document-rows.ts'
import type { Handles } from '../store/handles.ts'
import { searchDocuments } from '../store/search-rows.ts'
import { describe } from './bind-tool.ts'
import type { BoundTool } from './bound-tool.ts'
import { ToolError } from './tool.ts'

const HITS = 6
/** Of a search, whoever makes it. */
export const MOST_HITS = 20
const READ_CHARS = 20_000

const searchInput = z.object({
  query: z.string().min(1).max(1_000).describe('The words to look for.'),
  limit: z.int().min(1).max(MOST_HITS).optional().describe(`How many documents at the most (${HITS} if absent).`),
})

const readInput = z.object({
  id: z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/).describe('The id of a document, as search_documents gave it.'),
  offset: z.int().min(0).optional().describe('Where to go on reading: nextOffset of the part before.'),
})

const search = describe({
  name: 'search_documents',
  description: 'Searches the documents of this place. Answers the best ones with a snippet each; read_document gives the whole text.',
  input: searchInput,
  effect: 'read',
})

const read = describe({
  name: 'read_document',
  description: 'Reads a document of this place by its id. Long ones come in parts.',
  input: readInput,
  effect: 'read',
})

const list = describe({
  name: 'list_projects',
  description: 'Lists the projects of this organisation that the person may see.',
  input: z.object({}),
  effect: 'read',
})

/** Finds documents of the scope, best first, each with a snippet and the number to cite it by. */
export function bindSearchDocuments(context: ChatExecutionContext, { scoped }: Pick<Handles, 'scoped'>): BoundTool {
  return {
    ...search,
    failureReads: [],
    async call(args, { cite }) {
      const { query, limit = HITS } = searchInput.parse(args)
      const hits = await scoped(context.rows, (sql) => searchDocuments(sql, query, limit))
      const results = hits.map((hit) => ({
        source: cite({ id: hit.id, title: hit.title, mediaType: hit.media_type }),
        id: hit.id,
        title: hit.title,
        mediaType: hit.media_type,
        project: placeName(context, hit.project_id),
        snippet: hit.snippet,
      }))
      return { output: { results }, reads: [...new Set(hits.map((hit) => hit.project_id))] }
    },
  }
}

/** Reads a document of the scope, in parts of 20,000 characters. A foreign id and an absent one fail with the same words. */
export function bindReadDocument(context: ChatExecutionContext, { scoped }: Pick<Handles, 'scoped'>): BoundTool {
  return {
    ...read,
    failureReads: [],
    async call(args, { cite }) {
      const { id, offset = 0 } = readInput.parse(args)
      const document = await scoped(context.rows, (sql) => findDocument(sql, { home: homeOf(context), id }))
      if (!document) throw new ToolError('There is no document with this id here.')
      const end = offset + READ_CHARS
      const output = {
        source: cite({ id, title: document.title, mediaType: document.media_type }),
        id,
        title: document.title,
        mediaType: document.media_type,
        project: placeName(context, document.project_id),
        text: document.body.slice(offset, end),
        ...(end < document.body.length && { nextOffset: end }),
      }
      return { output, reads: [document.project_id] }
    },
  }
}

/** The projects that the principal may see, as the scope froze them. Offered in an organisation's scope only. */
export function bindListProjects(context: ChatExecutionContext): BoundTool {
  return {
    ...list,
    failureReads: [],
    async call() {
      const projects = context.places.map(({ slug, name, about = '' }) => ({ slug, name, about }))
      return { output: { projects }, reads: context.places.map((place: Place) => place.id) }
    },
  }
}

function placeName(context: ChatExecutionContext, projectId: string): string {
  if (projectId === ORGANISATION) return context.org.slug
  return context.places.find((place) => place.id === projectId)?.slug ?? projectId
}
