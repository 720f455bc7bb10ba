import type { SweeperSql } from './handles.ts'

/** A run whose owner is dead, now owned by the caller under a new fence. */
export interface ClaimedRun {
  readonly org_id: string
  readonly project_id: string
  readonly id: string
  readonly thread_id: string
  readonly fence: number
  readonly last_seq: number
  readonly stop_requested: boolean
  /** JSON text of the frozen ChatExecutionContext. */
  readonly context: string
}

/**
 * Begins a new life of this node and answers its epoch: whatever an earlier life owned is an orphan at once.
 * `leaseMs` null is a lease without end, for a store that no other process can open.
 */
export async function registerNode(sql: SweeperSql, id: string, leaseMs: number | null): Promise<number> {
  const { rows } = await sql.query<{ epoch: number }>(
    `insert into ambit.nodes as n (id, epoch, expires_at) values ($1, 1, ${EXPIRY})
     on conflict (id) do update set epoch = n.epoch + 1, expires_at = excluded.expires_at
     returning epoch`,
    [id, leaseMs],
  )
  const epoch = rows[0]?.epoch
  if (epoch === undefined) throw new Error('The node was not registered.')
  // Processes come and go under new names. A run of a node that is forgotten is an orphan like any other.
  await sql.query("delete from ambit.nodes where expires_at < now() - interval '1 hour'")
  return epoch
}

/** False: another life of this node has begun. */
export async function renewNode(sql: SweeperSql, id: string, epoch: number, leaseMs: number): Promise<boolean> {
  const { count } = await sql.query(`update ambit.nodes set expires_at = now() + make_interval(secs => $2 / 1000.0) where id = $1 and epoch = $3`, [
    id, leaseMs, epoch,
  ])
  return count === 1
}

/** Gives the lease back, so that nobody has to wait for its end. */
export async function releaseNode(sql: SweeperSql, id: string, epoch: number): Promise<void> {
  await sql.query('update ambit.nodes set expires_at = now() where id = $1 and epoch = $2', [id, epoch])
}

const EXPIRY = `coalesce(now() + make_interval(secs => $2::double precision / 1000.0), 'infinity')`

/**
 * Longer than an opening takes, and between two tries to end a run: one whose last claim (its opening is the first) is
 * older is driven, or was lost between a commit and whoever should have heard of it.
 */
const SETTLING = '30 seconds'

/**
 * Claims running runs that nobody drives: those whose node is dead, and the claimant's own that it does not drive (their
 * opening or their claim was committed without word), never those it does, also when its lease has lapsed. Fence + 1, and the base is `last_seq` of the locked row (a sub-select on
 * frames would read the snapshot from before the lock).
 */
export async function claimOrphans(
  sql: SweeperSql,
  claimant: { nodeId: string; epoch: number; driven: readonly string[]; limit: number },
): Promise<readonly ClaimedRun[]> {
  const { rows } = await sql.query<ClaimedRun>(
    `with orphan as (
       select r.org_id, r.project_id, r.id from ambit.runs r
       where r.state = 'running' and case
         when r.node_id = $1 and r.epoch = $2 then not (r.id = any($3::text[])) and not exists (
           select from ambit.claims c where c.org_id = r.org_id and c.project_id = r.project_id and c.run_id = r.id
             and c.claimed_at > now() - interval '${SETTLING}')
         else not exists (
           select from ambit.nodes n where n.id = r.node_id and n.epoch = r.epoch and n.expires_at > now())
       end
       limit $4 for update skip locked
     ), claimed as (
       update ambit.runs r set fence = r.fence + 1, node_id = $1, epoch = $2 from orphan o
       where r.org_id = o.org_id and r.project_id = o.project_id and r.id = o.id
       returning r.org_id, r.project_id, r.id, r.thread_id, r.fence, r.last_seq, r.stop_requested, r.context
     ), kept as (
       insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch)
       select org_id, project_id, id, fence, last_seq, $1, $2 from claimed
     )
     select * from claimed`,
    [claimant.nodeId, claimant.epoch, claimant.driven, claimant.limit],
  )
  return rows
}

/**
 * Marks a running run to be stopped: a claim that finds the mark calls no model. Through the sweeper, because a run's row
 * is its author's to write, and others who see the thread may stop it too; they must have found it through `scoped` first.
 */
export async function requestStop(sql: SweeperSql, run: { orgId: string; projectId: string; id: string }): Promise<void> {
  await sql.query(
    "update ambit.runs set stop_requested = true where org_id = $1 and project_id = $2 and id = $3 and state = 'running'",
    [run.orgId, run.projectId, run.id],
  )
}
