import { drizzle } from 'drizzle-orm/node-postgres'
import pg from 'pg'

const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] })
/** Ambit's login: for its own tables, and for tools, which see the rows of one account only. */
export const ambitPool = new pg.Pool({ connectionString: process.env['AMBIT_DATABASE_URL'], connectionTimeoutMillis: 5_000 })

/** The app's own connections, as they were. */
export const db = drizzle(pool)
export const ambitDb = drizzle(ambitPool)

export async function endPools(): Promise<void> {
  await Promise.all([pool.end(), ambitPool.end()])
}
