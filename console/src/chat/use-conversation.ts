import { useChat } from '@ai-sdk/react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useCallback, useEffect, useMemo, useRef } from 'react'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { threadQuery } from '../api/threads.ts'
import { useConnection } from '../api/connection.ts'
import { listenToScope } from '../events/scope-events.ts'
import { useHere } from '../shell/place-context.ts'
import { conversationOf } from './conversation.ts'

/** Milliseconds between two paintings of an answer that arrives: more often than that nobody reads. */
const THROTTLE_MS = 50

/**
 * A chat as it is stored, as it arrives, and as others go on with it. `fresh`: nobody has begun it yet, so there is nothing to ask for.
 */
export function useConversation(place: Place | null, chatId: string, fresh: boolean) {
  const client = useQueryClient()
  const { me } = useHere()
  const conversation = useMemo(() => conversationOf(me.subject, place, chatId), [me.subject, place, chatId])
  const { chat } = conversation
  const helpers = useChat({ chat, throttle: THROTTLE_MS })
  const stored = useQuery({
    queryKey: [placeKey(place), 'messages', chatId],
    queryFn: async () => {
      await conversation.reload()
      quietly(conversation.catchUp())
      return true
    },
    enabled: !fresh,
    staleTime: Infinity, // the events say when to ask again
    gcTime: 0, // whoever comes back sees what has happened meanwhile
  })
  const thread = useQuery({ ...threadQuery(place, chatId), enabled: !fresh || helpers.messages.some(({ role }) => role === 'assistant') })
  const threadId = thread.data?.id

  const catchUp = useCallback(() => quietly(conversation.catchUp()), [conversation])
  // What begins or ends in this thread without this page: another tab, another person, the next one in line.
  useEffect(() => listenToScope((event) => {
    if (!('thread' in event) || event.thread !== threadId || event.type === 'thread_changed') return
    // That an answer failed is in view; that its run has ended is no news then.
    if (event.type === 'run_ended' && helpers.error && !isAmbitError(helpers.error)) return
    catchUp()
  }), [threadId, helpers.error, catchUp])

  useRecovery(helpers.error, { catchUp, resend: () => quietly(conversation.again()) })
  const refresh = (queryKey: readonly unknown[]) => void client.invalidateQueries({ queryKey: queryKey.slice(0, 2) })
  return { ...helpers, chat, conversation, stored, thread, catchUp, refresh }
}

/** Where it fails, the page shows what it had, and the next event tries again. */
function quietly(work: Promise<void>): void {
  work.catch(() => {})
}

/** An answer that was lost with the connection comes back with it; a question that never arrived is sent again. */
function useRecovery(error: Error | undefined, { catchUp, resend }: { catchUp(): void; resend(): void }): void {
  const connected = useConnection()
  const was = useRef(connected)
  useEffect(() => {
    const back = connected && !was.current
    was.current = connected
    if (!back || !isAmbitError(error)) return
    if (error.code === 'stream_lost') catchUp()
    if (error.code === 'unreachable') resend()
  }, [connected, error, catchUp, resend])
}
