import { queryOptions } from '@tanstack/react-query'
import type { Scope } from '../../../src/lib/http/scope-routes.ts'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { ask, pathOf } from './request.ts'

export type { Scope }
export type Permission = Scope['may'][number]

export function scopeQuery(place: Place | null) {
  return queryOptions({
    queryKey: [placeKey(place), 'scope'],
    queryFn: ({ signal }) => ask<Scope>(`${pathOf(place)}/scope`, { signal }),
    staleTime: 60_000,
    networkMode: 'always', // where the stream of events is refused, this says why
  })
}
