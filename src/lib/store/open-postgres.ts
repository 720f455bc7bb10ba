import pg from 'pg'
import type { Pool } from 'pg'
import { checkDatabase } from './check-database.ts'
import type { Database } from './database.ts'
import { pgDatabase } from './pg-database.ts'

const CONNECT_TIMEOUT_MS = 5_000
const MAX_CONNECTIONS = 10

/**
 * The app's connections, after the checks without which no tenant's row may be read. A host's own pool is never closed;
 * while it is in use here, the loss of an idle connection is heard (unheard, it would end the process).
 */
export async function openPostgres(
  source: string | Pool,
  rolePrefix: string,
  onIdleError: (error: Error) => void,
): Promise<Database> {
  const database = typeof source === 'string' ? connect(source, onIdleError) : borrow(source, onIdleError)
  try {
    await checkDatabase(database, rolePrefix)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

/** A pool of its own. */
export function connect(url: string, onIdleError: (error: Error) => void): Database {
  const pool = new pg.Pool({ connectionString: url, max: MAX_CONNECTIONS, connectionTimeoutMillis: CONNECT_TIMEOUT_MS })
  pool.on('error', onIdleError)
  return pgDatabase(pool, () => pool.end())
}

function borrow(pool: Pool, onIdleError: (error: Error) => void): Database {
  pool.on('error', onIdleError)
  return pgDatabase(pool, async () => void pool.off('error', onIdleError))
}
