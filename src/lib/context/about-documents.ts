import { ORGANISATION } from '../scope/chat-execution-context.ts'
import type { ScopedSql } from '../store/handles.ts'
import { readOpening } from '../store/document-rows.ts'
import type { MissingSlice, Slice } from './context-source.ts'
import type { ObjectRef } from './object-ref.ts'

/** The type by which a message is about one of Ambit's own documents. */
export const DOCUMENT = 'document'

/** How documents are looked up, and how much of each is told. */
export interface DocumentBounds {
  /** Where the run is at home. */
  readonly home: string
  readonly maxChars: number
}

/** The documents that a message is about: told up to `maxChars` each. A foreign id and an absent one are missed alike. */
export async function loadDocuments(sql: ScopedSql, refs: readonly ObjectRef[], { home, maxChars }: DocumentBounds): Promise<readonly (Slice | MissingSlice)[]> {
  return Promise.all(refs.map((about) => loadDocument(sql, about, { home, maxChars })))
}

async function loadDocument(sql: ScopedSql, about: ObjectRef, { home, maxChars }: DocumentBounds): Promise<Slice | MissingSlice> {
  const found = await readOpening(sql, { home, id: about.id }, maxChars)
  if (!found) return { source: DOCUMENT, scope: 'organisation', reason: 'not_found', about }
  const { id, title, media_type: mediaType, project_id: projectId, opening } = found
  return {
    source: DOCUMENT,
    scope: projectId === ORGANISATION ? 'organisation' : 'project',
    kind: 'data',
    text: opening,
    priority: 90,
    reads: [projectId],
    about,
    document: { id, title, mediaType },
  }
}
