import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

/**
 * What became of a call. `ready`: it may start. `claimed`: its effect may have happened. Then it is settled: `done`,
 * `failed`, or `unknown` where its effect may have happened and its outcome was never heard: its owner died, it took too long, or it
 * was stopped. Then it is not called again.
 */
export type CallState = 'ready' | 'claimed' | 'done' | 'failed' | 'unknown'

export interface CallRow {
  readonly id: string
  readonly name: string
  readonly effect: string
  /** JSON text: the validated arguments. */
  readonly input: string
  readonly state: CallState
  /** JSON text: the chunk that says the outcome. */
  readonly outcome: string | null
}

export interface NewCall {
  readonly id: string
  readonly place: number
  readonly name: string
  readonly effect: string
  readonly input: string
  readonly state: 'ready' | 'claimed'
}

/** A run's calls are written under its fence. */
export interface CallOwner {
  readonly projectId: string
  readonly runId: string
  readonly fence: number
}

/** All calls of a step, in one statement. */
export async function insertCalls(sql: ScopedSql, { projectId, runId, fence }: CallOwner, step: number, calls: readonly NewCall[]): Promise<void> {
  const column = (of: (call: NewCall) => string | number) => calls.map(of)
  await sql.query(
    `insert into ambit.calls (org_id, project_id, run_id, step, fence, id, place, name, effect, input, state, claimed_at)
     select current_setting('ambit.org_id'), $1, $2, $3, $4, c.*, case c.state when 'claimed' then now() end
     from unnest($5::text[], $6::integer[], $7::text[], $8::text[], $9::text[], $10::text[]) as c (id, place, name, effect, input, state)`,
    [
      projectId, runId, step, fence, column((one) => one.id), column((one) => one.place), column((one) => one.name),
      column((one) => one.effect), column((one) => one.input), column((one) => one.state),
    ],
  )
}

/** Claims calls before their effect, or once more for a later owner. */
export async function claimCalls(sql: ScopedSql, { projectId, runId, fence }: CallOwner, ids: readonly string[]): Promise<void> {
  await sql.query(
    `update ambit.calls set state = 'claimed', fence = $3, claimed_at = now()
     where project_id = $1 and run_id = $2 and id = any($4::text[]) and state in ('ready', 'claimed')`,
    [projectId, runId, fence, ids],
  )
}

/** What a call came to, in the transaction that commits its frame. One that was settled with its effect stays as it is. */
export async function settleCall(
  sql: ScopedSql,
  { projectId, runId, fence }: CallOwner,
  call: { readonly id: string; readonly state: 'done' | 'failed' | 'unknown'; readonly outcome: string },
): Promise<void> {
  await sql.query(
    `update ambit.calls set state = $4, outcome = $5, fence = $6, settled_at = now()
     where project_id = $1 and run_id = $2 and id = $3 and fence <= $6 and state in ('ready', 'claimed')`,
    [projectId, runId, call.id, call.state, call.outcome, fence],
  )
}

/**
 * The last statement of a tool's own transaction, through the host's connection: the outcome is recorded in the commit of
 * the effect, or neither is. It touches no row where a later owner has claimed the call, or its outcome is known.
 */
export const SETTLE_WITH_EFFECT = `
  update ambit.calls set state = 'done', outcome = $5, settled_at = now()
  where project_id = $1 and run_id = $2 and id = $3 and fence = $4::text::bigint and state = 'claimed'`

/**
 * The run has ended: what has no outcome will have none. Only of what acts by itself is it not known whether it has: a tool that reads
 * has changed nothing, and one that commits with the ledger can no longer commit.
 */
export async function closeCalls(sql: ScopedSql, { projectId, runId }: CallOwner): Promise<void> {
  await sql.query(
    `update ambit.calls set settled_at = now(),
       state = case when state = 'claimed' and effect in ('write', 'idempotent') then 'unknown' else 'failed' end
     where project_id = $1 and run_id = $2 and state in ('ready', 'claimed')`,
    [projectId, runId],
  )
}

/** The outcome of one call, where it is recorded. */
export async function findOutcome(sql: ScopedSql, call: { projectId: string; runId: string; id: string }): Promise<string | null> {
  const { rows } = await sql.query<{ outcome: string | null }>(
    'select outcome from ambit.calls where project_id = $1 and run_id = $2 and id = $3',
    [call.projectId, call.runId, call.id],
  )
  return rows[0]?.outcome ?? null
}

/** The calls of a step, in the order in which the model made them. */
export async function listCalls(sql: ScopedSql, { projectId, runId, step }: { projectId: string; runId: string; step: number }): Promise<readonly CallRow[]> {
  const { rows } = await sql.query<CallRow>(
    `select id, name, effect, input, state, outcome from ambit.calls
     where project_id = $1 and run_id = $2 and step = $3 order by place`,
    [projectId, runId, step],
  )
  return rows
}

/** A call as whoever may see what the run has read is told of it. */
export interface ListedCall extends CallRow {
  readonly step: number
  readonly place: number
  /** `outcome` is only the beginning of it. */
  readonly cut: boolean
  readonly claimed_at: string | null
  readonly settled_at: string | null
}

/** All calls of a run, in the order in which the model made them; of each outcome at most so many characters. */
export async function listRunCalls(
  sql: ScopedSql,
  { projectId, runId, outcomeChars }: { readonly projectId: string; readonly runId: string; readonly outcomeChars: number },
): Promise<readonly ListedCall[]> {
  const { rows } = await sql.query<ListedCall>(
    `select id, step, place, name, effect, input, state, left(outcome, $3) as outcome, coalesce(length(outcome) > $3, false) as cut,
       ${isoTime('claimed_at')} as claimed_at, ${isoTime('settled_at')} as settled_at
     from ambit.calls where project_id = $1 and run_id = $2 order by step, place`,
    [projectId, runId, outcomeChars],
  )
  return rows
}
