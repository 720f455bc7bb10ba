import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { inject } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { openHandles } from '../../src/lib/store/handles.ts'
import type { Handles } from '../../src/lib/store/handles.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { pgliteDatabase } from '../../src/lib/store/pglite-database.ts'
import type { StoreSource } from '../../src/lib/store/store.ts'
import { APP, TEMPLATE_DATABASE, urlOf } from './templates.ts'

/** A migrated, empty database of a test file's own. */
export interface TestDatabase {
  /** For `createAmbit`: may be opened and closed many times. */
  readonly source: StoreSource
  /** The four handles, operator included, beside any Ambit that runs on it. */
  readonly handles: Handles
  /** A superuser who sees past every wall: to break things, and to look behind. */
  readonly superuser: Database
  drop(): Promise<void>
}

export interface DatabaseKind {
  readonly name: 'PGlite' | 'PostgreSQL'
  create(): Promise<TestDatabase>
}

const pglite: DatabaseKind = {
  name: 'PGlite',
  async create() {
    const template = new Blob([await readFile(inject('pgliteTemplate'))])
    const instance = await PGlite.create({ loadDataDir: template })
    const database = pgliteDatabase(instance)
    const source = { open: async () => ({ ...database, close: async () => {} }) }
    return { source, handles: openHandles(database), superuser: database, drop: () => instance.close() }
  },
}

const postgres: DatabaseKind = {
  name: 'PostgreSQL',
  async create() {
    const server = inject('postgresUrl')
    const name = `test_${randomBytes(6).toString('hex')}`
    const admin = connect(server, ignoreDropped)
    await admin.transaction('commit', (sql) => sql.script(`create database ${name} template ${TEMPLATE_DATABASE}`))
    const superuser = connect(urlOf(server, name), ignoreDropped)
    return {
      source: urlOf(inject('appUrl'), name, APP),
      handles: openHandles(superuser),
      superuser,
      async drop() {
        await superuser.close()
        await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
        await admin.close()
      },
    }
  },
}

const asked = inject('databaseKinds').split(',')

/** Both; PostgreSQL only where there is one (its absence was said loudly, and fails in CI). */
export const databaseKinds: readonly DatabaseKind[] = (inject('postgresUrl') === '' ? [pglite] : [pglite, postgres]).filter(({ name }) => asked.includes(name))

/**
 * For wide searches, and for what no database can tell apart: PostgreSQL, which is several times as quick, or PGlite where there is no other. The
 * policies and the statements are the same on both, which narrower tests show.
 */
export const searchedKinds: readonly DatabaseKind[] = databaseKinds.slice(-1)

/** A forced drop ends idle connections, which is what was asked for. */
function ignoreDropped(): void {}
