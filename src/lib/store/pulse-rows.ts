import type { SweeperSql } from './handles.ts'
import type { RunAddress } from './run-rows.ts'

/** Where these runs stand: what a follower of another node's run waits to see change. */
export interface RunPulse {
  readonly id: string
  readonly fence: number
  readonly last_seq: number
  readonly state: string
}

/** By key: an id alone would be looked for in all runs that ever were. */
export async function readPulses(sql: SweeperSql, runs: readonly RunAddress[]): Promise<readonly RunPulse[]> {
  const { rows } = await sql.query<RunPulse>(
    `select r.id, r.fence, r.last_seq, r.state from unnest($1::text[], $2::text[], $3::text[]) as k (org_id, project_id, id)
     join ambit.runs r on r.org_id = k.org_id and r.project_id = k.project_id and r.id = k.id`,
    [runs.map(({ orgId }) => orgId), runs.map(({ projectId }) => projectId), runs.map(({ id }) => id)],
  )
  return rows
}
