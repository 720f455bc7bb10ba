import type { SweeperSql } from './handles.ts'
import { WAKE_CHANNEL } from './hear-wakes.ts'

/** A run that the caller now owns, under a new fence. */
export interface ClaimedRun {
  readonly org_id: string
  readonly project_id: string
  readonly id: string
  readonly thread_id: string
  readonly fence: number
  readonly last_seq: number
  readonly stop_requested: boolean
  /** Who drove it until now: '' where nobody did, because it waited, or was opened by a door that drives nothing. */
  readonly from_node: string
  /** How often it had lost its node before. */
  readonly takeovers: number
  /** Milliseconds since it began to be driven. */
  readonly age_ms: number
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

/** The same for a node that lost its lease: null while another process has one under its name. */
export async function rejoinNode(sql: SweeperSql, id: string, epoch: number, leaseMs: number): Promise<number | null> {
  const { rows } = await sql.query<{ epoch: number }>(
    `insert into ambit.nodes as n (id, epoch, expires_at) values ($1, $3 + 1, ${EXPIRY})
     on conflict (id) do update set epoch = n.epoch + 1, expires_at = excluded.expires_at
     where n.epoch = $3 or n.expires_at <= now()
     returning epoch`,
    [id, leaseMs, epoch],
  )
  return rows[0]?.epoch ?? null
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

/** Who claims, and what it knows of its own runs. */
export interface Claimant {
  readonly nodeId: string
  readonly epoch: number
  /** Those that it drives: never claimed, also when its lease has lapsed. */
  readonly driven: readonly string[]
  /** Those that it had to leave: claimed at once, where they are still its own. */
  readonly left: readonly string[]
  readonly limit: number
}

const CLAIMED = `r.org_id, r.project_id, r.id, r.thread_id, r.fence, r.last_seq, r.stop_requested, r.context,
  extract(epoch from now() - r.started_at)::float8 * 1000 as age_ms`

/** Fence + 1, and the base is `last_seq` of the locked row (a sub-select on frames would read the snapshot from before the lock). */
function claimSql(orphan: string, set = ''): string {
  return `with orphan as (select r.org_id, r.project_id, r.id, r.node_id from ambit.runs r ${orphan}), claimed as (
      update ambit.runs r set fence = r.fence + 1, node_id = $1, epoch = $2${set} from orphan o
      where r.org_id = o.org_id and r.project_id = o.project_id and r.id = o.id
      returning ${CLAIMED}, o.node_id as from_node
    ), kept as (
      insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch, reason)
      select org_id, project_id, id, fence, last_seq, $1, $2, case from_node when '' then 'started' else 'takeover' end from claimed
    )
    select c.*, (select count(*) from ambit.claims k
                 where k.org_id = c.org_id and k.project_id = c.project_id and k.run_id = c.id and k.reason = 'takeover')::int as takeovers
    from claimed c`
}

const NOBODY_DRIVES = `not (r.id = any($3::text[])) and case
    when r.node_id = $1 and r.epoch = $2 then r.id = any($4::text[]) or not exists (
      select from ambit.claims c where c.org_id = r.org_id and c.project_id = r.project_id and c.run_id = r.id
        and c.claimed_at > now() - interval '${SETTLING}')
    else not exists (
      select from ambit.nodes n where n.id = r.node_id and n.epoch = r.epoch and n.expires_at > now())
  end`

/**
 * Claims running runs that nobody drives: those whose node is dead, and the claimant's own that it does not drive (it had to
 * leave them, or their opening or their claim was committed without word).
 */
export async function claimOrphans(sql: SweeperSql, { nodeId, epoch, driven, left, limit }: Claimant): Promise<readonly ClaimedRun[]> {
  const { rows } = await sql.query<ClaimedRun>(
    claimSql(`where r.state = 'running' and ${NOBODY_DRIVES} limit $5 for update skip locked`),
    [nodeId, epoch, driven, left, limit],
  )
  return rows
}

/** The same, of one run, that may also be waiting: for a stop, which needs somebody who writes the end. */
export async function claimToEnd(
  sql: SweeperSql,
  { nodeId, epoch, driven, left }: Claimant,
  run: { readonly orgId: string; readonly projectId: string; readonly id: string },
): Promise<ClaimedRun | null> {
  const { rows } = await sql.query<ClaimedRun>(
    claimSql(
      `where r.org_id = $5 and r.project_id = $6 and r.id = $7 and (r.state = 'queued' or (r.state = 'running' and ${NOBODY_DRIVES}))
       for update skip locked`),
    [nodeId, epoch, driven, left, run.orgId, run.projectId, run.id],
  )
  return rows[0] ?? null
}

/**
 * Starts what waits, where nothing runs in its thread any more: the first of each queue. Not `skip locked`: the second would
 * overtake the first. Who loses a race against another node gets a unique violation (23505), and nothing is changed.
 */
export async function claimQueued(sql: SweeperSql, claimant: Pick<Claimant, 'nodeId' | 'epoch' | 'limit'>): Promise<readonly ClaimedRun[]> {
  const { rows } = await sql.query<ClaimedRun>(
    claimSql(
      `where r.state = 'queued'
         and not exists (
           select from ambit.runs b where b.org_id = r.org_id and b.project_id = r.project_id and b.thread_id = r.thread_id
             and (b.state = 'running' or (b.state = 'queued' and b.number < r.number)))
       limit $3 for update`, ", state = 'running', started_at = now()"),
    [claimant.nodeId, claimant.epoch, claimant.limit],
  )
  return rows
}

/**
 * The owner's own claim, when it drops a model call to make it again: what was said and not committed lies beyond the base.
 * Null: the run is no longer its own.
 */
export async function reclaimRun(
  sql: SweeperSql,
  run: { readonly orgId: string; readonly projectId: string; readonly id: string; readonly fence: number },
): Promise<{ readonly fence: number; readonly last_seq: number } | null> {
  const { rows } = await sql.query<{ fence: number; last_seq: number }>(
    `with claimed as (
       update ambit.runs set fence = fence + 1 where org_id = $1 and project_id = $2 and id = $3 and fence = $4 and state = 'running'
       returning org_id, project_id, id, fence, last_seq, node_id, epoch
     ), kept as (
       insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch, reason)
       select org_id, project_id, id, fence, last_seq, node_id, epoch, 'retry' from claimed
     )
     select fence, last_seq from claimed`,
    [run.orgId, run.projectId, run.id, run.fence],
  )
  return rows[0] ?? null
}

/** Those of this node's runs that somebody asked to stop. */
export async function listStopped(sql: SweeperSql, nodeId: string, epoch: number): Promise<readonly string[]> {
  const { rows } = await sql.query<{ id: string }>(
    "select id from ambit.runs where node_id = $1 and epoch = $2 and state = 'running' and stop_requested",
    [nodeId, epoch],
  )
  return rows.map(({ id }) => id)
}

/** Where these runs stand: what a follower of another node's run waits to see change. */
export interface RunPulse {
  readonly id: string
  readonly fence: number
  readonly last_seq: number
  readonly state: string
}

/** By key: an id alone would be looked for in all runs that ever were. */
export interface PulseKey {
  readonly orgId: string
  readonly projectId: string
  readonly id: string
}

export async function readPulses(sql: SweeperSql, runs: readonly PulseKey[]): Promise<readonly RunPulse[]> {
  const { rows } = await sql.query<RunPulse>(
    `select r.id, r.fence, r.last_seq, r.state from unnest($1::text[], $2::text[], $3::text[]) as k (org_id, project_id, id)
     join ambit.runs r on r.org_id = k.org_id and r.project_id = k.project_id and r.id = k.id`,
    [runs.map(({ orgId }) => orgId), runs.map(({ projectId }) => projectId), runs.map(({ id }) => id)],
  )
  return rows
}

/**
 * Marks a run that has not ended to be stopped, and answers the node that owns it: a claim that finds the mark calls no model.
 * Through the sweeper, because a run's row is its author's to write, and others who see the thread may stop it too; they must
 * have found it through `scoped` first.
 */
export async function requestStop(sql: SweeperSql, run: PulseKey): Promise<string | null> {
  const { rows } = await sql.query<{ node_id: string }>(
    `update ambit.runs set stop_requested = true
     where org_id = $1 and project_id = $2 and id = $3 and state in ('queued', 'running') returning node_id`,
    [run.orgId, run.projectId, run.id],
  )
  return rows[0]?.node_id ?? null
}

/** Wakes this node, or every node where it is ''. In a transaction of its own, which writes nothing: a commit that notifies holds up all others that do. */
export async function wakeNode(sql: SweeperSql, nodeId: string): Promise<void> {
  await sql.query('select pg_notify($1, $2)', [WAKE_CHANNEL, nodeId])
}
