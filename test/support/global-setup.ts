import type { TestProject } from 'vitest/node'
import { startPgbouncer } from './pgbouncer.ts'
import { startPostgres } from './postgres-server.ts'
import { APP, prepareTemplates } from './templates.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's; empty where there is no PostgreSQL: `test.skipIf(inject('postgresUrl') === '')`. */
    postgresUrl: string
    /** Through what the app's login reaches it: a pooler where `AMBIT_TEST_PGBOUNCER` names one, else the server itself. */
    appUrl: string
    /** The kinds of database that are asked for: both, or the one in `AMBIT_TEST_KINDS`. */
    databaseKinds: string
    /** Path of a tarball: the data directory of a migrated PGlite. */
    pgliteTemplate: string
  }
}

/** One PostgreSQL for the whole run. Tests make databases of their own in it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres()
  const url = server?.url ?? ''
  const program = process.env['AMBIT_TEST_PGBOUNCER']
  const pooler = program && url !== '' ? await startPgbouncer(program, url, APP) : null
  const stop = async () => {
    await pooler?.stop()
    await server?.stop()
  }
  try {
    project.provide('postgresUrl', url)
    project.provide('appUrl', pooler?.url ?? url)
    project.provide('databaseKinds', process.env['AMBIT_TEST_KINDS'] ?? 'PGlite,PostgreSQL')
    project.provide('pgliteTemplate', await prepareTemplates(url))
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
