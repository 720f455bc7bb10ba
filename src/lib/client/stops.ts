import { AmbitError } from './ambit-error.ts'
import { askJson, pathOf } from './ask.ts'
import type { StreamParts } from './open-stream.ts'
import type { AmbitTransportOptions } from './transport-options.ts'

/** How long an abort waits for the first answer, to learn which run to stop, and then for the answer to the stop. */
const STOP_MS = 10_000

/** What a stop came to: `running` (or `queued`) where it was asked for and is not confirmed yet, `idle` where nothing ran. */
export interface Stopped {
  readonly run: string | null
  readonly state: 'queued' | 'running' | 'completed' | 'stopped' | 'failed' | 'idle'
}

export interface Stop {
  readonly chatId: string
  /** Null: whatever runs. */
  readonly run: string | null
  readonly headers: RequestInit['headers'] | undefined
}

export interface Stops {
  ask(stop: Stop): Promise<Stopped>
  /** What an abort of this chat does. */
  onAbort(chat: Omit<Stop, 'run'>): StreamParts['onAbort']
  /** The stop of this chat that is under way: what is sent before its end would be refused. */
  underWay(chatId: string): Promise<void> | undefined
  /** The chat is taken up: an abort in the same turn has only changed its reader. */
  resume(chatId: string): void
}

/** Ends of connections and ends of runs are two things: a run ends by its own, or by a stop that is asked for. */
export function createStops(options: AmbitTransportOptions): Stops {
  const underWay = new Map<string, Promise<void>>()
  const resumed = new Map<string, number>()

  const end = async (chat: Omit<Stop, 'run'>, ...[begun, leave]: Parameters<StreamParts['onAbort']>): Promise<void> => {
    const before = resumed.get(chat.chatId)
    await Promise.resolve()
    if (resumed.get(chat.chatId) !== before) return leave()
    const timer = setTimeout(leave, STOP_MS)
    const found = await begun
    clearTimeout(timer)
    leave()
    if (found) await askToStop(options, { ...chat, run: found.runId }).catch((error: unknown) => options.onStopFailed?.(error))
  }

  return {
    ask: (stop) => askToStop(options, stop),
    onAbort: (chat) => async (begun, leave) => {
      if (options.stopOnAbort === false) return leave()
      const ended = end(chat, begun, leave)
      underWay.set(chat.chatId, ended)
      try {
        await ended
      } finally {
        // Also where `onStopFailed` throws: the chat is not to be refused for ever by what it threw.
        if (underWay.get(chat.chatId) === ended) underWay.delete(chat.chatId)
      }
    },
    underWay: (chatId) => underWay.get(chatId),
    resume(chatId) {
      resumed.set(chatId, (resumed.get(chatId) ?? 0) + 1)
    },
  }
}

/** In a request that goes on when the page goes. */
async function askToStop(options: AmbitTransportOptions, { chatId, run, headers }: Stop): Promise<Stopped> {
  const late = new AbortController()
  const timer = setTimeout(() => {
    late.abort(new AmbitError({ code: 'unreachable', detail: 'The server does not answer. The run may go on: stop it again.' }))
  }, STOP_MS)
  try {
    const body = run === null ? {} : { run }
    const stop = { method: 'POST', path: pathOf(chatId, 'stop'), body, headers, signal: late.signal, keepalive: true } as const
    return (await askJson(options, stop)) as Stopped
  } finally {
    clearTimeout(timer)
  }
}
