import type { ScopedSql, SweeperSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

/** What happened in a thread. A run that left the queue has begun, too. */
export type ScopeEventKind = 'run_queued' | 'run_began' | 'run_ended' | 'thread_changed'

/** What happened to something else than a thread that is there. */
export type OtherEventKind = 'thread_deleted' | 'document_changed'

export interface EventRow {
  readonly number: number
  readonly kind: ScopeEventKind | OtherEventKind
  readonly thread_id: string | null
  readonly run_id: string | null
  /** Where there is no thread: what it is about. */
  readonly about_id: string | null
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
/** Longer: who begins within the hour reads from a little before, and a moment later. */
const FORGOTTEN = '61 minutes'
/** Clocks of databases that follow each other differ by less. */
const CLOCKS_DIFFER = '1 minute'
/** Of what was kept long enough: a statement has five seconds, and what piled up while no node ran may be millions of rows. */
const DELETED_AT_A_TIME = 20_000

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

/** The same, of what is no thread, or none any more. */
export async function insertOtherEvent(
  sql: ScopedSql,
  event: {
    readonly projectId: string
    readonly kind: OtherEventKind
    readonly aboutId: string
    /** Who alone is told: the person who writes it. Null: whoever reads here. */
    readonly readerId: string | null
  },
): Promise<void> {
  await sql.query(
    `insert into ambit.events (org_id, project_id, kind, about_id, reader_id)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4)`,
    [event.projectId, event.kind, event.aboutId, event.readerId],
  )
}

const COLUMNS = `number, kind, thread_id, run_id, about_id, ${isoTime('at')} as at`

/** Those of these numbers that the reader may see. */
export async function readEvents(sql: ScopedSql, projectId: string, numbers: readonly number[]): Promise<readonly EventRow[]> {
  const { rows } = await sql.query<EventRow>(
    `select ${COLUMNS} from ambit.events where project_id = $1 and number = any($2::bigint[]) order by number`,
    [projectId, numbers],
  )
  return rows
}

/**
 * The time at which a reader goes on that names this one: never one that is still to come, or it would miss what happens until
 * then. Null where what happened since may be forgotten, and where no clock can have said it.
 */
export async function findEventTime(sql: ScopedSql, time: string): Promise<string | null> {
  const { rows } = await sql.query<{ since: string | null }>(
    `select case when $1::timestamptz between now() - interval '${KEPT}' and now() + interval '${CLOCKS_DIFFER}'
       then ${isoTime('least($1::timestamptz, now())')} end as since`,
    [time],
  )
  return rows[0]?.since ?? null
}

/** A place among the events of a project. */
export interface EventPlace {
  /** Nothing up to this number is missing. */
  readonly after: number
  /** The latest time that was told: what began a little before it may have been committed after it. Null: `after` says it all. */
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

/** Forgets the oldest of what was kept long enough; answers how many. All of a moment go at once. */
export async function deleteOldEvents(sql: SweeperSql, atMost: number = DELETED_AT_A_TIME): Promise<number> {
  // An array, and neither a range nor a join: these the planner may take for a third of the table, and read all of it.
  const { count } = await sql.query(
    `delete from ambit.events where at = any(array(
       select at from ambit.events where at < now() - interval '${FORGOTTEN}' order by at limit $1))`,
    [atMost],
  )
  return count
}
