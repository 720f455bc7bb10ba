import { queryOptions } from '@tanstack/react-query'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import type { DemoPersonShown } from '../../../src/lib/http/demo-door.ts'
import type { Me } from '../../../src/lib/http/me-routes.ts'
import { ask } from './request.ts'
import { tellOtherTabs } from './sign-ins.ts'

export type { Me }

/** Who is signed in; null: nobody. */
export const meQuery = queryOptions({
  queryKey: ['me'],
  queryFn: async ({ signal }): Promise<Me | null> => nullWhere('unauthenticated', ask<Me>('/v1/me', { signal })),
  staleTime: 60_000,
  networkMode: 'always', // where the stream of events is refused, this says why
})

/** The people of the demo, who need no key; null: this is no demo. */
export const demoPeopleQuery = queryOptions({
  queryKey: ['demo-people'],
  queryFn: async ({ signal }) => nullWhere('not_found', ask<{ readonly people: readonly DemoPersonShown[] }>('/_demo/people', { signal })),
  staleTime: Infinity,
  retry: false,
})

export async function signIn(key: string): Promise<Me> {
  return toldToAll(ask<Me>('/v1/sign-in', { method: 'POST', body: { key } }))
}

export async function signInAs(person: string): Promise<Me> {
  return toldToAll(ask<Me>('/_demo/sign-in', { method: 'POST', body: { person } }))
}

export async function signOut(): Promise<void> {
  await toldToAll(ask('/v1/sign-in', { method: 'DELETE' }))
}

async function toldToAll<Answer>(asked: Promise<Answer>): Promise<Answer> {
  const answer = await asked
  tellOtherTabs()
  return answer
}

async function nullWhere<Answer>(code: string, answer: Promise<Answer>): Promise<Answer | null> {
  try {
    return await answer
  } catch (error) {
    if (isAmbitError(error) && error.code === code) return null
    throw error
  }
}
