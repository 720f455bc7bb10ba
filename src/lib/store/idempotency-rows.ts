import type { ScopedSql, SweeperSql } from './handles.ts'

/** A request that may be repeated: whose, where, which, and what was asked by it. */
export interface KeyedRequest {
  readonly projectId: string
  readonly userId: string
  /** Method and path below the scope. */
  readonly request: string
  readonly key: string
  readonly bodyHash: string
}

/** What a key stood for the first time. */
export interface KeyRow {
  readonly body_hash: string
  /** Null where the request came to no run. */
  readonly run_id: string | null
}

const LIFE = "interval '24 hours'"
/** Of those that stand for nothing any more: a statement has five seconds, and what piled up while no node ran may be millions of rows. */
const DELETED_AT_A_TIME = 20_000

/**
 * Takes a key: null where it is new, or what it stood for is older than a day; else what it stands for. Who comes with
 * the same key in the same moment waits here for the end of the first one's transaction.
 */
export async function takeKey(sql: ScopedSql, { projectId, userId, request, key, bodyHash }: KeyedRequest): Promise<KeyRow | null> {
  const { count } = await sql.query(
    `insert into ambit.idempotency_keys as k (org_id, project_id, author_id, request, key, body_hash)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5)
     on conflict (org_id, project_id, author_id, request, key) do update set body_hash = excluded.body_hash, run_id = null, created_at = now()
     where k.created_at < now() - ${LIFE}`,
    [projectId, userId, request, key, bodyHash],
  )
  if (count === 1) return null
  // The row is locked now, although it was not changed: it is still there.
  const { rows } = await sql.query<KeyRow>(
    'select body_hash, run_id from ambit.idempotency_keys where project_id = $1 and author_id = $2 and request = $3 and key = $4',
    [projectId, userId, request, key],
  )
  const [row] = rows
  if (!row) throw new Error('A key that this transaction had locked is gone.')
  return row
}

/** What the request came to, in the transaction that took the key. */
export async function settleKey(sql: ScopedSql, { projectId, userId, request, key }: KeyedRequest, runId: string | null): Promise<void> {
  await sql.query('update ambit.idempotency_keys set run_id = $5 where project_id = $1 and author_id = $2 and request = $3 and key = $4', [
    projectId, userId, request, key, runId,
  ])
}

/** A request that was refused was none: its key may be sent again. */
export async function dropKey(sql: ScopedSql, { projectId, userId, request, key }: KeyedRequest): Promise<void> {
  await sql.query('delete from ambit.idempotency_keys where project_id = $1 and author_id = $2 and request = $3 and key = $4', [
    projectId, userId, request, key,
  ])
}

/** Throws away the oldest of the keys that stand for nothing any more; answers how many. All of a moment go at once. */
export async function deleteOldKeys(sql: SweeperSql, atMost: number = DELETED_AT_A_TIME): Promise<number> {
  // An array, and neither a range nor a join: these the planner may take for a third of the table, and read all of it.
  const { count } = await sql.query(
    `delete from ambit.idempotency_keys where created_at = any(array(
       select created_at from ambit.idempotency_keys where created_at < now() - ${LIFE} order by created_at limit $1))`,
    [atMost],
  )
  return count
}
