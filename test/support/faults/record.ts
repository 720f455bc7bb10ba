import { splitFrames } from './split-frames.ts'
import type { KeptFrame } from './split-frames.ts'
import type { Database, Sql } from '../../../src/lib/store/database.ts'

export interface RecordedRun {
  readonly id: string
  readonly thread_id: string
  readonly user_message_id: string
  readonly message_id: string
  readonly state: string
  readonly finish_reason: string | null
  readonly error_code: string | null
  readonly fence: number
  readonly last_seq: number
  /** When it came to its turn. */
  readonly began: number
  readonly ended: number | null
}

export interface RecordedClaim {
  readonly run_id: string
  readonly fence: number
  readonly base: number
  readonly reason: string
}

export interface RecordedCall {
  readonly run_id: string
  readonly id: string
  readonly step: number
  readonly name: string
  readonly input: string
  readonly state: string
  readonly fence: number
  readonly outcome: string | null
}

export interface RecordedStep {
  readonly run_id: string
  readonly number: number
  readonly fence: number
}

export interface RecordedMessage {
  readonly id: string
  readonly thread_id: string
  readonly client_id: string | null
  readonly role: string
}

/** All that a database holds of the runs of a test, read past every wall. */
export interface Recorded {
  /** By thread, in the order of their messages. */
  readonly runs: readonly RecordedRun[]
  readonly claims: readonly RecordedClaim[]
  readonly calls: readonly RecordedCall[]
  readonly steps: readonly RecordedStep[]
  readonly messages: readonly RecordedMessage[]
  /** In order, by run. */
  readonly frames: ReadonlyMap<string, readonly KeptFrame[]>
  /** What `book` wrote, where there is such a table. */
  readonly bookings: readonly string[]
}

interface FramesRow {
  readonly run_id: string
  readonly first_seq: number
  readonly last_seq: number
  readonly text: string
}

/** What is there of these threads, named as their clients named them. */
export async function readRecord(superuser: Database, threads: readonly string[]): Promise<Recorded> {
  return superuser.transaction('', async (sql) => {
    const ids = (await rowsOf<{ id: string }>(sql, 'select id from ambit.threads where alias = any($1::text[])', threads)).map((row) => row.id)
    const runs = await rowsOf<RecordedRun>(sql, RUNS, ids)
    const runIds = runs.map((run) => run.id)
    const frames = await rowsOf<FramesRow>(sql, 'select run_id, first_seq, last_seq, text from ambit.frames where run_id = any($1::text[]) order by run_id, first_seq', runIds)
    return {
      runs,
      claims: await rowsOf(sql, 'select run_id, fence, base, reason from ambit.claims where run_id = any($1::text[]) order by run_id, fence', runIds),
      calls: await rowsOf(sql, 'select run_id, id, step, name, input, state, fence, outcome from ambit.calls where run_id = any($1::text[]) order by run_id, step, place', runIds),
      steps: await rowsOf(sql, 'select run_id, number, fence from ambit.steps where run_id = any($1::text[]) order by run_id, number', runIds),
      messages: await rowsOf(sql, 'select id, thread_id, client_id, role from ambit.messages where thread_id = any($1::text[]) order by thread_id, number', ids),
      frames: new Map(runIds.map((id) => [id, splitFrames(frames.filter((row) => row.run_id === id).map((row) => row.text))])),
      bookings: await bookingsOf(sql),
    }
  })
}

const RUNS = `
  select id, thread_id, user_message_id, message_id, state, finish_reason, error_code, fence, last_seq,
         extract(epoch from started_at)::float8 as began, extract(epoch from ended_at)::float8 as ended
  from ambit.runs where thread_id = any($1::text[]) order by thread_id, number`

async function rowsOf<Row>(sql: Sql, text: string, values: readonly string[]): Promise<readonly Row[]> {
  return (await sql.query<Row>(text, [values])).rows
}

async function bookingsOf(sql: Sql): Promise<readonly string[]> {
  const { rows } = await sql.query<{ there: boolean }>("select to_regclass('bookings.made') is not null as there")
  if (rows[0]?.there !== true) return []
  return (await sql.query<{ deed: string }>('select deed from bookings.made')).rows.map((row) => row.deed)
}
