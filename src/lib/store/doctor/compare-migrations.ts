import type { Database } from '../database.ts'
import { openHandles } from '../handles.ts'
import { readMigrations } from '../migrate.ts'
import { sqlStateOf } from './canary.ts'
import type { Fault } from './checks.ts'

export const MIGRATE = 'Run `ambit migrate` with AMBIT_DATABASE_OWNER_URL set.'

export interface Schema {
  readonly faults: readonly Fault[]
  /** It holds migrations that this version does not know. */
  readonly newer: boolean
}

/** What ran on this database, against what this version carries. */
export async function compareMigrations(database: Database, rolePrefix: string): Promise<Schema> {
  const carried = await readMigrations()
  const rows = await readApplied(database, rolePrefix)
  if (!rows) {
    const says = `ambit.migrations is not there, or ${rolePrefix}lookup may not read it. ${MIGRATE}`
    return { faults: [{ code: 'not_migrated', says, mend: null }], newer: false }
  }
  const applied = new Map(rows.map(({ number, checksum }) => [number, checksum]))
  const missing = carried.filter(({ number }) => !applied.has(number)).map(({ name }) => name)
  const edited = carried.filter(({ number, checksum }) => applied.has(number) && applied.get(number) !== checksum).map(({ name }) => name)
  const fault = (says: string): Fault => ({ code: 'not_migrated', says, mend: null })
  return {
    faults: [
      ...(missing.length > 0 ? [fault(`This database lacks ${missing.join(', ')}. ${MIGRATE}`)] : []),
      ...(edited.length > 0 ? [fault(`${edited.join(', ')} ran on this database with another text: it was migrated by another build of Ambit.`)] : []),
    ],
    newer: [...applied.keys()].some((number) => !carried.some((migration) => migration.number === number)),
  }
}

interface Applied {
  readonly number: number
  readonly checksum: string
}

/** Null where it cannot be read, which is a finding, and no end of the proof. */
async function readApplied(database: Database, rolePrefix: string): Promise<readonly Applied[] | null> {
  try {
    const { rows } = await openHandles(database, rolePrefix).lookup((sql) => sql.query<Applied>('select number, checksum from ambit.migrations'))
    return rows
  } catch (error) {
    if (UNREADABLE.includes(sqlStateOf(error) ?? '')) return null
    throw error
  }
}

/** No such table, no right to it, no such schema. */
const UNREADABLE = ['42P01', '42501', '3F000']
