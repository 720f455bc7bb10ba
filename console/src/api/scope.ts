import { queryOptions } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { ask, pathOf } from './request.ts'

export type Permission = 'read' | 'write' | 'chat' | 'admin'

/** What a place lets its reader do. */
export interface Scope {
  readonly org: { readonly slug: string; readonly name: string; readonly about: string }
  readonly project: { readonly slug: string; readonly name: string; readonly about: string } | null
  readonly role: string
  readonly may: readonly Permission[]
  readonly models: readonly string[]
  readonly tools: readonly { readonly name: string; readonly description: string; readonly effect: string }[]
  /** Why no question can be asked at the moment; null: it can. */
  readonly chat_refusal: { readonly code: string; readonly detail: string } | null
  /** `own`: people, projects and keys are kept here. */
  readonly directory: 'own' | 'host'
  readonly principal: { readonly subject: string; readonly kind: string; readonly name: string | null }
}

export function scopeQuery(place: Place | null) {
  return queryOptions({
    queryKey: [placeKey(place), 'scope'],
    queryFn: ({ signal }) => ask<Scope>(`${pathOf(place)}/scope`, { signal }),
    staleTime: 60_000,
  })
}
