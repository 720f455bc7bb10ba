import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { meQuery } from '../api/me.ts'
import { pathOf } from '../api/request.ts'
import { home } from '../home.ts'
import { setConnected } from '../api/connection.ts'
import { followScope } from './follow-scope.ts'
import { tellScopeEvent } from './scope-events.ts'

/** Of many events in a moment the lists are asked for once. */
const GATHER_MS = 200

/** Keeps what is shown of a place fresh, for as long as one is there. */
export function useScopeEvents(place: Place | null, ready: boolean): void {
  const client = useQueryClient()
  const key = placeKey(place)
  const path = `${home.api}${pathOf(place)}/events`
  useEffect(() => {
    if (!ready) return undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    const refresh = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === key && queryKey[1] !== 'scope' })
      }, GATHER_MS)
    }
    const stop = followScope(path, {
      event(event) {
        tellScopeEvent(event)
        refresh()
      },
      reload: refresh,
      connected: setConnected,
      refused() {
        void client.invalidateQueries({ queryKey: meQuery.queryKey })
        void client.invalidateQueries({ queryKey: [key, 'scope'] })
      },
    })
    return () => {
      clearTimeout(timer)
      stop()
      setConnected(true) // of what is not followed nothing is known, and nothing may wait for it
    }
  }, [client, key, path, ready])
}
