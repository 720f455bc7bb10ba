import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { Thread } from '../../../src/lib/http/thread-routes.ts'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { ask, pathOf } from './request.ts'

export type { Thread }

interface ThreadPage {
  readonly threads: readonly Thread[]
  readonly next: string | null
}

const PAGE = 50

export function threadsQuery(place: Place | null, query: string) {
  return infiniteQueryOptions({
    queryKey: [placeKey(place), 'threads', query],
    queryFn: ({ signal, pageParam }) => ask<ThreadPage>(`${pathOf(place)}/threads`, { signal, query: { limit: PAGE, after: pageParam, query: query === '' ? null : query } }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap((page) => page.threads),
  })
}

export function threadQuery(place: Place | null, chatId: string) {
  return queryOptions({
    queryKey: [placeKey(place), 'thread', chatId],
    queryFn: ({ signal }) => ask<Thread>(threadPath(place, chatId), { signal }),
    retry: false, // a chat that nobody has begun is no thread yet
  })
}

export async function changeThread(place: Place | null, chatId: string, change: { readonly title?: string; readonly shared?: boolean; readonly head?: string }): Promise<Thread> {
  return ask<Thread>(threadPath(place, chatId), { method: 'PATCH', body: change })
}

export async function deleteThread(place: Place | null, chatId: string): Promise<void> {
  await ask(threadPath(place, chatId), { method: 'DELETE' })
}

function threadPath(place: Place | null, chatId: string): string {
  return `${pathOf(place)}/threads/${encodeURIComponent(chatId)}`
}
