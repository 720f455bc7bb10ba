import { createHash } from 'node:crypto'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { ScopedSql } from '../store/handles.ts'
import { dropKey, settleKey, takeKey } from '../store/idempotency-rows.ts'

/** What a request is known again by: the client's own word for it, where it was sent, and what was asked. */
export interface RequestKey {
  /** Method and path below the scope, as `POST /chat`: one word may stand for one request at each. */
  readonly request: string
  readonly key: string
  /** What was asked, unreadable. */
  readonly bodyHash: string
}

const MISMATCH = refuse('idempotency_mismatch', 'This Idempotency-Key was sent with another request. Send a new key with what is new.')

/** `asked`: plain data, without the key itself. */
export function requestKey(request: string, key: string, asked: unknown): RequestKey {
  return { request, key, bodyHash: createHash('sha256').update(JSON.stringify(canonical(asked))).digest('hex') }
}

/** In one order of members, and without those that say nothing: a key outlives an upgrade, and the next version may take more. */
function canonical(asked: unknown): unknown {
  if (Array.isArray(asked)) return asked.map(canonical)
  if (typeof asked !== 'object' || asked === null) return asked
  const members = Object.entries(asked).filter(([, member]) => member !== null && member !== undefined)
  return Object.fromEntries(members.sort(([one], [other]) => (one < other ? -1 : 1)).map(([name, member]) => [name, canonical(member)]))
}

/** What is done for a key that is new, and for one that came before; and the run that it came to. */
export interface Keyed<Done> {
  first(): Promise<Done | Refusal>
  again(runId: string | null): Promise<Done | Refusal>
  runOf(done: Done): string | null
}

/**
 * Does what a request asks for once per key, in the transaction that remembers the key: whoever comes second in the same
 * moment waits for its end. The key is taken before the thread's row is locked, by everybody, so that no two wait for each other.
 */
export async function oncePerKey<Done extends { readonly ok: true }>(
  sql: ScopedSql,
  context: ChatExecutionContext,
  key: RequestKey | undefined,
  { first, again, runOf }: Keyed<Done>,
): Promise<Done | Refusal> {
  if (!key) return first()
  const keyed = { projectId: homeOf(context), userId: context.rows.userId, ...key }
  const earlier = await takeKey(sql, keyed)
  if (earlier) return earlier.body_hash === key.bodyHash ? again(earlier.run_id) : MISMATCH
  const done = await first()
  await (done.ok ? settleKey(sql, keyed, runOf(done)) : dropKey(sql, keyed))
  return done
}
