import { useQueryClient } from '@tanstack/react-query'
import { useEffect } from 'react'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { setConnected } from '../api/connection.ts'
import { meQuery } from '../api/me.ts'
import { pathOf } from '../api/request.ts'
import { home } from '../home.ts'
import { followScope } from './follow-scope.ts'
import { tellScopeNews } from './scope-events.ts'
import type { ScopeNews } from './scope-events.ts'

/** Of many events in a moment the lists are asked for once. */
const GATHER_MS = 200

interface Followed {
  readonly place: Place | null
  readonly person: string
  /** Whether one is there at all. */
  readonly ready: boolean
}

/** Keeps what is shown of a place fresh, for as long as one is there. */
export function useScopeEvents({ place, person, ready }: Followed): void {
  const client = useQueryClient()
  const key = placeKey(place)
  const path = `${home.api}${pathOf(place)}/events`
  useEffect(() => {
    if (!ready) return undefined
    const gathered = new Set<Subject>()
    let timer: ReturnType<typeof setTimeout> | undefined
    const refresh = () => {
      timer = undefined
      const subjects = new Set(gathered)
      gathered.clear()
      void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === key && subjects.has(subjectOf(String(queryKey[1]))) })
    }
    const hear = (news: ScopeNews) => {
      tellScopeNews(news)
      for (const subject of subjectsOf(news)) gathered.add(subject)
      timer ??= setTimeout(refresh, GATHER_MS)
    }
    const stop = followScope(path, person, {
      event: hear,
      reload: () => hear({ type: 'reload' }),
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
  }, [client, key, path, person, ready])
}

/** What a query asks for, as far as events tell of it. */
type Subject = 'threads' | 'documents' | 'others' | 'not told'

function subjectOf(name: string): Subject {
  if (name.startsWith('document')) return 'documents'
  if (/^(thread|run|queued)/.test(name)) return 'threads'
  // The messages of a chat are caught up with by the chat that shows them, which knows what it has in hand.
  return name === 'scope' || name === 'messages' ? 'not told' : 'others'
}

function subjectsOf({ type }: ScopeNews): readonly Subject[] {
  if (type === 'reload') return ['threads', 'documents', 'others']
  return [type === 'document_changed' ? 'documents' : 'threads']
}
