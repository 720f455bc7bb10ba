import { z } from 'zod'
import type { Refusal, RefusalCode } from '../scope/refusal.ts'
import { refuse } from '../scope/refusal.ts'
import { documented } from './operation.ts'
import type { Refused } from './respond.ts'

export type ProblemCode = RefusalCode | 'internal'

interface Kind {
  readonly status: number
  readonly title: string
}

/** The one place that knows which refusal is which status. */
export const KINDS: Readonly<Record<ProblemCode, Kind>> = {
  unauthenticated: { status: 401, title: 'Credentials are missing or not valid' },
  malformed: { status: 400, title: 'The request cannot be read' },
  too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The body is of a kind that is not read' },
  not_found: { status: 404, title: 'Not found' },
  forbidden: { status: 403, title: 'Not allowed' },
  ai_unavailable: { status: 503, title: 'AI chat is not available' },
  unavailable: { status: 503, title: 'Not available at the moment' },
  conflict: { status: 409, title: 'Not possible at the moment' },
  idempotency_mismatch: { status: 422, title: 'The key belongs to another request' },
  gone: { status: 410, title: 'No longer kept' },
  over_limit: { status: 429, title: 'More than is allowed at a time' },
  internal: { status: 500, title: 'Something went wrong on our side' },
}

/** The body of a problem. After `detail` come the facts that a refusal of this code may have. */
export const problemBody = z
  .object({
    type: z.string().describe('`urn:ambit:problem:` and the code.'),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(KINDS) as ProblemCode[]),
    detail: z.string().describe('What to do next, in words that may be shown.'),
    pointer: z.string().optional().describe('What does not fit: a JSON pointer (RFC 6901) into the body.'),
    offset: z.int().optional().describe('The byte at which the body is no JSON.'),
    limit: z.int().optional().describe('The bound that was passed.'),
    run: z.string().optional().describe('The run that is in the way.'),
    thread: z.string().optional().describe('The thread of that run.'),
    stream: z.string().optional().describe('The path at which that run is followed.'),
    accept: z.string().optional().describe('The media types that are taken.'),
    retry_after: z.int().optional().describe('Seconds; the same as the header.'),
    request_id: z.string(),
  })
  .register(documented, { id: 'Problem' })

export const UNAUTHENTICATED = refuse(
  'unauthenticated',
  'Sign in again, or send a valid API key or token as "Authorization: Bearer <key>". It can be missing, mistyped, expired or revoked.',
)

/** A refusal as `application/problem+json` (RFC 9457). Equal refusals give equal bytes, but for the request's id. */
export function problem(refusal: Refusal, requestId: string): Refused {
  return problemOf(refusal.code, refusal.detail, requestId, refusal.facts)
}

/** What a fault looks like from outside: nothing of its cause. */
export function internalProblem(requestId: string): Refused {
  return problemOf('internal', 'The request failed. Try again; if it stays, tell whoever runs this server the request_id.', requestId)
}

function problemOf(code: ProblemCode, detail: string, requestId: string, facts?: Refusal['facts']): Refused {
  const { status, title } = KINDS[code]
  const body = { type: `urn:ambit:problem:${code}`, title, status, code, detail, ...facts, request_id: requestId }
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'x-request-id': requestId })
  const retryAfter = facts?.['retry_after']
  if (retryAfter !== undefined) headers.set('retry-after', String(retryAfter))
  if (code === 'unauthenticated') headers.set('www-authenticate', 'Bearer realm="ambit"')
  if (code === 'unsupported_media_type') {
    headers.set('accept', String(facts?.['accept'] ?? 'application/json'))
    headers.set('accept-encoding', 'identity') // RFC 9110, 15.5.16
  }
  return new Response(JSON.stringify(body), { status, headers }) as Refused
}
