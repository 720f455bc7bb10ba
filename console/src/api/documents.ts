import { queryOptions } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { ask, pathOf } from './request.ts'

export interface DocumentTitle {
  readonly id: string
  /** The project's slug; null: the organisation's own. */
  readonly project: string | null
  readonly title: string
  readonly media_type: string
  readonly opening: string
  readonly chars: number
  readonly updated_at: string
}

export interface Document extends DocumentTitle {
  readonly body: string
}

/** The documents that were changed last. */
export function documentsQuery(place: Place | null, limit: number) {
  return queryOptions({
    queryKey: [placeKey(place), 'documents', 'first', limit],
    queryFn: ({ signal }) => ask<{ readonly documents: readonly DocumentTitle[]; readonly next: string | null }>(`${pathOf(place)}/documents`, { signal, query: { limit } }),
  })
}

export function documentQuery(place: Place | null, id: string) {
  return queryOptions({
    queryKey: [placeKey(place), 'document', id],
    queryFn: ({ signal }) => ask<Document>(`${pathOf(place)}/documents/${encodeURIComponent(id)}`, { signal }),
  })
}
