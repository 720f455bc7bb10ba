import type { Database } from '../database.ts'
import { StartError } from '../start-error.ts'
import type { Fault } from './checks.ts'
import { examineDatabase } from './examine.ts'
import type { Examination } from './examine.ts'
import { tellFaults } from './tell-faults.ts'

/** Refuses a database on which the walls would not hold: rejects with a StartError that tells all that is wrong, and mends it. */
export async function proveDatabase(database: Database, examination: Examination): Promise<void> {
  const { faults, database: name } = await examineDatabase(database, examination)
  if (faults.length > 0) throw refusalOf(name, faults)
}

function refusalOf(name: string, faults: readonly Fault[]): StartError {
  if (faults.every(({ code }) => code === 'not_migrated')) return new StartError('not_migrated', faults.map(({ says }) => says).join('\n'))
  return new StartError('unsafe_database', `Ambit does not start: row-level security would not hold on the database "${name}".\n\n${tellFaults(faults)}`)
}
