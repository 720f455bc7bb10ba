import type { Refusal, RefusalCode } from '../scope/refusal.ts'
import { refuse } from '../scope/refusal.ts'

interface Kind {
  readonly status: number
  readonly title: string
}

/** The one place that knows which refusal is which status. */
const KINDS: Readonly<Record<RefusalCode | 'internal', Kind>> = {
  unauthenticated: { status: 401, title: 'Credentials are missing or not valid' },
  malformed: { status: 400, title: 'The request cannot be read' },
  too_large: { status: 413, title: 'The request is too large' },
  unsupported_media_type: { status: 415, title: 'The body is of a kind that is not read' },
  not_found: { status: 404, title: 'Not found' },
  forbidden: { status: 403, title: 'Not allowed' },
  ai_unavailable: { status: 503, title: 'AI chat is not available' },
  unavailable: { status: 503, title: 'Not available at the moment' },
  conflict: { status: 409, title: 'Not possible at the moment' },
  internal: { status: 500, title: 'Something went wrong on our side' },
}

export const UNAUTHENTICATED = refuse(
  'unauthenticated',
  'Send a valid API key or token as "Authorization: Bearer <key>". It can be missing, mistyped, expired or revoked.',
)

/** A refusal as `application/problem+json` (RFC 9457). Equal refusals give equal bytes, but for the request's id. */
export function problem(refusal: Refusal, requestId: string): Response {
  return problemOf(refusal.code, refusal.detail, requestId, refusal.facts)
}

/** What a fault looks like from outside: nothing of its cause. */
export function internalProblem(requestId: string): Response {
  return problemOf('internal', 'The request failed. Try again; if it stays, tell whoever runs this server the request_id.', requestId)
}

function problemOf(code: keyof typeof KINDS, detail: string, requestId: string, facts?: Refusal['facts']): Response {
  const { status, title } = KINDS[code]
  const body = { type: `urn:ambit:problem:${code}`, title, status, code, detail, ...facts, request_id: requestId }
  const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'x-request-id': requestId })
  const retryAfter = facts?.['retry_after']
  if (retryAfter !== undefined) headers.set('retry-after', String(retryAfter))
  if (code === 'unauthenticated') headers.set('www-authenticate', 'Bearer realm="ambit"')
  if (code === 'unsupported_media_type') {
    headers.set('accept', 'application/json')
    headers.set('accept-encoding', 'identity') // RFC 9110, 15.5.16
  }
  return new Response(JSON.stringify(body), { status, headers })
}
