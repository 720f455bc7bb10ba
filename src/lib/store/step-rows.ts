import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

export interface StepRow {
  readonly number: number
  readonly finish_reason: string
  /** JSON text, as the provider gave it; absent numbers are unknown, never zero. */
  readonly usage: string
  readonly ended_at: string
}

export async function insertStep(
  sql: ScopedSql,
  step: { projectId: string; runId: string; number: number; fence: number; finishReason: string; usage: string },
): Promise<void> {
  await sql.query(
    `insert into ambit.steps (org_id, project_id, run_id, number, fence, finish_reason, usage)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5, $6)`,
    [step.projectId, step.runId, step.number, step.fence, step.finishReason, step.usage],
  )
}

export async function listSteps(sql: ScopedSql, projectId: string, runId: string): Promise<readonly StepRow[]> {
  const { rows } = await sql.query<StepRow>(
    `select number, finish_reason, usage, ${isoTime('ended_at')} as ended_at from ambit.steps
     where project_id = $1 and run_id = $2 order by number`,
    [projectId, runId],
  )
  return rows
}
