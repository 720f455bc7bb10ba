import { QueryCache, QueryClient } from '@tanstack/react-query'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'

const TRIES = 2

/** What was asked, kept for as long as the page is open. Scope events say what has changed; nothing is asked again for the clock's sake. */
export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({
    // Signed out elsewhere, or the key was revoked: who is here is asked again, and the page says so.
    onError: (error) => {
      if (isAmbitError(error) && error.code === 'unauthenticated') void queryClient.invalidateQueries({ queryKey: ['me'] })
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 10_000,
      retry: (failures, error) => failures < TRIES && mayPass(error),
      networkMode: 'always', // a server on this machine answers also without a network
    },
    mutations: { networkMode: 'always' },
  },
})

/** Whether the same question can have another answer in a moment. */
function mayPass(error: unknown): boolean {
  return isAmbitError(error) && (error.code === 'unavailable' || error.code === 'unreachable' || error.code === 'internal')
}
