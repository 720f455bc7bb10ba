import type { ChatTransport, UIMessage, UIMessageChunk } from 'ai'
import { ask, pathOf } from './ask.ts'
import { loadMessages } from './load-messages.ts'
import { openStream } from './open-stream.ts'
import type { StreamParts } from './open-stream.ts'
import { createStops } from './stops.ts'
import type { Stopped } from './stops.ts'
import { resolveGiven } from './transport-options.ts'
import type { AmbitTransportOptions } from './transport-options.ts'
import { unlessAborted } from './wait.ts'
import type { Patience } from './wait.ts'

export interface AmbitTransport<M extends UIMessage = UIMessage> extends ChatTransport<M> {
  /** Ends the run of a chat, or only this one of it. Rejects with an `AmbitError`. */
  stop(chatId: string, run?: string | null): Promise<Stopped>
  /** What is stored of a chat: what a page begins with, and goes on with after `stream_lost`. None where there is no such chat. */
  load(chatId: string): Promise<M[]>
}

type Send<M extends UIMessage> = Parameters<ChatTransport<M>['sendMessages']>[0]

/** What is said in a chat, and in whose name. */
interface Asking {
  readonly chatId: string
  readonly headers: RequestInit['headers'] | undefined
}

/** The stored history is the server's, so only what is new is sent. */
export function createTransport<M extends UIMessage>(options: AmbitTransportOptions, random: () => number): AmbitTransport<M> {
  const { tries = 10, firstDelayMs = 250, maxDelayMs = 8_000, silenceMs = 45_000 } = options.reconnect ?? {}
  const patience: Patience = { tries, firstDelayMs, maxDelayMs, silenceMs, random }
  const stops = createStops(options)
  /** User messages that may not have arrived, with the `messageId` that went with them. */
  const unsent = new Map<string, string | undefined>()

  /** A message that never arrived cannot be answered again: it is sent as what it is. */
  const wordsOf = ({ messages, trigger, messageId }: Send<M>) => {
    const message = messages.at(-1)
    if (trigger !== 'regenerate-message') return { message, trigger, messageId }
    if (!message || !unsent.has(message.id)) return { message: undefined, trigger, messageId }
    return { message, trigger: 'submit-message', messageId: unsent.get(message.id) }
  }

  return {
    resumeStreamIsReplay: true,
    stop: (chatId, run = null) => stops.ask({ chatId, run, headers: undefined }),
    load: async (chatId) => [...(await loadMessages(options, chatId))] as M[],

    async sendMessages(sent): Promise<ReadableStream<UIMessageChunk>> {
      const { chatId, abortSignal, headers } = sent
      const stopping = stops.underWay(chatId)
      if (stopping) await unlessAborted(stopping, abortSignal)
      const words = wordsOf(sent)
      const body = { ...(await resolveGiven(options.body)), ...sent.body, id: chatId, ...words }
      const { message, messageId } = words
      if (message) unsent.set(message.id, messageId)
      const post = async (signal: AbortSignal) => {
        const response = await ask(options, { method: 'POST', path: '/chat', wants: 'text/event-stream', body, headers, signal })
        if (message) unsent.delete(message.id)
        return response
      }
      // A new message is a retry when it is sent again, and gets its run from the start. Nothing else is.
      const repeatable = message !== undefined && messageId === undefined
      const rest = restOf(options, { chatId, headers })
      const stream = await openStream({
        ask: post,
        retake: (from, signal) => (from.lastEventId === null && repeatable ? post(signal) : rest(from, signal)),
        onAbort: stops.onAbort({ chatId, headers }),
        begins: true,
        abortSignal,
        patience,
      })
      if (!stream) throw new Error('What was posted is never answered without content.')
      return stream
    },

    async reconnectToStream({ chatId, abortSignal, headers }): Promise<ReadableStream<UIMessageChunk> | null> {
      stops.resume(chatId)
      return openStream({
        ask: (signal) => ask(options, { method: 'GET', path: pathOf(chatId, 'stream'), wants: 'text/event-stream', headers, signal }),
        retake: restOf(options, { chatId, headers }),
        onAbort: stops.onAbort({ chatId, headers }),
        begins: false,
        abortSignal,
        patience,
      })
    },
  }
}

/** The rest of an answer from the chat's address: nothing, or another run, is not it. */
function restOf(options: AmbitTransportOptions, { chatId, headers }: Asking): StreamParts['retake'] {
  return async ({ lastEventId, runId }, signal) => {
    const response = await ask(options, { method: 'GET', path: pathOf(chatId, 'stream'), wants: 'text/event-stream', headers, lastEventId, signal })
    const found = response.headers.get('x-resumable-stream-id')
    if (response.status === 200 && (runId === null || found === null || found === runId)) return response
    await response.body?.cancel()
    return null
  }
}
