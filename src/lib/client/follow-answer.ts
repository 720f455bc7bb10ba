import type { UIMessageChunk } from 'ai'
import { isTerminalType } from '../wire/chunk.ts'
import { AmbitError, isAmbitError } from './ambit-error.ts'
import type { ServerEvent } from './event-reader.ts'
import { readEvents } from './read-events.ts'
import { delayOf, wait } from './wait.ts'
import type { Patience } from './wait.ts'

/** Longer than this nobody looks at a half answer: what asks for more has lost it. */
const MAX_RETRY_AFTER_S = 60
/** Answers that may be others in a moment. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429, 500, 502, 503, 504])

export interface Following {
  /** Asks for what comes after this event; null: from the start, none has come. Null is answered where there is nothing. */
  retake(lastEventId: string | null): Promise<Response | null>
  readonly patience: Patience
  /** Ends the reading, and every wait. */
  readonly signal: AbortSignal
}

/** How far the answer has come. */
interface Progress {
  lastEventId: string | null
  /** Nothing more is said. */
  terminal: boolean
  /** `[DONE]` was read. */
  done: boolean
}

/**
 * The chunks of one answer as one unbroken sequence, whatever happens to the connections that carry it. Where one breaks
 * before the terminal chunk (also by simply ending), the rest is asked for from the last whole event on: no chunk comes
 * twice, none is left out. Where the server began a step anew, a `reset-step` takes back what was said of it. Throws
 * `stream_lost` where the rest cannot be had.
 */
export async function* followAnswer(first: Response, following: Following): AsyncGenerator<readonly UIMessageChunk[], void, undefined> {
  const progress: Progress = { lastEventId: null, terminal: false, done: false }
  let response = first
  let attempts = 0
  for (;;) {
    let cause: unknown
    try {
      for await (const events of readEvents(response, following.patience.silenceMs)) {
        const chunks = take(events, progress)
        if (chunks.length > 0) {
          attempts = 0
          yield chunks
        }
        if (progress.done) break
      }
    } catch (error) {
      following.signal.throwIfAborted()
      if (isAmbitError(error)) throw error
      cause = error
    }
    if (progress.terminal) return
    progress.done = false // said without an end: no word of Ambit's
    const taken = await takeUp(following, { lastEventId: progress.lastEventId, attempts, cause })
    response = taken.response
    attempts = taken.attempts
  }
}

interface Break {
  readonly lastEventId: string | null
  /** How many were made since the last event. */
  readonly attempts: number
  readonly cause: unknown
}

async function takeUp({ retake, patience, signal }: Following, broken: Break): Promise<{ readonly response: Response; readonly attempts: number }> {
  let { attempts, cause } = broken
  let retryAfterS = 0
  while (attempts < patience.tries && retryAfterS <= MAX_RETRY_AFTER_S) {
    attempts += 1
    await wait(delayOf(patience, attempts, retryAfterS), signal)
    try {
      const response = await retake(broken.lastEventId)
      if (response) return { response, attempts }
      throw lost(null)
    } catch (error) {
      signal.throwIfAborted()
      if (isAmbitError(error) && !isPassing(error)) throw error.code === 'stream_lost' ? error : lost(error)
      cause = error
      retryAfterS = isAmbitError(error) ? (error.retryAfterS ?? 0) : 0
    }
  }
  throw lost(cause)
}

function isPassing({ code, status }: AmbitError): boolean {
  return code === 'unreachable' || PASSING.has(status)
}

function lost(cause: unknown): AmbitError {
  const { status, requestId, facts } = isAmbitError(cause) ? cause : {}
  return new AmbitError({
    code: 'stream_lost',
    detail: 'The connection broke, and the rest of the answer could not be had. It is kept: load the messages of this chat again.',
    ...(status !== undefined && { status }),
    ...(facts && { facts }),
    requestId,
    cause: cause ?? undefined,
  })
}

function take(events: readonly ServerEvent[], progress: Progress): readonly UIMessageChunk[] {
  const chunks: UIMessageChunk[] = []
  for (const { id, data } of events) {
    if (progress.done) break
    if (data === '[DONE]') {
      progress.done = true
      continue
    }
    const chunk = chunkOf(data)
    const place = placeAfter(id, progress.lastEventId)
    if (place === 'known') continue
    chunks.push(place === 'next' ? chunk : resetOf(chunk))
    progress.lastEventId = id ?? progress.lastEventId
    progress.terminal ||= isTerminalType(chunk.type)
  }
  return chunks
}

/**
 * Where an event stands to the last one that was given: after it, known already, or in the place of what was dropped. In the
 * ids of a run, `<run>.<fence>.<number>`, the number grows by one; with a later fence it may begin again below the last,
 * and then what was given from that number on was never kept.
 *
 * The server tells a reader of a dropped attempt so. But what stands between page and server may drop `Last-Event-ID`, and
 * then the run is said again from its start, as to somebody who knows nothing.
 */
function placeAfter(id: string | null, last: string | null): 'next' | 'known' | 'again' {
  if (id === null || last === null) return 'next'
  const [event, before] = [placeOf(id), placeOf(last)]
  if (event.number > before.number) return 'next'
  return event.fence > before.fence ? 'again' : 'known'
}

function placeOf(id: string): { readonly fence: number; readonly number: number } {
  const [number, fence] = id.split('.').toReversed().map(Number)
  return { fence: fence ?? NaN, number: number ?? NaN }
}

/** An attempt that was dropped began with a `start-step`, which the chat keeps: the later one stands in its place. */
function resetOf(chunk: UIMessageChunk): UIMessageChunk {
  if (chunk.type === 'start-step' || chunk.type === 'reset-step') return { type: 'reset-step' }
  throw new AmbitError({ code: 'stream_lost', status: 200, detail: 'The answer was begun again at a place that cannot be found here. It is kept: load the messages of this chat again.' })
}

/** A type that is not known here passes: the server may be newer than the page. */
function chunkOf(data: string): UIMessageChunk {
  try {
    const chunk: unknown = JSON.parse(data)
    if (typeof chunk === 'object' && chunk !== null && 'type' in chunk && typeof chunk.type === 'string') return chunk as UIMessageChunk
  } catch {
    // told below, with all else that is no chunk
  }
  throw new AmbitError({ code: 'unexpected_answer', status: 200, detail: 'The stream holds what is no chunk of an answer. Load the messages again.' })
}
