import type { Database, Sql } from '../../src/lib/store/database.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import type { Superuser } from '../tenant.ts'

/** What the database has of a run that has ended. */
export interface StoredRun {
  readonly state: string
  readonly errorCode: string | null
  readonly fence: number
  readonly lastSeq: number
  /** Rows of the message with its client's id, and runs that answer it. */
  readonly messages: number
  readonly runs: number
  /** The texts of its events, in order. */
  readonly texts: readonly string[]
}

/** What the server holds open in PostgreSQL, and what it has not ended. */
export interface Load {
  readonly connections: number
  /** In a transaction for longer than any of Ambit's lasts. */
  readonly stuck: number
  /** Runs that wait or go on. */
  readonly active: number
}

/** Reads past every wall, by a connection of its own. */
export interface Stored {
  /** By run; those that have not ended are not there. */
  ended(asked: readonly { readonly runId: string; readonly messageId: string }[]): Promise<ReadonlyMap<string, StoredRun>>
  load(): Promise<Load>
  close(): Promise<void>
}

export function openStored({ url, login, orgId, projectId }: Superuser): Stored {
  const database: Database = connect(url, () => {}, { connections: 1 })
  return {
    ended: (asked) => database.transaction('', (sql) => readEnded(sql, [orgId, projectId], asked)),
    load: () =>
      database.transaction('', async (sql) => {
        const { rows } = await sql.query<Load>(LOAD, [login])
        return rows[0] ?? { connections: 0, stuck: 0, active: 0 }
      }),
    close: () => database.close(),
  }
}

async function readEnded(sql: Sql, place: readonly string[], asked: Parameters<Stored['ended']>[0]): Promise<ReadonlyMap<string, StoredRun>> {
  const { rows } = await sql.query<Omit<StoredRun, 'texts'> & { id: string }>(ENDED, [...place, asked.map(({ runId }) => runId), asked.map(({ messageId }) => messageId)])
  const frames = await sql.query<{ run_id: string; text: string }>(FRAMES, [...place, rows.map(({ id }) => id)])
  const texts = Map.groupBy(frames.rows, (row) => row.run_id)
  return new Map(rows.map(({ id, ...run }) => [id, { ...run, texts: (texts.get(id) ?? []).map(({ text }) => text) }]))
}

const ENDED = `
  select r.id, r.state, r.error_code as "errorCode", r.fence, r.last_seq as "lastSeq",
         (select count(*) from ambit.messages m
          where m.org_id = r.org_id and m.project_id = r.project_id and m.thread_id = r.thread_id and m.client_id = a.message_id) as messages,
         (select count(*) from ambit.runs o join ambit.messages m
            on m.org_id = o.org_id and m.project_id = o.project_id and m.thread_id = o.thread_id and m.id = o.user_message_id
          where o.org_id = r.org_id and o.project_id = r.project_id and o.thread_id = r.thread_id and m.client_id = a.message_id) as runs
  from unnest($3::text[], $4::text[]) as a (run_id, message_id)
  join ambit.runs r on r.org_id = $1 and r.project_id = $2 and r.id = a.run_id
  where r.ended_at is not null`

const FRAMES = `
  select run_id, text from ambit.frames
  where org_id = $1 and project_id = $2 and run_id = any($3::text[]) order by run_id, first_seq`

const LOAD = `
  select count(*) as connections,
         count(*) filter (where state like 'idle in transaction%' and now() - xact_start > interval '10 seconds') as stuck,
         (select count(*) from ambit.runs where ended_at is null) as active
  from pg_stat_activity where usename = $1`
