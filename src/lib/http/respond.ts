import type { Frame } from '../journal/journal.ts'
import { generateChatSse } from '../wire/generate-chat-sse.ts'
import type { Log } from '../observe/log.ts'

/** How a run's frames are got, for a reader whose going aborts the signal. */
export type OpenFrames = (signal: AbortSignal) => AsyncIterable<readonly Frame[]>

declare const said: unique symbol

/** A response of which the compiler knows what it says, so that no route answers what it does not declare. At run time it is any response. */
export type Said<Status extends number, What> = Status extends number ? Response & { readonly [said]: readonly [Status, What] } : never

/** A refusal can be the answer of every route. */
export type Refused = Response & { readonly [said]: 'refused' }

const encoder = new TextEncoder()

/** What is answered is named, `json<Thread>(…)`: a member that the type has not is an error of the compiler. */
export function json<Body = never>(value: NoInfer<Body>, requestId: string): Said<200, Body>
export function json<Body = never, Status extends number = never>(value: NoInfer<Body>, requestId: string, status: NoInfer<Status>): Said<Status, Body>
export function json(value: unknown, requestId: string, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-request-id': requestId },
  })
}

export function noContent(requestId: string): Said<204, 'nothing'> {
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store', 'x-request-id': requestId } }) as Said<204, 'nothing'>
}

/**
 * A run as a response that the socket pulls: nothing is read ahead, and a reader who goes ends the reading and nothing
 * else. Frames that end without a terminal one break the body, so that no client takes a cut answer for a whole one.
 */
export function sse(open: OpenFrames, stream: { runId: string; requestId: string; heartbeatMs: number; log: Log }): Said<200, 'stream'> {
  const gone = new AbortController()
  const text = generateChatSse(open, { heartbeatMs: stream.heartbeatMs, signal: gone.signal })
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await text.next()
          if (gone.signal.aborted) return // the body is closed by who cancelled it
          if (done) controller.close()
          else controller.enqueue(encoder.encode(value))
        } catch (error) {
          stream.log.warn({ cause: error }, 'the stream was broken off')
          controller.error(error)
        }
      },
      async cancel() {
        stream.log.info({}, 'the reader has gone')
        gone.abort()
        await text.return()
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-vercel-ai-ui-message-stream': 'v1',
      'x-accel-buffering': 'no',
      'x-resumable-stream-id': stream.runId,
      'x-request-id': stream.requestId,
    },
  }) as Said<200, 'stream'>
}
