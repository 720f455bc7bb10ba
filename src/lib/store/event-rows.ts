import type { ScopedSql, SweeperSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

/** What happened in a thread. A run that left the queue has begun, too. */
export type ScopeEventKind = 'run_queued' | 'run_began' | 'run_ended' | 'thread_changed'

export interface EventRow {
  readonly number: number
  readonly kind: ScopeEventKind
  readonly thread_id: string
  readonly run_id: string | null
  readonly at: string
}

/**
 * Numbers are taken when a row is written and seen when it is committed: a lower one may appear after a higher one was read.
 * Ambit's transactions last 10 s at the most; what is older than this has no lower number still to come.
 */
export const EVENTS_SETTLE_MS = 15_000
/** The same, for a row of which only the beginning of its transaction is known. */
const SETTLED_MS = EVENTS_SETTLE_MS + 10_000
const KEPT = '1 hour'

/** Told in the transaction in which it happens: whoever follows the scope hears of what was committed, and of nothing else. */
export async function insertEvent(
  sql: ScopedSql,
  event: { projectId: string; kind: ScopeEventKind; threadId: string; runId: string | null },
): Promise<void> {
  await sql.query(
    `insert into ambit.events (org_id, project_id, kind, thread_id, run_id)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4)`,
    [event.projectId, event.kind, event.threadId, event.runId],
  )
}

const COLUMNS = `number, kind, thread_id, run_id, ${isoTime('at')} as at`

/** Those of these numbers that the reader may see. */
export async function readEvents(sql: ScopedSql, projectId: string, numbers: readonly number[]): Promise<readonly EventRow[]> {
  const { rows } = await sql.query<EventRow>(
    `select ${COLUMNS} from ambit.events where project_id = $1 and number = any($2::bigint[]) order by number`,
    [projectId, numbers],
  )
  return rows
}

/** When an event of this project happened; null where it is not kept, or not the reader's to see. */
export async function findEventTime(sql: ScopedSql, projectId: string, number: number): Promise<string | null> {
  const { rows } = await sql.query<{ at: string }>(`select ${isoTime('at')} as at from ambit.events where project_id = $1 and number = $2`, [
    projectId, number,
  ])
  return rows[0]?.at ?? null
}

/** A place among the events of a project. */
export interface EventPlace {
  /** Nothing up to this number is missing. */
  readonly after: number
  /** When the last event happened that was told: what began a little before it may have been committed after it. Null: `after` says it all. */
  readonly since: string | null
  /** Numbers beyond the place that were told, or are not to be. */
  readonly known: readonly number[]
}

/** What the reader may see beyond a place, by number. */
export async function readEventsAfter(sql: ScopedSql, projectId: string, place: EventPlace, limit: number): Promise<readonly EventRow[]> {
  const { rows } = await sql.query<EventRow>(
    `select ${COLUMNS} from ambit.events
     where project_id = $1 and number > $2 and ($3::timestamptz is null or at >= $3::timestamptz - interval '${EVENTS_SETTLE_MS} milliseconds')
       and number <> all($4::bigint[])
     order by number limit $5`,
    [projectId, place.after, place.since, place.known, limit],
  )
  return rows
}

export interface EventScope {
  readonly orgId: string
  readonly projectId: string
}

export interface EventNumber {
  readonly org_id: string
  readonly project_id: string
  readonly number: number
}

/** What is there already, in a scope that begins to be followed: the base, and the numbers beyond it. */
export async function findEventBase(sql: SweeperSql, scope: EventScope): Promise<{ base: number; numbers: readonly number[] }> {
  const { rows } = await sql.query<{ base: number; number: number | null }>(
    `select s.base, e.number from (
       select coalesce(max(number), 0) as base from ambit.events
       where org_id = $1 and project_id = $2 and at < now() - interval '${SETTLED_MS} milliseconds') s
     left join ambit.events e on e.org_id = $1 and e.project_id = $2 and e.number > s.base`,
    [scope.orgId, scope.projectId],
  )
  return { base: rows[0]?.base ?? 0, numbers: rows.flatMap(({ number }) => (number === null ? [] : [number])) }
}

/** What appeared in these scopes beyond their bases, but for the numbers that are known. */
export async function listNewEvents(
  sql: SweeperSql,
  scopes: readonly (EventScope & { readonly base: number })[],
  known: readonly number[],
  limit: number,
): Promise<readonly EventNumber[]> {
  const { rows } = await sql.query<EventNumber>(
    `select e.org_id, e.project_id, e.number
     from unnest($1::text[], $2::text[], $3::bigint[]) as k (org_id, project_id, base)
     join ambit.events e on e.org_id = k.org_id and e.project_id = k.project_id and e.number > k.base
     where e.number <> all($4::bigint[]) order by e.number limit $5`,
    [scopes.map(({ orgId }) => orgId), scopes.map(({ projectId }) => projectId), scopes.map(({ base }) => base), known, limit],
  )
  return rows
}

/** Forgets what was kept long enough; answers how many. */
export async function deleteOldEvents(sql: SweeperSql): Promise<number> {
  const { count } = await sql.query(`delete from ambit.events where at < now() - interval '${KEPT}'`)
  return count
}
