/** Why a request is not served. Closed: every code has one status, in `http/problem.ts`. */
export type RefusalCode =
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

/**
 * An expected no: a value, never an exception. `detail` is safe to show and says what to do next; `facts` is what a
 * caller needs to act on it (the active run, seconds to wait), never another tenant's data.
 */
export interface Refusal {
  readonly ok: false
  readonly code: RefusalCode
  readonly detail: string
  readonly facts?: Readonly<Record<string, string | number>>
}

export function refuse(code: RefusalCode, detail: string, facts?: Refusal['facts']): Refusal {
  return { ok: false, code, detail, ...(facts && { facts }) }
}

/** Foreign, private, deleted and never existed: one value, so that no caller can answer them differently. */
export const NOT_FOUND: Refusal = refuse('not_found', 'There is nothing at this address for you. Check the address and the credential.')
