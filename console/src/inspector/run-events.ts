import { isAmbitError, readRefusal } from '../../../src/lib/client/ambit-error.ts'
import { createEventReader } from '../../../src/lib/client/event-reader.ts'
import { wait } from '../../../src/lib/client/wait.ts'

/** One event of a run, as it was sent. */
export interface RunEvent {
  readonly id: string
  readonly type: string
  readonly text: string
}

/** In memory at the most: the newest. */
export const MOST_EVENTS = 5_000

const FIRST_DELAY_MS = 1_000
const MOST_DELAY_MS = 30_000

/**
 * The events of a run from the start, in the portions in which they arrive; it ends with the run. After a break it goes on with the
 * next event. By `fetch`, because an EventSource does not tell why it was refused, and does not come back from a server that is busy.
 * A refusal that stays is thrown.
 */
export async function* followRunEvents(url: string, signal: AbortSignal): AsyncGenerator<readonly RunEvent[]> {
  let last: string | null = null
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(2 * delayMs, MOST_DELAY_MS)) {
    try {
      const response: Response = await fetch(url, { signal, ...(last !== null && { headers: { 'last-event-id': last } }) })
      if (response.status === 204) return
      if (!response.ok || !response.body) throw await readRefusal(response)
      for await (const events of readEvents(response.body)) {
        delayMs = FIRST_DELAY_MS
        const told = events.filter(({ text }) => text !== DONE)
        last = told.at(-1)?.id ?? last
        if (told.length > 0) yield told
        if (told.length < events.length) return
      }
    } catch (error) {
      signal.throwIfAborted()
      if (isAmbitError(error) && !MAY_PASS.has(error.code)) throw error
    }
    await wait(delayMs, signal)
  }
}

const DONE = '[DONE]'
const MAY_PASS: ReadonlySet<string> = new Set(['unavailable', 'internal', 'over_limit', 'unexpected_answer'])

async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<readonly RunEvent[]> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  const read = createEventReader()
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const events = read(part.value).map(({ id, data }) => ({ id: id ?? '', type: typeOf(data), text: data }))
      if (events.length > 0) yield events
    }
  } finally {
    void reader.cancel().catch(() => {}) // who does not read on lets the server know
  }
}

/** Read from its beginning: of thousands of events, few are looked at whole. */
function typeOf(text: string): string {
  return /^\{"type":"([\w-]{1,64})"/.exec(text)?.[1] ?? 'unknown'
}
