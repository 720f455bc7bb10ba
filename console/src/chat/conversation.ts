import './no-eval.ts'
import { Chat } from '@ai-sdk/react'
import type { ChatTransport, UIMessageChunk } from 'ai'
import { isAmbitError } from '../../../src/lib/client/ambit-error.ts'
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
  /** Takes what is stored, and reads what is under way, to its end. What is asked for meanwhile is done once more after that. */
  catchUp(): Promise<void>
  /** Asks, reads the answer, and catches up: its number and versions come from the store, and others may have gone on. */
  send(...asked: Parameters<Chat<AmbitMessage>['sendMessage']>): Promise<void>
  /** The same for an answer once more; without a message, for what has none yet. */
  again(...asked: Parameters<Chat<AmbitMessage>['regenerate']>): Promise<void>
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
  let found: FoundAnswer | null = null
  const takeFound: ChatTransport<AmbitMessage>['reconnectToStream'] = async ({ abortSignal: stopped }) => {
    const taken = found
    found = null
    stopped?.addEventListener('abort', () => taken?.ending.abort(stopped.reason))
    return taken?.stream ?? null
  }
  const chat = new Chat<AmbitMessage>({ id: chatId, transport: { ...transport, reconnectToStream: takeFound } })
  const load = async (from: 'beginning' | 'last-turn') => {
    const known = from === 'last-turn' ? beforeLastTurn(chat.messages) : null
    const rest = known && (await loadAfter(place, chatId, known))
    const messages = beforeWaiting(known && rest ? [...known, ...rest] : await transport.load(chatId))
    if (isAtRest(chat)) chat.messages = messages
  }
  /** Reads the answer that is under way, if there is one. */
  const resume = async () => {
    const ending = new AbortController()
    const stream = await transport.reconnectToStream({ chatId, abortSignal: ending.signal })
    // The SDK takes itself for done when there is none, whatever was asked meanwhile: so it is not let to look for itself.
    if (!isAtRest(chat)) return stream?.cancel()
    chat.clearError() // not before: what fails on the way to here is tried again for as long as there is an error
    if (stream === null) return undefined
    found = { stream, ending }
    return chat.resumeStream()
  }
  const takeUp = async () => {
    if (!isAtRest(chat)) return // whoever reads here now, or asks once more, catches up after it
    await load('last-turn')
    const before = chat.lastMessage
    if (isAtRest(chat)) await resume() // not over what was asked, and did not arrive, while that was loaded
    if (chat.lastMessage !== before && chat.status === 'ready') await load('last-turn')
  }
  const catchUp = oneAtATime(takeUp)
  // An answer that failed keeps its error in view; what cannot be caught up with now is, by the next event.
  const afterwards = async () => {
    if (chat.status !== 'error') await catchUp().catch(() => {})
  }
  return {
    chat,
    transport,
    reload: (from = 'beginning') => load(from),
    catchUp,
    send: (...asked) => chat.sendMessage(...asked).then(afterwards),
    again: (...asked) => chat.regenerate(...asked).then(afterwards),
  }
}

/** An answer that is under way, before the chat reads it. */
interface FoundAnswer {
  readonly stream: ReadableStream<UIMessageChunk>
  /** Stops the run, as a stop of the chat does. */
  readonly ending: AbortController
}

/** Of all that ask while it is under way, it is done once more for the last. */
function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | null = null
  let wanted = false
  const run = async () => {
    do {
      wanted = false
      await work()
    } while (wanted)
  }
  return () => {
    wanted = true
    running ??= run().finally(() => {
      running = null
    })
    return running
  }
}

/** What a new turn does not change; null: nothing, or it is not known by number. An answer that was not settled when it was loaded is asked for again. */
function beforeLastTurn(messages: readonly AmbitMessage[]): readonly [AmbitMessage, ...AmbitMessage[]] | null {
  const lastTurn = messages.findLastIndex(({ role }) => role === 'user')
  const unsettled = messages.findIndex((message) => message.role === 'assistant' && !isSettled(message))
  const [first, ...more] = messages.slice(0, Math.max(0, unsettled < 0 ? lastTurn : Math.min(lastTurn, unsettled - 1)))
  return first ? [first, ...more] : null
}

function isSettled(message: AmbitMessage): boolean {
  const { number, run } = factsOf(message)
  return number !== undefined && typeof run === 'object' && !isUnderWay(message)
}

/** Up to the answer that is under way, which will be streamed to this end; or to the first question that waits, which is shown below. */
function beforeWaiting(messages: AmbitMessage[]): AmbitMessage[] {
  const at = messages.findIndex((message) => message.role === 'assistant' && isUnderWay(message))
  if (at < 1) return messages
  return messages.slice(0, factsOf(messages[at] as AmbitMessage).run?.state === 'queued' ? at - 1 : at)
}

function isUnderWay(message: AmbitMessage): boolean {
  const { run } = factsOf(message)
  return run?.state === 'running' || run?.state === 'queued'
}

/** A question that the server has not taken: it is nowhere but here, and stays until it is asked once more. */
export function holdsUnsent({ status, error, lastMessage }: Pick<Chat<AmbitMessage>, 'status' | 'error' | 'lastMessage'>): boolean {
  if (status !== 'error' || lastMessage?.role !== 'user') return false
  return factsOf(lastMessage).number === undefined && !(isAmbitError(error) && error.code === 'stream_lost')
}

/** Nothing arrives, and nothing is here that is nowhere else: what is stored may take its place. */
function isAtRest(chat: Chat<AmbitMessage>): boolean {
  return isIdle(chat) && !holdsUnsent(chat)
}

export function isIdle({ status }: Pick<Chat<AmbitMessage>, 'status'>): boolean {
  return status === 'ready' || status === 'error'
}
