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
import { conversationOf, holdsUnsent } from './conversation.ts'

/** Milliseconds between two paintings of an answer that arrives: more often than that nobody reads. */
const THROTTLE_MS = 50

interface ConversationParts {
  readonly place: Place | null
  readonly chatId: string
  /** There is nothing to ask for yet. */
  readonly fresh: boolean
  /** By which a question that did not arrive is asked once more; null: the place's own choice. */
  readonly model: string | null
}

/** A chat as it is stored, as it arrives, and as others go on with it. */
export function useConversation({ place, chatId, fresh, model }: ConversationParts) {
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
  const { error } = helpers
  const unsent = holdsUnsent(chat)

  const catchUp = useCallback(() => quietly(conversation.catchUp()), [conversation])
  /** A question that did not arrive is sent once more; an answer that did not arrive whole is read on. */
  const retry = useCallback(() => {
    if (unsent) quietly(conversation.again(bodyOf(model)))
    else catchUp()
  }, [unsent, conversation, model, catchUp])

  // What begins or ends in this thread without this page: another tab, another person, the next one in line.
  useEffect(() => listenToScope((news) => {
    if (news.type === 'reload') return catchUp()
    if (news.thread === undefined || news.thread !== threadId || news.type === 'thread_changed') return
    // That an answer failed is in view; that its run has ended is no news then.
    if (news.type === 'run_ended' && error && !isAmbitError(error)) return
    catchUp()
  }), [threadId, error, catchUp])

  useRecovery(error, retry)
  const refresh = (queryKey: readonly unknown[]) => void client.invalidateQueries({ queryKey: queryKey.slice(0, 2) })
  // Deleted, taken back or never begun: all alike to whoever may not see it.
  const gone = isAmbitError(thread.error) && thread.error.code === 'not_found' && !unsent
  return { ...helpers, chat, conversation, stored, thread: gone ? undefined : thread.data, gone, unsent, catchUp, retry, refresh }
}

/** What goes with a question beside its words. */
export function bodyOf(model: string | null): { readonly body: { readonly model?: string } } {
  return { body: model === null ? {} : { model } }
}

/** Where it fails, the page shows what it had, and the next event tries again. */
function quietly(work: Promise<void>): void {
  work.catch(() => {})
}

/** What was lost with the connection comes back with it. */
function useRecovery(error: Error | undefined, retry: () => void): void {
  const connected = useConnection()
  const was = useRef(connected)
  useEffect(() => {
    const back = connected && !was.current
    was.current = connected
    if (back && isAmbitError(error) && (error.code === 'stream_lost' || error.code === 'unreachable')) retry()
  }, [connected, error, retry])
}
