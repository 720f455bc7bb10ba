import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { inject } from 'vitest'
import type { Database } from '../../../src/lib/store/database.ts'
import { connect } from '../../../src/lib/store/open-postgres.ts'
import { APP, OWNER, urlOf } from '../../support/templates.ts'

/** A host's database with its tables and rows in it, and nothing of Ambit yet. */
export interface HostDatabase {
  /** `DATABASE_URL` is the host's own login, the others are Ambit's. */
  readonly environment: { readonly DATABASE_URL: string; readonly AMBIT_DATABASE_URL: string; readonly AMBIT_DATABASE_OWNER_URL: string }
  readonly superuser: Database
  /** Keeps everybody out of the orders until it is let go: a tool that reads them waits. */
  lockOrders(): Promise<{ letGo(): Promise<void> }>
  /** How many connections these logins hold. */
  connections(): Promise<number>
  drop(): Promise<void>
}

const EXAMPLES = new URL('../../../examples/', import.meta.url)

/** The rows are those of `examples/rows.sql`, with other ids where `named` gives them. */
export async function newHostDatabase(named: Readonly<Record<string, string>> = {}): Promise<HostDatabase> {
  const server = inject('postgresUrl')
  const name = `host_${randomBytes(6).toString('hex')}`
  const admin = connect(server, ignoreDropped)
  await admin.transaction('commit', (sql) => sql.script(`create database ${name} owner ${OWNER.user}`))
  const url = urlOf(server, name, OWNER)
  const [tables, rows] = await Promise.all(['tables.sql', 'rows.sql'].map((file) => readFile(new URL(file, EXAMPLES), 'utf8')))
  const owner = connect(url, ignoreDropped)
  await owner.transaction('', (sql) => sql.script(`${tables} ${renamed(String(rows), named)}`))
  await owner.close()
  const superuser = connect(urlOf(server, name), ignoreDropped)
  return {
    environment: { DATABASE_URL: url, AMBIT_DATABASE_URL: urlOf(server, name, APP), AMBIT_DATABASE_OWNER_URL: url },
    superuser,
    lockOrders: () => lockOrders(superuser),
    connections: () =>
      superuser.transaction('', async (sql) => {
        const { rows: counted } = await sql.query('select count(*) from pg_stat_activity where datname = current_database() and usename <> current_user')
        return Number(counted[0]?.['count'])
      }),
    async drop() {
      await superuser.close()
      await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
      await admin.close()
    },
  }
}

async function lockOrders(database: Database): Promise<{ letGo(): Promise<void> }> {
  const locked = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const held = database.transaction('', async (sql) => {
    await sql.script('lock table orders in access exclusive mode')
    locked.resolve()
    await over.promise
  })
  await Promise.race([locked.promise, held])
  return {
    async letGo() {
      over.resolve()
      await held
    },
  }
}

function renamed(rows: string, named: Readonly<Record<string, string>>): string {
  return Object.entries(named).reduce((text, [from, to]) => text.replaceAll(`'${from}'`, `'${to}'`), rows)
}

/** A forced drop ends idle connections, which is what was asked for. */
function ignoreDropped(): void {}
