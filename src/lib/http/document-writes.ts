import { ORGANISATION, homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { deleteDocument, findDocumentHome, insertDocument, updateDocument } from '../store/document-rows.ts'
import type { DocumentRow } from '../store/document-rows.ts'
import { insertOtherEvent } from '../store/event-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { documentOf, slugOf } from './document-routes.ts'
import { DOCUMENT_BYTES, documentChange, documentSchema, newDocument } from './document-schema.ts'
import type { Document } from './document-schema.ts'
import type { House, ScopedExchange } from './exchange.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { json, noContent } from './respond.ts'

export const postDocumentOperation = {
  id: 'createDocument',
  summary: 'Adds a document to this organisation or project itself.',
  body: newDocument,
  bodyBytes: DOCUMENT_BYTES,
  answers: { 201: documentSchema },
} satisfies Operation

/** `POST …/documents`. Its id is the server's: one that a client chose could be another's already, and must not say so. */
export async function postDocument(exchange: ScopedExchange<BodyOf<typeof postDocumentOperation>>, house: House): Promise<Answer<typeof postDocumentOperation>> {
  const { context, body, requestId } = exchange
  const projectId = homeOf(context)
  const row = await house.scoped(context.rows, async (sql) => {
    const made = await insertDocument(sql, { projectId, id: house.newId('doc'), title: body.title, mediaType: body.media_type, body: body.body })
    await tell(sql, made)
    return made
  })
  house.events.notify({ orgId: context.org.id, projectId })
  return json<Document, 201>(documentOf(row, context), requestId, 201)
}

export const patchDocumentOperation = {
  id: 'changeDocument',
  summary: 'Changes a document of this organisation or project itself.',
  body: documentChange,
  bodyBytes: DOCUMENT_BYTES,
  answers: { 200: documentSchema },
  refuses: ['conflict'],
} satisfies Operation

const CHANGED = refuse('conflict', 'This document was changed since you read it. Read it again, then change what is there now.')

/** `PATCH …/documents/{document}`. With `base`, only what the caller has read is changed. */
export async function patchDocument(exchange: ScopedExchange<BodyOf<typeof patchDocumentOperation>>, house: House): Promise<Answer<typeof patchDocumentOperation>> {
  const { context, params, body, requestId } = exchange
  const changed = await house.scoped(context.rows, async (sql) => {
    const own = await findOwn(sql, context, params)
    if ('code' in own) return own
    const row = await updateDocument(sql, { ...own, title: body.title, mediaType: body.media_type, body: body.body, base: body.base })
    if (!row) return body.base === undefined ? NOT_FOUND : CHANGED
    await tell(sql, row)
    return row
  })
  if ('code' in changed) return problem(changed, requestId)
  house.events.notify({ orgId: context.org.id, projectId: homeOf(context) })
  return json<Document>(documentOf(changed, context), requestId)
}

export const deleteDocumentOperation = {
  id: 'deleteDocument',
  summary: 'Deletes a document of this organisation or project itself. What was said of it stays said.',
  answers: { 204: 'nothing' },
} satisfies Operation

/** `DELETE …/documents/{document}`. */
export async function removeDocument({ context, params, requestId, log }: ScopedExchange, house: House): Promise<Answer<typeof deleteDocumentOperation>> {
  const removed = await house.scoped(context.rows, async (sql) => {
    const own = await findOwn(sql, context, params)
    if ('code' in own) return own
    if (!(await deleteDocument(sql, own))) return NOT_FOUND
    await tell(sql, { id: own.id, project_id: own.projectId })
    return own
  })
  if ('code' in removed) return problem(removed, requestId)
  house.events.notify({ orgId: context.org.id, projectId: homeOf(context) })
  log.info({ subject: context.principal.subject, document_id: removed.id }, 'document deleted')
  return noContent(requestId)
}

/** The document that the path names, if it is of the address itself: a role counts in the place that it was given for. */
async function findOwn(
  sql: ScopedSql,
  context: ChatExecutionContext,
  params: Readonly<Record<string, string>>,
): Promise<{ readonly projectId: string; readonly id: string } | Refusal> {
  const [home, id] = [homeOf(context), params['document'] ?? '']
  const projectId = await findDocumentHome(sql, { home, id })
  if (projectId === null) return NOT_FOUND
  return projectId === home ? { projectId, id } : elsewhere(slugOf(projectId, context) ?? ORGANISATION)
}

function elsewhere(project: string): Refusal {
  return refuse('forbidden', `This document is of the project "${project}". Change or delete it at the address of that project.`)
}

/** For whoever shows a list of documents. */
async function tell(sql: ScopedSql, { id, project_id: projectId }: Pick<DocumentRow, 'id' | 'project_id'>): Promise<void> {
  await insertOtherEvent(sql, { projectId, kind: 'document_changed', aboutId: id, readerId: null })
}
