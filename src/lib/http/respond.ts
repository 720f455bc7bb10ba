import type { Frame } from '../journal/journal.ts'
import { generateChatSse } from '../wire/generate-chat-sse.ts'
import type { Log } from '../observe/log.ts'

/** How a run's frames are got, for a reader whose going aborts the signal. */
export type OpenFrames = (signal: AbortSignal) => AsyncIterable<readonly Frame[]>

const encoder = new TextEncoder()

export function json(value: unknown, requestId: string, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', 'x-request-id': requestId },
  })
}

export function noContent(requestId: string): Response {
  return new Response(null, { status: 204, headers: { 'cache-control': 'no-store', 'x-request-id': requestId } })
}

/**
 * A run as a response that the socket pulls: nothing is read ahead, and a reader who goes ends the reading and nothing
 * else. Frames that end without a terminal one break the body, so that no client takes a cut answer for a whole one.
 */
export function sse(open: OpenFrames, stream: { runId: string; requestId: string; heartbeatMs: number; log: Log }): Response {
  const gone = new AbortController()
  const text = generateChatSse(open, { heartbeatMs: stream.heartbeatMs, signal: gone.signal })
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await text.next()
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
  })
}
