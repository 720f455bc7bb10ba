import pg from 'pg'
import type { Pool } from 'pg'
import type { Database } from './database.ts'
import { proveDatabase } from './doctor/prove-database.ts'
import { pgDatabase, types } from './pg-database.ts'
import { ANSWER_MS } from './pg-transaction.ts'

const CONNECT_TIMEOUT_MS = 5_000
const CONNECTIONS = 10

export interface PostgresOptions {
  readonly rolePrefix: string
  /** At most so many at once; a host's own pool knows for itself. */
  readonly connections?: number | undefined
  onIdleError(error: Error): void
}

/**
 * The app's connections, after the checks without which no tenant's row may be read. A host's own pool is never closed;
 * while it is in use here, the loss of an idle connection is heard (unheard, it would end the process).
 */
export async function openPostgres(source: string | Pool, { rolePrefix, connections, onIdleError }: PostgresOptions): Promise<Database> {
  const database = typeof source === 'string' ? connect(source, onIdleError, { connections, answerMs: ANSWER_MS }) : borrow(source, onIdleError)
  try {
    await proveDatabase(database, { rolePrefix, login: true })
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** What differs between serving, which must not wait for ever, and migrating, which may take its time. */
interface ConnectOptions {
  readonly connections?: number | undefined
  readonly answerMs?: number | null
}

/** A pool of its own. */
export function connect(
  url: string,
  onIdleError: (error: Error) => void,
  { connections = CONNECTIONS, answerMs = null }: ConnectOptions = {},
): Database {
  const pool = new pg.Pool({ connectionString: url, max: connections, connectionTimeoutMillis: CONNECT_TIMEOUT_MS, pipeline: true, types })
  pool.on('error', onIdleError)
  return pgDatabase(pool, { answerMs, own: true, end: () => pool.end() })
}

function borrow(pool: Pool, onIdleError: (error: Error) => void): Database {
  pool.on('error', onIdleError)
  return pgDatabase(pool, { answerMs: ANSWER_MS, own: false, end: async () => void pool.off('error', onIdleError) })
}
