import type { ScopedSql } from './handles.ts'

/** From this fence on, a run's frames begin after `base`. */
export interface ClaimRow {
  readonly fence: number
  readonly base: number
}

/**
 * Where a reader's place still holds: null where it has only what was kept, else the base beyond which what it has was
 * dropped, which is that of the first claim after the place's fence.
 */
export async function findDroppedBase(sql: ScopedSql, run: { projectId: string; runId: string }, at: { fence: number; seq: number }): Promise<number | null> {
  const { rows } = await sql.query<ClaimRow>(
    `select fence, base from ambit.claims where project_id = $1 and run_id = $2 and fence > $3 order by fence limit 1`,
    [run.projectId, run.runId, at.fence],
  )
  const [first] = rows
  return first && at.seq > first.base ? first.base : null
}
