import type { UIMessageChunk } from 'ai'
import { followAnswer } from './follow-answer.ts'
import { unlessAborted } from './wait.ts'
import type { Patience } from './wait.ts'

export interface StreamParts {
  /** The first request. */
  ask(signal: AbortSignal): Promise<Response>
  /** The rest after a break: what comes after this event, of the run that was answered with first. Null: it is not there. */
  retake(from: { readonly lastEventId: string | null; readonly runId: string | null }, signal: AbortSignal): Promise<Response | null>
  /** The chat wants no more of it. `begun` never rejects; `leave` ends the reading, and must be called. */
  onAbort(begun: Promise<Begun | null>, leave: () => void): void
  /** Whether an abort before the first answer waits for it, to learn what was begun. */
  readonly begins: boolean
  readonly abortSignal: AbortSignal | undefined
  readonly patience: Patience
}

/** A run that answers. */
export interface Begun {
  /** Null where the answer's header does not say it, or a page of another origin is not shown it. */
  readonly runId: string | null
}

/**
 * Asks, and gives the answer as the stream that a chat reads: pulled, with nothing read ahead. Null: no content.
 * However the stream ends, nothing of it stays: a stream that is cancelled is only a reader less.
 */
export async function openStream(parts: StreamParts): Promise<ReadableStream<UIMessageChunk> | null> {
  const { abortSignal, patience } = parts
  abortSignal?.throwIfAborted()
  const leaving = new AbortController()
  const first = parts.ask(leaving.signal)
  const begun = first.then(begunBy, () => null)
  let answered = parts.begins
  const aborted = () => parts.onAbort(answered ? begun : Promise.resolve(null), () => leaving.abort(abortSignal?.reason))
  const over = () => abortSignal?.removeEventListener('abort', aborted)
  abortSignal?.addEventListener('abort', aborted, { once: true })
  try {
    const response = await unlessAborted(first, abortSignal)
    answered = true
    if (response.status !== 204) {
      const runId = begunBy(response)?.runId ?? null
      const retake = (lastEventId: string | null) => parts.retake({ lastEventId, runId }, leaving.signal)
      return streamOf(followAnswer(response, { retake, patience, signal: leaving.signal }), () => leaving.abort(), over)
    }
  } catch (error) {
    over()
    throw error
  }
  over()
  return null
}

function begunBy({ status, headers }: Response): Begun | null {
  return status === 200 ? { runId: headers.get('x-resumable-stream-id') } : null
}

function streamOf(
  chunks: AsyncGenerator<readonly UIMessageChunk[], void, undefined>,
  leave: () => void,
  over: () => void,
): ReadableStream<UIMessageChunk> {
  return new ReadableStream<UIMessageChunk>(
    {
      async pull(controller) {
        try {
          const { done, value } = await chunks.next()
          for (const chunk of value ?? []) controller.enqueue(chunk)
          if (!done) return
          over()
          controller.close()
        } catch (error) {
          over()
          controller.error(error)
        }
      },
      async cancel() {
        over()
        leave()
        await chunks.return()
      },
    },
    { highWaterMark: 0 },
  )
}
