import type { ScopedSql, SweeperSql } from './handles.ts'
import { isoTime } from './iso-time.ts'
import type { RunAddress } from './run-rows.ts'

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

/** Why a fence was taken. `opened`: by whoever opened the run. The others are said at `ClaimedRun`. */
export type ClaimReason = 'opened' | ClaimedRun['reason']

/** A claim as whoever sees the run is told of it. */
export interface ListedClaim extends ClaimRow {
  /** '' where nobody drove it yet. */
  readonly node_id: string
  readonly reason: ClaimReason
  readonly claimed_at: string
}

/** More than a run has: it is retried a few times in each step, and one that loses its nodes again and again is ended. */
const MOST_CLAIMS = 1_000

/** Who took a run, in order. */
export async function listRunClaims(sql: ScopedSql, projectId: string, runId: string): Promise<readonly ListedClaim[]> {
  const { rows } = await sql.query<ListedClaim>(
    `select fence, base, node_id, reason, ${isoTime('claimed_at')} as claimed_at from ambit.claims
     where project_id = $1 and run_id = $2 order by fence limit $3`,
    [projectId, runId, MOST_CLAIMS],
  )
  return rows
}

/** A run that the caller now owns, under a new fence. */
export interface ClaimedRun {
  readonly org_id: string
  readonly project_id: string
  readonly id: string
  readonly thread_id: string
  readonly author_id: string
  readonly message_id: string
  readonly fence: number
  readonly last_seq: number
  readonly stop_requested: boolean
  /** Who drove it until now. */
  readonly from_node: string
  /** `started`: nobody did, because it waited, or was opened by a door that drives nothing. `retry`: this life of the claimant, that had to leave it. */
  readonly reason: 'started' | 'takeover' | 'retry'
  /** How often it had lost its node before. */
  readonly takeovers: number
  /** Milliseconds since it began to be driven. */
  readonly age_ms: number
  /** JSON text of the frozen ChatExecutionContext. */
  readonly context: string
}

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

const CLAIMED = `r.org_id, r.project_id, r.id, r.thread_id, r.author_id, r.message_id, r.fence, r.last_seq, r.stop_requested, r.context,
  extract(epoch from now() - r.started_at)::float8 * 1000 as age_ms`

/** Fence + 1, and the base is `last_seq` of the locked row (a sub-select on frames would read the snapshot from before the lock). */
function claimSql(orphan: string, set = ''): string {
  return `with orphan as (select r.org_id, r.project_id, r.id, r.node_id, r.epoch from ambit.runs r ${orphan}), claimed as (
      update ambit.runs r set fence = r.fence + 1, node_id = $1, epoch = $2${set} from orphan o
      where r.org_id = o.org_id and r.project_id = o.project_id and r.id = o.id
      returning ${CLAIMED}, o.node_id as from_node,
        case when o.node_id = '' then 'started' when o.node_id = $1 and o.epoch = $2 then 'retry' else 'takeover' end as reason
    ), kept as (
      insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch, reason)
      select org_id, project_id, id, fence, last_seq, $1, $2, reason from claimed
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
  run: RunAddress,
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
  run: RunAddress & { readonly fence: number },
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
