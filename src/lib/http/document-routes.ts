import { z } from 'zod'
import { ORGANISATION, homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import { findDocument, listScopeDocuments } from '../store/document-rows.ts'
import type { DocumentRow, DocumentTitleRow } from '../store/document-rows.ts'
import { searchDocuments } from '../store/search-rows.ts'
import type { DocumentHitRow } from '../store/search-rows.ts'
import { MOST_HITS } from '../tools/document-tools.ts'
import { documentSchema, documentTitleSchema } from './document-schema.ts'
import type { Document, DocumentTitle } from './document-schema.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented } from './operation.ts'
import type { Answer, Operation } from './operation.ts'
import { next, parsePlacePage, parseSearch, placeCursor, timePageQuery } from './page.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'

const QUERY_CHARS = 1_000

const documentsSchema = z.object({ documents: z.array(documentTitleSchema), next }).register(documented, { id: 'DocumentPage' })

type Documents = z.output<typeof documentsSchema>

export const getDocumentsOperation = {
  id: 'listDocuments',
  summary: 'The documents of this scope, the last changed first; or those that answer a search, the best first.',
  query: {
    ...timePageQuery,
    query: z.string().min(1).max(QUERY_CHARS).describe(`Words to look for, as the tool search_documents does. Answers ${MOST_HITS} at the most, and no next page.`),
  },
  answers: { 200: documentsSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET …/documents`: a project's own; in the organisation's scope its own and those of the projects that the reader may see. */
export async function getDocuments({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getDocumentsOperation>> {
  const parsed = parsePlacePage(query)
  if (!parsed.ok) return problem(parsed, requestId)
  const search = parseSearch(query, QUERY_CHARS)
  if (!search.ok) return problem(search, requestId)
  const { text } = search
  const { limit, after } = parsed.page
  if (text !== null) {
    const hits = await house.scoped(context.rows, (sql) => searchDocuments(sql, text, Math.min(limit, MOST_HITS)))
    return json<Documents>({ documents: hits.map((hit) => titleOf(hit, context)), next: null }, requestId)
  }
  const rows = await house.scoped(context.rows, (sql) => listScopeDocuments(sql, { limit, after }))
  const last = rows.length === limit ? rows.at(-1) : undefined
  const cursor = last ? placeCursor(last.updated_at, last.id, last.project_id) : null
  return json<Documents>({ documents: rows.map((row) => titleOf(row, context)), next: cursor }, requestId)
}

export const readDocumentOperation = { id: 'readDocument', summary: 'A document of this scope.', answers: { 200: documentSchema } } satisfies Operation

/** `GET …/documents/{document}`. */
export async function readDocument({ context, params, requestId }: ScopedExchange, house: House): Promise<Answer<typeof readDocumentOperation>> {
  const row = await house.scoped(context.rows, (sql) => findDocument(sql, { home: homeOf(context), id: params['document'] ?? '' }))
  return row ? json<Document>(documentOf(row, context), requestId) : problem(NOT_FOUND, requestId)
}

export function documentOf({ id, project_id, title, media_type, body, chars, updated_at }: DocumentRow, context: ChatExecutionContext): Document {
  return { id, project: slugOf(project_id, context), title, media_type, body, chars, updated_at }
}

function titleOf(row: DocumentTitleRow | DocumentHitRow, context: ChatExecutionContext): DocumentTitle {
  const { id, project_id, title, media_type, opening, chars, updated_at } = row
  return { id, project: slugOf(project_id, context), title, media_type, opening, chars, updated_at, ...('snippet' in row && { snippet: row.snippet }) }
}

/** How an address names the project; null for the organisation itself. */
export function slugOf(projectId: string, context: Pick<ChatExecutionContext, 'places'>): string | null {
  if (projectId === ORGANISATION) return null
  return context.places.find(({ id }) => id === projectId)?.slug ?? projectId
}
