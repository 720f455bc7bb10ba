import { QueryCache, QueryClient, onlineManager } from '@tanstack/react-query'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { isConnected, listen } from './connection.ts'
import type { Me } from './me.ts'

// What is asked while the server is out of reach waits until it is back: the banner says so once, and not every list again.
onlineManager.setEventListener((setOnline) => listen(() => setOnline(isConnected())))

const TRIES = 2

/** What was asked, kept for as long as the page is open. Scope events say what has changed; nothing is asked again for the clock's sake. */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // Signed out elsewhere, or the key was revoked: who is here is asked again, and the page says so.
    onError: (error) => {
      if (isAmbitError(error) && error.code === 'unauthenticated') void queryClient.invalidateQueries({ queryKey: ['me'] })
    },
    onSuccess: (data, { queryKey }) => {
      if (queryKey[0] === 'me') forgetOthers((data as Me | null)?.subject)
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) => failures < TRIES && mayPass(error),
    },
    mutations: { networkMode: 'always' }, // what somebody does is done now, or refused
  },
})

/** Whether the same question can have another answer in a moment. */
function mayPass(error: unknown): boolean {
  return isAmbitError(error) && (error.code === 'unavailable' || error.code === 'unreachable' || error.code === 'internal')
}

/** Whose answers are kept. */
let person: string | undefined

/** Here or in another tab somebody else has signed in: what was asked as the other one must not be painted for this one. */
function forgetOthers(subject: string | undefined): void {
  if (subject === undefined) return // signed out: the next one may be the same
  if (person !== undefined && person !== subject) queryClient.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' && queryKey[0] !== 'demo-people' })
  person = subject
}
