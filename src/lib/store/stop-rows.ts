import type { SweeperSql } from './handles.ts'
import type { RunAddress } from './run-rows.ts'

/** Those of this node's runs that somebody asked to stop. */
export async function listStopped(sql: SweeperSql, nodeId: string, epoch: number): Promise<readonly string[]> {
  const { rows } = await sql.query<{ id: string }>(
    "select id from ambit.runs where node_id = $1 and epoch = $2 and state = 'running' and stop_requested",
    [nodeId, epoch],
  )
  return rows.map(({ id }) => id)
}

/**
 * Marks a run that has not ended to be stopped, and answers the node that owns it: a claim that finds the mark calls no model.
 * Through the sweeper, because a run's row is its author's to write, and others who see the thread may stop it too; they must
 * have found it through `scoped` first.
 */
export async function requestStop(sql: SweeperSql, run: RunAddress): Promise<string | null> {
  const { rows } = await sql.query<{ node_id: string }>(
    `update ambit.runs set stop_requested = true
     where org_id = $1 and project_id = $2 and id = $3 and state in ('queued', 'running') returning node_id`,
    [run.orgId, run.projectId, run.id],
  )
  return rows[0]?.node_id ?? null
}
