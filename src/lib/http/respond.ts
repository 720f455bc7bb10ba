import type { Frame } from '../journal/journal.ts'
import { generateChatSse } from '../wire/generate-chat-sse.ts'
import type { Limits } from '../limits/limits.ts'
import type { Log } from '../observe/log.ts'
import type { StreamPlace } from './open-streams.ts'
import { pulledBody } from './pulled-body.ts'
import type { Cut, GenerateText } from './pulled-body.ts'

/** How a run's frames are got, for a reader whose going aborts the signal. */
export type OpenFrames = (signal: AbortSignal, cut: Cut) => AsyncIterable<readonly Frame[]>

declare const said: unique symbol

/** A response of which the compiler knows what it says, so that no route answers what it does not declare. At run time it is any response. */
export type Said<Status extends number, What> = Status extends number ? Response & { readonly [said]: readonly [Status, What] } : never

/** A refusal can be the answer of every route. */
export type Refused = Response & { readonly [said]: 'refused' }

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

/** The text format of Prometheus, version 0.0.4. */
export const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

export function metricsText(text: string, requestId: string): Said<200, 'metrics'> {
  return new Response(text, { headers: { 'content-type': METRICS_TYPE, 'cache-control': 'no-store', 'x-request-id': requestId } }) as Said<200, 'metrics'>
}

/** A file that a person uploaded must not act in the name of the page's origin, whatever is in it. */
export const FILE_POLICY = "default-src 'none'; sandbox"
/** It never changes, but who may see it does: nobody is shown it from a cache for long. */
const FILE_SECONDS = 3_600

/** Text was proved to be UTF-8 when it came. */
export function servedType(mediaType: string): string {
  return mediaType.startsWith('text/') ? `${mediaType}; charset=utf-8` : mediaType
}

export function fileBytes({ name, mediaType, content }: { readonly name: string; readonly mediaType: string; readonly content: Uint8Array }, requestId: string): Said<200, 'file'> {
  return new Response(new Uint8Array(content), {
    headers: {
      'content-type': servedType(mediaType),
      'content-length': String(content.length),
      // Letters that encodeURIComponent leaves, and RFC 8187 does not.
      'content-disposition': `inline; filename*=UTF-8''${encodeURIComponent(name).replaceAll(/['()*]/g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)}`,
      'content-security-policy': FILE_POLICY,
      'x-content-type-options': 'nosniff',
      'cache-control': `private, max-age=${FILE_SECONDS}, immutable`,
      vary: 'authorization, cookie', // of two people at one browser, each is asked for their own
      'x-request-id': requestId,
    },
  }) as Said<200, 'file'>
}

/** What a stream is held to, and where it is counted. */
export interface StreamTerms {
  readonly requestId: string
  readonly limits: Pick<Limits, 'heartbeatMs' | 'stallMs' | 'streamMs'>
  readonly log: Log
  /** Taken before the first byte; left when the stream ends, however it ends. */
  readonly place: StreamPlace
}

/** Server-sent events as a response that the socket pulls. */
export function eventStream(generate: GenerateText, { requestId, limits, log, place }: StreamTerms, headers: Readonly<Record<string, string>> = {}): Response {
  const body = pulledBody(generate, { limits, log, ended: (end) => place.leave(end) })
  return new Response(body, {
    headers: {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'x-request-id': requestId,
      ...headers,
    },
  })
}

/** A run as a response. Frames that end without a terminal one break the body, so that no client takes a cut answer for a whole one. */
export function sse(open: OpenFrames, runId: string, terms: StreamTerms): Said<200, 'stream'> {
  const generate: GenerateText = (signal, cut) =>
    generateChatSse((ending) => open(ending, cut), { heartbeatMs: terms.limits.heartbeatMs, signal })
  const headers = { 'x-vercel-ai-ui-message-stream': 'v1', 'x-resumable-stream-id': runId }
  return eventStream(generate, terms, headers) as Said<200, 'stream'>
}
