import { isAmbitError, readRefusal } from '../../../src/lib/client/ambit-error.ts'

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
    await pause(delayMs, signal)
  }
}

const DONE = '[DONE]'
const MAY_PASS: ReadonlySet<string> = new Set(['unavailable', 'internal', 'over_limit', 'unexpected_answer'])

/** Server-sent events as far as this server sends them: `id`, one line of `data`, an empty line; what begins with a colon is a heartbeat. */
async function* readEvents(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<readonly RunEvent[]> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      const whole = (rest + part.value).split('\n\n')
      rest = whole.pop() ?? ''
      const events = whole.flatMap(eventOf)
      if (events.length > 0) yield events
    }
  } finally {
    void reader.cancel().catch(() => {}) // who does not read on lets the server know
  }
}

function eventOf(block: string): readonly RunEvent[] {
  const lines = block.split('\n')
  const text = fieldIn(lines, 'data: ')
  return text === undefined ? [] : [{ id: fieldIn(lines, 'id: ') ?? '', type: /^\{"type":"([\w-]{1,64})"/.exec(text)?.[1] ?? 'unknown', text }]
}

function fieldIn(lines: readonly string[], name: string): string | undefined {
  return lines.find((line) => line.startsWith(name))?.slice(name.length)
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const ended = () => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', ended)
      resolve()
    }, ms)
    signal.addEventListener('abort', ended, { once: true })
  })
}
