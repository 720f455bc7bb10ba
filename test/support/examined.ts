import { inject } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { examineDatabase } from '../../src/lib/store/doctor/examine.ts'
import type { Report } from '../../src/lib/store/doctor/examine.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import type { TestDatabase } from './databases.ts'
import { OWNER, urlOf } from './templates.ts'

/** What the doctor finds as the app's login, on a connection of its own: some settings are taken only by a new one. */
export async function examine({ source }: Pick<TestDatabase, 'source'>, rolePrefix = 'ambit_'): Promise<Report> {
  if (typeof source === 'object' && 'open' in source) return examineDatabase(await source.open(), { rolePrefix, login: false })
  const app = connect(String(source), ignoreDropped, { connections: 1 })
  try {
    return await examineDatabase(app, { rolePrefix, login: true })
  } finally {
    await app.close()
  }
}

export function codesOf({ faults }: Report): readonly string[] {
  return [...new Set(faults.map(({ code }) => code))]
}

/** Runs what the doctor printed, as it stands there. */
export async function mend(database: Database, { faults }: Report): Promise<void> {
  for (const statement of new Set(faults.map((fault) => fault.mend))) {
    if (statement !== null) await run(database, statement)
  }
}

export async function run(database: Database, text: string): Promise<void> {
  await database.transaction('', (sql) => sql.script(text))
}

/** The owner of the schema, who is no superuser; in PGlite there is nobody but the superuser. */
export async function openOwner({ superuser }: Pick<TestDatabase, 'superuser'>, isPostgres: boolean): Promise<Database> {
  if (!isPostgres) return { ...superuser, close: async () => {} }
  const { rows } = await superuser.transaction('', (sql) => sql.query<{ name: string }>('select current_database()::text as name'))
  return connect(urlOf(inject('postgresUrl'), rows[0]?.name ?? '', OWNER), ignoreDropped)
}

/** A forced drop ends connections that are about to close by themselves. */
function ignoreDropped(): void {}
