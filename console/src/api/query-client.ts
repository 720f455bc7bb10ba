import { QueryCache, QueryClient, onlineManager } from '@tanstack/react-query'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { isConnected, listen } from './connection.ts'

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
