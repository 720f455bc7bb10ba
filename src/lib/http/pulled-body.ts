import type { Limits } from '../limits/limits.ts'
import type { Log } from '../observe/log.ts'
import type { StreamEnd } from '../observe/metrics.ts'
import { FramesCut } from '../wire/generate-chat-sse.ts'

/** Breaks a body off, also while its reader takes nothing, and so nobody asks for more. */
export type Cut = (why: unknown) => void

/** Text as it comes, for a reader whose going aborts the signal. */
export type GenerateText = (signal: AbortSignal, cut: Cut) => AsyncGenerator<string, void, undefined>

export interface BodyTerms {
  readonly limits: Pick<Limits, 'stallMs' | 'streamMs'>
  readonly log: Log
  /** Told once how it ended, however it ends. */
  ended(end: StreamEnd): void
}

/** What is given at a time: a reader who takes no more than this in `stallMs` does not read. */
const PIECE_BYTES = 65_536

const encoder = new TextEncoder()

/**
 * Text as a body that the socket pulls: nothing is read ahead, so what waits for a slow reader is one text and no more. A
 * reader who goes ends the generator and nothing else. What cannot be ended properly is broken, never closed: text that
 * fails, text that is cut, a reader who leaves a piece untaken for `stallMs`, a stream that is older than `streamMs`. While the reader waits
 * for us, no time counts but the last one. Nobody has to read it: what is never asked for ends like what is not taken.
 */
export function pulledBody(generate: GenerateText, { limits, log, ended }: BodyTerms): ReadableStream<Uint8Array> {
  const gone = new AbortController()
  let rest: Uint8Array | null = null
  let waiting = false
  let open = true
  let fail = (_why: unknown): void => {}

  const end = (how: StreamEnd): void => {
    open = false
    clearTimeout(stall)
    clearTimeout(life)
    ended(how)
  }
  const letGo = (): void => {
    gone.abort()
    text.return().catch((error: unknown) => log.warn({ cause: error }, 'the end of a stream failed'))
  }
  const reset = (how: 'stalled' | 'expired'): void => {
    end(how)
    log.info({ end: how }, 'the stream was reset')
    fail(new Error(`The stream was reset: ${how}.`))
    letGo()
  }
  const breakOff = (why: unknown): void => {
    if (why instanceof FramesCut) log.info({ end: 'cut' }, 'the stream was broken off')
    else log.warn({ cause: why }, 'the stream was broken off')
    if (open) end('cut')
    fail(why)
  }
  const cut = (why: unknown): void => {
    if (!open) return
    breakOff(why)
    letGo()
  }
  const text = generate(gone.signal, cut)
  // Neither holds a process up: a stream that nobody reads is no reason to stay.
  const life = setTimeout(() => reset('expired'), limits.streamMs).unref()
  const stall = setTimeout(() => {
    if (!waiting) reset('stalled')
  }, limits.stallMs).unref()

  const give = (bytes: Uint8Array, controller: ReadableStreamDefaultController<Uint8Array>): void => {
    rest = bytes.length > PIECE_BYTES ? bytes.subarray(PIECE_BYTES) : null
    waiting = false
    controller.enqueue(rest ? bytes.subarray(0, PIECE_BYTES) : bytes)
    stall.refresh() // also where it has passed over a reader who was waiting
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        fail = (why) => controller.error(why)
      },
      async pull(controller) {
        if (rest) return give(rest, controller)
        waiting = true
        try {
          const { done, value } = await text.next()
          if (!open) return // the body is closed by who ended it
          if (!done) return give(encoder.encode(value), controller)
          end('complete')
          controller.close()
        } catch (error) {
          breakOff(error)
        }
      },
      async cancel() {
        log.info({}, 'the reader has gone')
        end('left')
        gone.abort()
        await text.return()
      },
    },
    { highWaterMark: 0 },
  )
}
