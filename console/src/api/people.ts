import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { MOST, askAll } from './pages.ts'
import type { PageOf } from './pages.ts'
import { ask, pathOf } from './request.ts'
import type { Role } from './role.ts'

/** Somebody who was given a role in a place itself. */
export interface Member {
  readonly id: string
  /** As the place calls the person; the id where it has no word for it. */
  readonly name: string
  readonly role: Role
  /** Null where it was not kept. */
  readonly since: string | null
}

export function membersQuery(place: Place | null) {
  return infiniteQueryOptions({
    queryKey: [placeKey(place), 'members'],
    queryFn: ({ signal, pageParam }) => ask<PageOf<'members', Member>>(`${pathOf(place)}/members`, { signal, query: { limit: MOST, after: pageParam } }),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
    select: ({ pages }) => pages.flatMap((page) => page.members),
  })
}

/** All members of the organisation around a place, for their names. Whoever is in a project of it only is refused. */
export function organisationMembersQuery(place: Place | null) {
  const org = place && { org: place.org }
  return queryOptions({
    queryKey: [placeKey(org), 'all-members'],
    queryFn: ({ signal }) => askAll<'members', Member>('members', `${pathOf(org)}/members`, signal),
    retry: false,
  })
}

export async function putMember(place: Place | null, person: string, wanted: { readonly role: Role; readonly name?: string }): Promise<Member> {
  return ask<Member>(memberPath(place, person), { method: 'PUT', body: wanted })
}

export async function removeMember(place: Place | null, person: string): Promise<void> {
  await ask(memberPath(place, person), { method: 'DELETE' })
}

function memberPath(place: Place | null, person: string): string {
  return `${pathOf(place)}/members/${encodeURIComponent(person)}`
}
