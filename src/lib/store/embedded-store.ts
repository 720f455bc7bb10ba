import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Database } from './database.ts'
import { proveDatabase } from './doctor/prove-database.ts'
import { takeLock } from './lock-file.ts'
import type { LockRefused } from './lock-file.ts'
import { migrate } from './migrate.ts'
import { pgliteDatabase } from './pglite-database.ts'
import { DEFAULT_ROLE_PREFIX } from './role-prefix.ts'
import { StartError } from './start-error.ts'
import type { EmbeddedStore } from './store.ts'

/**
 * PostgreSQL in this process, kept in `directory`, migrated when it opens. What a migration has changed is proved before
 * anybody uses it; then nobody but this process can change it, and the proof, 0.3 s in a cold PGlite beside the 0.5 s of
 * opening, is for `ambit doctor`.
 */
export function embeddedStore(directory: string): EmbeddedStore {
  return {
    async open() {
      const database = await openUnproved(directory)
      try {
        const ran = await migrate(database)
        if (ran.length > 0) await proveDatabase(database, { rolePrefix: DEFAULT_ROLE_PREFIX, login: false })
        return database
      } catch (error) {
        await database.close()
        throw error
      }
    },
  }
}

/**
 * The same, as it is, neither migrated nor proved: for whoever looks at its walls. One process only: PGlite has no lock of
 * its own, and two processes on one directory lose acknowledged rows without an error, so a lock file stands beside it.
 */
export async function openUnproved(directory: string): Promise<Database> {
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const lock = takeLock(join(directory, 'database.lock'))
  if (!lock.ok) throw new StartError('locked', refusalOf(directory, lock))
  try {
    const { PGlite } = await import(/* webpackIgnore: true */ /* turbopackIgnore: true */ '@electric-sql/pglite') // finds its files beside itself: no bundle has them
    const database = pgliteDatabase(await PGlite.create({ dataDir: join(directory, 'database') }))
    return { transaction: database.transaction, close: () => database.close().finally(lock.release) }
  } catch (error) {
    lock.release()
    throw error
  }
}

function refusalOf(directory: string, refused: LockRefused): string {
  return refused.code === 'held'
    ? `${directory} is in use by process ${refused.pid}. Stop that one first, or choose another directory with AMBIT_DIRECTORY.`
    : `${refused.path} was not written by Ambit. Delete it if no process uses ${directory}.`
}
