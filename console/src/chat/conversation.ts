import './no-eval.ts'
import { Chat } from '@ai-sdk/react'
import { ambitTransport } from '../../../src/client.ts'
import type { AmbitTransport } from '../../../src/client.ts'
import { placeKey } from '../address/address.ts'
import type { Place } from '../address/address.ts'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { home } from '../home.ts'
import { loadAfter } from './load-after.ts'
import { factsOf } from './ambit-message.ts'
import type { AmbitMessage } from './ambit-message.ts'

/** A chat that is shown, or was a moment ago: its answer goes on arriving while another one is looked at. */
export interface Conversation {
  readonly chat: Chat<AmbitMessage>
  readonly transport: AmbitTransport<AmbitMessage>
  /** Takes what is stored: all of the chosen branch, or from the last turn on. An answer that is arriving is left alone. */
  reload(from?: 'beginning' | 'last-turn'): Promise<void>
}

/** More than one looks at in a while; each may hold a stream open. */
const KEPT = 8

const conversations = new Map<string, Conversation>()

/** The conversation of this person in this chat of this place: the same one for as long as the page is open, and nobody else's. */
export function conversationOf(person: string, place: Place | null, chatId: string): Conversation {
  const key = `${person} ${placeKey(place)} ${chatId}`
  const known = conversations.get(key) ?? createConversation(place, chatId)
  conversations.delete(key)
  conversations.set(key, known)
  for (const [old, { chat }] of conversations) {
    if (conversations.size <= KEPT) break
    if (chat.status === 'ready' || chat.status === 'error') conversations.delete(old)
  }
  return known
}

function createConversation(place: Place | null, chatId: string): Conversation {
  const transport = ambitTransport<AmbitMessage>({
    url: home.api,
    ...(place !== null && { org: place.org, ...(place.project !== undefined && { project: place.project }) }),
    onStopFailed: (error) => toast({ title: 'The answer was not stopped', detail: wordsOf(error), bad: true }),
  })
  const chat = new Chat<AmbitMessage>({ id: chatId, transport })
  let loading: Promise<void> | null = null
  const load = async (from: 'beginning' | 'last-turn') => {
    const known = from === 'last-turn' ? beforeLastTurn(chat.messages) : null
    const rest = known && (await loadAfter(place, chatId, known))
    const messages = beforeWaiting(known && rest ? [...known, ...rest] : await transport.load(chatId))
    if (isIdle(chat)) chat.messages = messages
  }
  return {
    chat,
    transport,
    reload(from = 'beginning') {
      loading ??= load(from).finally(() => {
        loading = null
      })
      return loading
    },
  }
}

/** What a new turn does not change; null: nothing, or it is not known by number. */
function beforeLastTurn(messages: readonly AmbitMessage[]): readonly [AmbitMessage, ...AmbitMessage[]] | null {
  const at = messages.findLastIndex(({ role }) => role === 'user')
  const [first, ...more] = messages.slice(0, Math.max(at, 0))
  return first ? [first, ...more] : null
}

/** Up to the first question that waits: the answer that is under way stands at the end, where the next piece of it belongs. */
function beforeWaiting(messages: AmbitMessage[]): AmbitMessage[] {
  const at = messages.findIndex((message) => {
    const { run } = factsOf(message)
    return run?.state === 'queued'
  })
  return at < 1 ? messages : messages.slice(0, at - 1)
}

export function isIdle({ status }: Pick<Chat<AmbitMessage>, 'status'>): boolean {
  return status === 'ready' || status === 'error'
}
