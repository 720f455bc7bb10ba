/**
 * Why there is no answer. The first thirteen are Ambit's own refusals, as the server sends them. The last three are the
 * client's: an answer that is not Ambit's (a proxy's page), none at all, and a stream that could not be taken up again.
 */
export type AmbitErrorCode =
  | 'unauthenticated'
  | 'malformed'
  | 'too_large'
  | 'unsupported_media_type'
  | 'not_found'
  | 'forbidden'
  | 'ai_unavailable'
  | 'conflict'
  | 'idempotency_mismatch'
  | 'gone'
  | 'over_limit'
  | 'unavailable'
  | 'internal'
  | 'unexpected_answer'
  | 'unreachable'
  | 'stream_lost'

const SERVER_CODES: ReadonlySet<unknown> = new Set<AmbitErrorCode>([
  'unauthenticated', 'malformed', 'too_large', 'unsupported_media_type', 'not_found', 'forbidden', 'ai_unavailable',
  'conflict', 'idempotency_mismatch', 'gone', 'over_limit', 'unavailable', 'internal',
])

export interface AmbitErrorInit {
  readonly code: AmbitErrorCode
  readonly detail: string
  /** 0: no answer came. */
  readonly status?: number
  readonly requestId?: string | undefined
  readonly facts?: Readonly<Record<string, unknown>>
  readonly cause?: unknown
}

/** What `useChat` gives as `error`. Its message is safe to show, and says what to do next. */
export class AmbitError extends Error {
  override readonly name = 'AmbitError'
  readonly code: AmbitErrorCode
  /** Of the answer; 0 where none came. */
  readonly status: number
  /** By which the server's log is searched. */
  readonly requestId: string | undefined
  /** Seconds to wait before the same is worth another try. */
  readonly retryAfterS: number | undefined
  /** Of a conflict: the run that answers in the thread now, and the thread. */
  readonly run: string | undefined
  readonly thread: string | undefined
  /** All that the refusal says beside its words: `pointer`, `offset`, `limit` and the like. */
  readonly facts: Readonly<Record<string, unknown>>

  constructor({ code, detail, status = 0, requestId, facts = {}, cause }: AmbitErrorInit) {
    super(detail, cause === undefined ? undefined : { cause })
    const { run, thread, retry_after: retryAfter } = facts
    this.code = code
    this.status = status
    this.requestId = requestId
    this.facts = facts
    this.run = typeof run === 'string' ? run : undefined
    this.thread = typeof thread === 'string' ? thread : undefined
    this.retryAfterS = typeof retryAfter === 'number' ? retryAfter : undefined
  }
}

/** By name and not by class: a page may hold two copies of this file. */
export function isAmbitError(error: unknown): error is AmbitError {
  return error instanceof Error && error.name === 'AmbitError'
}

/** The error that an answer other than the wanted one is. */
export async function readRefusal(response: Response): Promise<AmbitError> {
  const problem = await readProblem(response)
  const { code, detail, type: _type, title: _title, status: _status, request_id: requestId, ...facts } = problem ?? {}
  const retryAfter = Number(response.headers.get('retry-after') ?? undefined)
  return new AmbitError({
    code: SERVER_CODES.has(code) ? (code as AmbitErrorCode) : 'unexpected_answer',
    detail: typeof detail === 'string' ? detail : foreignDetail(response.status),
    status: response.status,
    requestId: typeof requestId === 'string' ? requestId : (response.headers.get('x-request-id') ?? undefined),
    facts: { ...(Number.isFinite(retryAfter) && { retry_after: retryAfter }), ...facts },
  })
}

/** The error that a good answer is which cannot be read. */
export function unreadable({ status, headers }: Response, cause: unknown): AmbitError {
  return new AmbitError({ code: 'unexpected_answer', detail: foreignDetail(status), status, requestId: headers.get('x-request-id') ?? undefined, cause })
}

function foreignDetail(status: number): string {
  if (status === 413) return 'The message is longer than this server takes. Send a shorter one.'
  return `The server gave an answer (${status}) that is not Ambit’s. Try again; if it stays, check the address, and what stands between.`
}

/** Null where it is no problem of RFC 9457: what a proxy says is not read, let alone shown. */
async function readProblem(response: Response): Promise<Readonly<Record<string, unknown>> | null> {
  if (!hasType(response, 'application/problem+json')) {
    await response.body?.cancel().catch(() => {}) // of a body that has failed nothing is wanted
    return null
  }
  try {
    const value: unknown = await response.json()
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null
  } catch {
    return null // cut off in the middle: as good as none
  }
}

export function hasType(response: Response, type: string): boolean {
  return response.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() === type
}
