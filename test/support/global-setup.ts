import type { TestProject } from 'vitest/node'
import { startPostgres } from './postgres-server.ts'
import { prepareTemplates } from './templates.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A superuser's; empty where there is no PostgreSQL: `test.skipIf(inject('postgresUrl') === '')`. */
    postgresUrl: string
    /** Path of a tarball: the data directory of a migrated PGlite. */
    pgliteTemplate: string
  }
}

/** One PostgreSQL for the whole run. Tests make databases of their own in it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startPostgres()
  const stop = async () => server?.stop()
  try {
    const url = server?.url ?? ''
    project.provide('postgresUrl', url)
    project.provide('pgliteTemplate', await prepareTemplates(url))
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
