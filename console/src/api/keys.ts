import { infiniteQueryOptions } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { MOST } from './pages.ts'
import type { PageOf } from './pages.ts'
import { ask, pathOf } from './request.ts'

export interface Key {
  readonly id: string
  /** Whose it is. */
  readonly person: string
  /** What is public of it. */
  readonly beginning: string
  /** Who asked for it; null: the command line. */
  readonly made_by: string | null
  readonly created_at: string
  readonly expires_at: string | null
  /** To the minute. */
  readonly last_used_at: string | null
  readonly revoked_at: string | null
}

/** As it is told once. */
export interface NewKey extends Key {
  readonly key: string
}

export interface KeyWanted {
  readonly person?: string
  readonly expires_in_days?: number
}

/** The reader's own; at an organisation, to its admins, those of everybody. The newest first. */
export function keysQuery(place: Place | null) {
  return infiniteQueryOptions({
    queryKey: [placeKey(place), 'keys'],
    queryFn: ({ signal, pageParam }) => ask<PageOf<'keys', Key>>(`${pathOf(place)}/keys`, { signal, query: { limit: MOST, after: pageParam } }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap((page) => page.keys),
  })
}

export async function createKey(place: Place | null, wanted: KeyWanted): Promise<NewKey> {
  return ask<NewKey>(`${pathOf(place)}/keys`, { method: 'POST', body: wanted })
}

export async function revokeKey(place: Place | null, id: string): Promise<void> {
  await ask(`${pathOf(place)}/keys/${encodeURIComponent(id)}`, { method: 'DELETE' })
}
