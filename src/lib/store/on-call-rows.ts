import type { OperatorSql } from './handles.ts'
import { isoTime } from './iso-time.ts'
import type { RunState } from './run-rows.ts'

/** How a run goes, and nothing of what was said. The `_ms` are counted by the database up to this look; null: it does not apply. */
export interface RunFacts {
  readonly id: string
  readonly org_id: string
  readonly project_id: string
  /** The slugs, or the ids where a host's directory has the places; null: the organisation's own scope. */
  readonly org: string
  readonly project: string | null
  readonly thread_id: string
  readonly author_id: string
  readonly model_id: string
  readonly state: RunState
  readonly finish_reason: string | null
  readonly error_code: string | null
  /** '' where nobody has driven it yet. */
  readonly node_id: string
  /** Whether the lease of that node, in the life in which it took the run, holds. */
  readonly leased: boolean
  /** Of a running one that nobody drives: since its node's lease ended, or since its last claim, where the node is forgotten. */
  readonly undriven_ms: number | null
  readonly age_ms: number
  readonly driven_ms: number
  readonly claimed_ms: number
  readonly takeovers: number
  readonly stop_asked_ms: number | null
  /** Of a queued one: the run before it in its thread; null where it is the first, and may start. */
  readonly behind: string | null
  /** Of a queued one that may start: for how long. */
  readonly startable_ms: number | null
  readonly created_at: string
  readonly started_at: string
  readonly ended_at: string | null
}

/** A run that had ended when 0003 added `started_at` has the time of that migration in it. (`least` ignores null.) */
const STARTED = 'least(r.started_at, r.ended_at)'

/** Since a time: a lease of the future has not ended, and a clock that was set back counts nothing. */
const since = (time: string) => `greatest(0, extract(epoch from now() - ${time}))::float8 * 1000`

/**
 * `runs` is a query for rows of the table. By key from there: an id is unique within its project only, and what is not
 * asked by key is looked for among all runs that ever were.
 */
function factsSql(runs: string): string {
  return `with wanted as (${runs})
    select r.id, r.org_id, r.project_id, coalesce(o.slug, r.org_id) as org,
      case when r.project_id <> '*' then coalesce(p.slug, r.project_id) end as project,
      r.thread_id, r.author_id, r.model_id, r.state, r.finish_reason, r.error_code, r.node_id,
      r.state = 'running' and coalesce(n.expires_at > now(), false) as leased,
      case when r.state = 'running' and (n.expires_at > now()) is not true then ${since('coalesce(n.expires_at, c.last_at, r.created_at)')} end as undriven_ms,
      ${since('r.created_at')} as age_ms, ${since(STARTED)} as driven_ms, ${since('coalesce(c.last_at, r.created_at)')} as claimed_ms,
      c.takeovers, case when r.stop_requested then ${since('coalesce(r.stop_requested_at, r.created_at)')} end as stop_asked_ms,
      b.id as behind,
      case when r.state = 'queued' and b.id is null then ${since('greatest(r.created_at, e.last_at)')} end as startable_ms,
      ${isoTime('r.created_at')} as created_at, ${isoTime(STARTED)} as started_at, ${isoTime('r.ended_at')} as ended_at
    from wanted r
    left join ambit.nodes n on n.id = r.node_id and n.epoch = r.epoch
    left join ambit.organisations o on o.id = r.org_id
    left join ambit.projects p on p.org_id = r.org_id and p.id = r.project_id
    cross join lateral (
      select max(claimed_at) as last_at, (count(*) filter (where reason = 'takeover'))::int as takeovers
      from ambit.claims k where k.org_id = r.org_id and k.project_id = r.project_id and k.run_id = r.id) c
    left join lateral (
      select q.id from ambit.runs q
      where q.org_id = r.org_id and q.project_id = r.project_id and q.thread_id = r.thread_id
        and (q.state = 'running' or (q.state = 'queued' and q.number < r.number))
      order by q.state, q.number desc limit 1) b on r.state = 'queued'
    left join lateral (
      select max(q.ended_at) as last_at from ambit.runs q
      where q.org_id = r.org_id and q.project_id = r.project_id and q.thread_id = r.thread_id) e on r.state = 'queued'
    order by r.created_at, r.id`
}

const COLUMNS = `id, org_id, project_id, thread_id, author_id, model_id, state, finish_reason, error_code, stop_requested, stop_requested_at,
  node_id, epoch, number, created_at, started_at, ended_at`

/** The runs that have not ended, the oldest first. `org` is a slug or an id; null: of all organisations. */
export async function listUnendedRuns(sql: OperatorSql, { org, limit }: { readonly org: string | null; readonly limit: number }): Promise<readonly RunFacts[]> {
  // Each state on its own, as the indexes have them: of all runs, few have not ended.
  const inState = (state: RunState) => `select ${COLUMNS} from ambit.runs where state = '${state}'`
  const unended = `select * from (${inState('running')} union all ${inState('queued')}) u
    where $1::text is null or u.org_id = $1 or u.org_id in (select id from ambit.organisations where slug = $1)
    order by u.created_at, u.id limit $2`
  const { rows } = await sql.query<RunFacts>(factsSql(unended), [org, limit])
  return rows
}

/** The runs of this id: one, as ids are minted here. From place to place, where a search would read every run there is. */
export async function findRunAnywhere(sql: OperatorSql, id: string): Promise<RunFacts | null> {
  const found = `select ${COLUMNS} from (
      with recursive places as (
        (select org_id, project_id from ambit.runs order by org_id, project_id limit 1)
        union all
        select next.org_id, next.project_id from places here cross join lateral (
          select r.org_id, r.project_id from ambit.runs r where (r.org_id, r.project_id) > (here.org_id, here.project_id)
          order by r.org_id, r.project_id limit 1) next
      )
      select r.* from (select * from places offset 0) here
      cross join lateral (
        select ${COLUMNS} from ambit.runs where org_id = here.org_id and project_id = here.project_id and id = $1 offset 0) r
    ) one`
  const { rows } = await sql.query<RunFacts>(factsSql(found), [id])
  return rows[0] ?? null
}

export interface ClaimFacts {
  readonly fence: number
  readonly base: number
  readonly node_id: string
  readonly reason: string
  readonly claimed_at: string
}

export interface StepFacts {
  readonly number: number
  readonly fence: number
  readonly finish_reason: string
  /** JSON text, as the provider gave it. */
  readonly usage: string
  readonly ended_at: string
}

export interface CallFacts {
  readonly id: string
  readonly step: number
  readonly name: string
  readonly effect: string
  readonly state: string
  readonly fence: number
  readonly claimed_at: string | null
  readonly settled_at: string | null
}

type Run = Pick<RunFacts, 'org_id' | 'project_id' | 'id'>

/** Who took it, in order. */
export function listClaims(sql: OperatorSql, run: Run): Promise<readonly ClaimFacts[]> {
  return rowsOf(sql, run, { columns: `fence, base, node_id, reason, ${isoTime('claimed_at')} as claimed_at`, table: 'claims', by: 'fence' })
}

export function listStepFacts(sql: OperatorSql, run: Run): Promise<readonly StepFacts[]> {
  return rowsOf(sql, run, { columns: `number, fence, finish_reason, usage, ${isoTime('ended_at')} as ended_at`, table: 'steps', by: 'number' })
}

/** What was called, and what became of it: never with what, and never what it answered. */
export function listCallFacts(sql: OperatorSql, run: Run): Promise<readonly CallFacts[]> {
  const times = `${isoTime('claimed_at')} as claimed_at, ${isoTime('settled_at')} as settled_at`
  return rowsOf(sql, run, { columns: `id, step, name, effect, state, fence, ${times}`, table: 'calls', by: 'step, place' })
}

/** What a table has of a run. */
async function rowsOf<Row>(sql: OperatorSql, { org_id, project_id, id }: Run, { columns, table, by }: Record<'columns' | 'table' | 'by', string>): Promise<readonly Row[]> {
  const ofRun = 'org_id = $1 and project_id = $2 and run_id = $3'
  const { rows } = await sql.query<Row>(`select ${columns} from ambit.${table} where ${ofRun} order by ${by}`, [org_id, project_id, id])
  return rows
}

/** Nodes whose lease holds. */
export async function countLiveNodes(sql: OperatorSql): Promise<number> {
  const { rows } = await sql.query<{ live: number }>('select count(*)::int as live from ambit.nodes where expires_at > now()')
  return rows[0]?.live ?? 0
}
