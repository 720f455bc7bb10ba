import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import type { Document, DocumentText, DocumentTitle } from './document.ts'
import { ask, pathOf } from './request.ts'

/** The most that the server gives of a search. */
const MOST_HITS = 20
const PAGE = 100

interface DocumentPage {
  readonly documents: readonly DocumentTitle[]
  readonly next: string | null
}

/** The documents that were changed last. */
export function documentsQuery(place: Place | null, limit: number) {
  return queryOptions({
    queryKey: [placeKey(place), 'documents', 'first', limit],
    queryFn: ({ signal }) => ask<DocumentPage>(`${pathOf(place)}/documents`, { signal, query: { limit } }),
  })
}

/** All of them, page by page, the last changed first. */
export function documentListQuery(place: Place | null) {
  return infiniteQueryOptions({
    queryKey: [placeKey(place), 'documents', 'all'],
    queryFn: ({ signal, pageParam }) => ask<DocumentPage>(`${pathOf(place)}/documents`, { signal, query: { limit: PAGE, after: pageParam } }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap((page) => page.documents),
    ...freshness(place),
  })
}

/** What the model's own search finds, the best first. */
export function documentSearchQuery(place: Place | null, query: string) {
  return queryOptions({
    queryKey: [placeKey(place), 'documents', 'found', query],
    queryFn: ({ signal }) => ask<DocumentPage>(`${pathOf(place)}/documents`, { signal, query: { limit: MOST_HITS, query } }),
    placeholderData: keepPreviousData,
    ...freshness(place),
  })
}

export function documentQuery(place: Place | null, id: string) {
  return queryOptions({
    queryKey: [placeKey(place), 'document', id],
    queryFn: ({ signal }) => ask<Document>(documentPath(place, id), { signal }),
    ...freshness(place),
  })
}

export async function addDocument(place: Place | null, text: DocumentText, signal?: AbortSignal): Promise<Document> {
  return ask<Document>(`${pathOf(place)}/documents`, { method: 'POST', body: text, ...(signal && { signal }) })
}

/** `base`: what was read; where it is no longer that, nothing is changed. */
export async function changeDocument(place: Place | null, id: string, change: Partial<DocumentText> & { readonly base: string }): Promise<Document> {
  return ask<Document>(documentPath(place, id), { method: 'PATCH', body: change })
}

export async function deleteDocument(place: Place | null, id: string): Promise<void> {
  await ask(documentPath(place, id), { method: 'DELETE' })
}

function documentPath(place: Place | null, id: string): string {
  return `${pathOf(place)}/documents/${encodeURIComponent(id)}`
}

/** The events of an organisation do not tell of its projects' documents: there one asks again when one comes back to the page. */
function freshness(place: Place | null) {
  return place !== null && place.project === undefined ? ({ refetchOnWindowFocus: 'always', refetchOnMount: 'always' } as const) : {}
}
