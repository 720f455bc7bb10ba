import { PGlite } from '@electric-sql/pglite'
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { pgDatabase } from '../../src/lib/store/pg-database.ts'
import { pgliteDatabase } from '../../src/lib/store/pglite-database.ts'
import { urlOf } from '../support/templates.ts'
import { databaseContract } from './database.ts'

databaseContract('PGlite', async () => {
  const pglite = await PGlite.create()
  return { database: pgliteDatabase(pglite), end: () => pglite.close() }
})

const server = inject('postgresUrl')

/** An empty database of its own. */
async function createEmpty() {
  const name = `contract_${randomBytes(6).toString('hex')}`
  const admin = connect(server, () => {})
  await admin.transaction('commit', (sql) => sql.script(`create database ${name}`))
  return {
    admin,
    url: urlOf(server, name),
    async drop() {
      await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
      await admin.close()
    },
  }
}

if (server !== '') {
  databaseContract('PostgreSQL', async () => {
    const { url, drop } = await createEmpty()
    const database = connect(url, () => {})
    return { database, end: () => database.close().then(drop) }
  })
  databaseContract('PostgreSQL, through a pool whose clients wait for each answer', async () => {
    const { url, drop } = await createEmpty()
    const pool = new pg.Pool({ connectionString: url }).on('error', () => {})
    const database = pgDatabase(pool, { answerMs: 5_000, own: false, end: () => pool.end() })
    return { database, end: () => database.close().then(drop) }
  })
}

test.skipIf(server === '')('PostgreSQL: a connection that the server ends in mid-transaction fails that transaction only', async () => {
  const { admin, url, drop } = await createEmpty()
  const database = connect(url, () => {})
  try {
    for (let time = 0; time < 3; time += 1) {
      const work = database.transaction('', async (sql) => {
        const { rows } = await sql.query<{ pid: number }>('select pg_backend_pid() as pid')
        await admin.transaction('', (other) => other.query('select pg_terminate_backend($1)', [rows[0]?.pid]))
        return sql.query('select 1')
      })
      await expect(work).rejects.toThrow(/terminat|ECONNRESET|not queryable/i)
    }
    const { rows } = await database.transaction('', (sql) => sql.query<{ one: number }>('select 1 as one'))
    expect(rows).toEqual([{ one: 1 }])
  } finally {
    await database.close()
    await drop()
  }
})
