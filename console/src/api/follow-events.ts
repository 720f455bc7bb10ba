import { isAmbitError, readRefusal } from '../../../src/lib/client/ambit-error.ts'
import type { ServerEvent } from '../../../src/lib/client/event-reader.ts'
import { readEvents } from '../../../src/lib/client/read-events.ts'
import { delayOf, wait } from '../../../src/lib/client/wait.ts'

export type { ServerEvent }

/** `open`: it is followed; `busy`: the server answers, and not with this; `away`: no server answers. */
export type Reach = 'open' | 'busy' | 'away'

export interface Following {
  /** After this event; null: from where the server begins. */
  readonly after: string | null
  readonly signal: AbortSignal
  reach?(reach: Reach): void
}

const PATIENCE = { tries: Infinity, firstDelayMs: 500, maxDelayMs: 5_000, silenceMs: 45_000, random: Math.random } as const
const DONE = '[DONE]'
/** Refusals that may be others in a moment. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'internal', 'over_limit', 'unexpected_answer'])

/**
 * Server-sent events in the portions in which they arrive, gone on with after each break at the next event; it ends where the server says so.
 * By `fetch`, because an EventSource does not tell why it was refused, and does not come back from a server that is busy. Throws an
 * `AmbitError` where the refusal stays, and the signal's reason.
 */
export async function* followEvents(url: string, { after, signal, reach = () => {} }: Following): AsyncGenerator<readonly ServerEvent[], void, undefined> {
  let last = after
  for (let attempt = 1; ; attempt += 1) {
    let reached: Reach = 'away'
    try {
      const response: Response = await fetch(url, { signal, ...(last !== null && { headers: { 'last-event-id': last } }) })
      if (response.status === 204) return
      if (!response.ok) throw await readRefusal(response)
      reach('open')
      for await (const events of readEvents(response, PATIENCE.silenceMs)) {
        attempt = 0
        const told = events.filter(({ data }) => data !== DONE)
        last = told.at(-1)?.id ?? last
        if (told.length > 0) yield told
        if (told.length < events.length) return
      }
    } catch (error) {
      signal.throwIfAborted()
      if (isAmbitError(error) && !PASSING.has(error.code)) throw error
      if (isAmbitError(error) && error.code !== 'unexpected_answer') reached = 'busy'
    }
    reach(reached)
    await wait(delayOf(PATIENCE, Math.max(1, attempt)), signal)
  }
}
