export type { Document, DocumentTitle } from '../../../src/lib/http/document-schema.ts'

export type MediaType = 'text/markdown' | 'text/plain'

/** What of a document a person writes. */
export interface DocumentText {
  readonly title: string
  readonly body: string
  readonly media_type: MediaType
}
