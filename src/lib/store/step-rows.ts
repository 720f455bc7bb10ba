import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

export interface StepRow {
  readonly number: number
  readonly finish_reason: string
  /** JSON text, as the provider gave it; absent numbers are unknown, never zero. */
  readonly usage: string
  /** When its model was asked, and when its first word came. Null: not known. */
  readonly started_at: string | null
  readonly first_at: string | null
  /** When its model had ended, and what it said was committed: with its calls, before the first of them acted. */
  readonly answered_at: string
}

export interface NewStep {
  readonly projectId: string
  readonly runId: string
  readonly number: number
  readonly fence: number
  readonly finishReason: string
  readonly usage: string
  /** How long its model spoke until now, and how long until its first word. Absent: not known. */
  readonly spoke?: { readonly ms: number; readonly firstMs: number | null } | undefined
}

/** Its moments are in the database's time, counted back from this transaction's: what the clocks of nodes say is no order. */
export async function insertStep(sql: ScopedSql, step: NewStep): Promise<void> {
  await sql.query(
    `insert into ambit.steps (org_id, project_id, run_id, number, fence, finish_reason, usage, started_at, first_at)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5, $6,
             now() - $7::float8 * interval '1 millisecond', now() - ($7::float8 - $8::float8) * interval '1 millisecond')`,
    [step.projectId, step.runId, step.number, step.fence, step.finishReason, step.usage, step.spoke?.ms ?? null, step.spoke?.firstMs ?? null],
  )
}

export async function listSteps(sql: ScopedSql, projectId: string, runId: string): Promise<readonly StepRow[]> {
  const { rows } = await sql.query<StepRow>(
    `select number, finish_reason, usage, ${isoTime('started_at')} as started_at, ${isoTime('first_at')} as first_at,
       ${isoTime('ended_at')} as answered_at from ambit.steps
     where project_id = $1 and run_id = $2 order by number`,
    [projectId, runId],
  )
  return rows
}

/** What the steps of a run have used. */
export interface RunUsage {
  /** JSON texts, as the providers gave them, in the order of the steps. */
  readonly usages: readonly string[]
  /** Whether another try of one of its model calls was dropped, or may have been. */
  readonly dropped: boolean
}

/** What these runs have used, by run id: of those that have read nothing that is hidden. To others there is none. */
export async function readUsages(sql: ScopedSql, projectId: string, runIds: readonly string[]): Promise<ReadonlyMap<string, RunUsage>> {
  const { rows } = await sql.query<RunUsage & { readonly run_id: string }>(
    `select s.run_id,
       array(select t.usage from ambit.steps t where t.project_id = s.project_id and t.run_id = s.run_id order by t.number) as usages,
       exists (select from ambit.claims k where k.project_id = s.project_id and k.run_id = s.run_id and k.reason in ('takeover', 'retry')) as dropped
     from ambit.read_sets s where s.project_id = $1 and s.run_id = any($2::text[])`,
    [projectId, runIds],
  )
  return new Map(rows.map(({ run_id, usages, dropped }) => [run_id, { usages, dropped }]))
}
