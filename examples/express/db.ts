import pg from 'pg'
import type { QueryResultRow } from 'pg'

/** The app's own connections, as they were. */
export const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] })
/** Ambit's login: for its own tables, and for tools, which see the rows of one account only. */
export const ambitPool = new pg.Pool({ connectionString: process.env['AMBIT_DATABASE_URL'], connectionTimeoutMillis: 5_000 })

export async function find<Row extends QueryResultRow>(text: string, ...values: unknown[]): Promise<Row[]> {
  return (await pool.query<Row>(text, values)).rows
}

/** The person whose session the cookie names. */
export async function personOf(cookies: string | undefined | null): Promise<string | null> {
  const token = /(?:^|; )session=([^;]+)/.exec(cookies ?? '')?.[1]
  const [session] = token === undefined ? [] : await find<{ person: string }>('select person from sessions where token = $1', token)
  return session?.person ?? null
}
