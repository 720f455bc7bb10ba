import type { Database } from '../database.ts'
import { openHandles } from '../handles.ts'
import { readMigrations } from '../migrate.ts'
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
  const { rows } = await openHandles(database, rolePrefix).lookup((sql) =>
    sql.query<{ number: number; checksum: string }>('select number, checksum from ambit.migrations'),
  )
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
