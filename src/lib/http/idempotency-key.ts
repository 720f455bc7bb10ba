import { z } from 'zod'
import { requestKey } from '../run/once-per-key.ts'
import type { RequestKey } from '../run/once-per-key.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'

const VISIBLE = /^[!-~]{1,255}$/

/** How the header stands in the document. */
export const idempotencyHeader = {
  'idempotency-key': z.string().regex(VISIBLE).describe('Makes the request repeatable for 24 hours: the same key with the same request is the same run.'),
}

/** The client's word for this request, if it sent one. `asked`: what was parsed of it, as plain data. */
export function parseIdempotencyKey(
  headers: Headers,
  request: string,
  asked: unknown,
): { readonly ok: true; readonly key: RequestKey | null } | Refusal {
  const key = headers.get('idempotency-key')
  if (key === null) return { ok: true, key: null }
  if (!VISIBLE.test(key)) return refuse('malformed', 'An Idempotency-Key is 1 to 255 visible ASCII characters without a space, and one per request.')
  return { ok: true, key: requestKey(request, key, asked) }
}
