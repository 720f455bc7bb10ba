import { PGlite } from '@electric-sql/pglite'
import { sql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzlePglite } from 'drizzle-orm/pglite'
import { Kysely, PGliteDialect, PostgresDialect, CompiledQuery } from 'kysely'
import { readFile } from 'node:fs/promises'
import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { drizzleDatabase } from '../../src/drizzle.ts'
import { kyselyDatabase } from '../../src/kysely.ts'
import { pgliteDatabase } from '../../src/lib/store/pglite-database.ts'
import { pgDatabase } from '../../src/pg.ts'
import { databaseKinds } from '../support/databases.ts'
import { must } from '../support/stage.ts'
import { scopedDatabaseContract } from './scoped-database.ts'

type Row = Record<string, unknown>

/** The app's own pool on a migrated database. */
async function onPostgres() {
  const database = await must(databaseKinds.find(({ name }) => name === 'PostgreSQL')).create()
  const pool = new pg.Pool({ connectionString: String(database.source), max: 4 }).on('error', () => {})
  const { superuser } = database
  const end = async () => {
    await pool.end()
    await database.drop()
  }
  return { pool, superuser, server: superuser, end }
}

async function onPglite() {
  const instance = await PGlite.create({ loadDataDir: new Blob([await readFile(inject('pgliteTemplate'))]) })
  return { instance, superuser: pgliteDatabase(instance), server: null, end: () => instance.close() }
}

if (databaseKinds.some(({ name }) => name === 'PostgreSQL')) {
  scopedDatabaseContract('pg', async () => {
    const { pool, ...under } = await onPostgres()
    return { ...under, database: pgDatabase(pool), rows: async (tx, text) => (await tx.query<Row>(text)).rows }
  })
  scopedDatabaseContract('Drizzle on pg', async () => {
    const { pool, ...under } = await onPostgres()
    return { ...under, database: drizzleDatabase(drizzlePg(pool)), rows: async (tx, text) => (await tx.execute<Row>(sql.raw(text))).rows }
  })
  scopedDatabaseContract('Kysely on pg', async () => {
    const { pool, ...under } = await onPostgres()
    const db = new Kysely<Record<string, Row>>({ dialect: new PostgresDialect({ pool }) })
    return { ...under, database: kyselyDatabase(db, { pool }), rows: async (tx, text) => (await tx.executeQuery<Row>(CompiledQuery.raw(text))).rows }
  })
}

if (databaseKinds.some(({ name }) => name === 'PGlite')) {
  scopedDatabaseContract('Drizzle on PGlite', async () => {
    const { instance, ...under } = await onPglite()
    return { ...under, database: drizzleDatabase(drizzlePglite(instance)), rows: async (tx, text) => (await tx.execute<Row>(sql.raw(text))).rows }
  })
  scopedDatabaseContract('Kysely on PGlite', async () => {
    const { instance, ...under } = await onPglite()
    const db = new Kysely<Record<string, Row>>({ dialect: new PGliteDialect({ pglite: instance }) })
    return { ...under, database: kyselyDatabase(db), rows: async (tx, text) => (await tx.executeQuery<Row>(CompiledQuery.raw(text))).rows }
  })
}

describe.skipIf(databaseKinds.every(({ name }) => name !== 'PostgreSQL'))('a connection that is lent', () => {
  const onPool = async (work: (pool: pg.Pool) => Promise<void>) => {
    const { pool, end } = await onPostgres()
    await work(pool).finally(end)
  }

  test('is not given back by a tool', () =>
    onPool(async (pool) => {
      const released = pgDatabase(pool).transaction(async (client) => client.release())
      await expect(released).rejects.toThrow(/do not release it/)
      expect([pool.totalCount, pool.idleCount]).toEqual([1, 1])
    }))

  test('ends for what Drizzle made of its transaction, too', () =>
    onPool(async (pool) => {
      const late: (() => Promise<unknown>)[] = []
      await drizzleDatabase(drizzlePg(pool)).transaction(async (tx) => {
        const prepared = tx.select({ one: sql`1` }).from(sql`pg_class`).limit(1).prepare('')
        await tx.transaction(async (nested) => {
          late.push(async () => nested.execute(sql`select 1`), async () => prepared.execute())
          for (const way of late) await way()
        })
      })
      for (const way of late) await expect(way()).rejects.toMatchObject({ cause: new Error('This transaction is over. Await every statement before the tool answers.') })
    }))

  test('is one of its own: a pool that Drizzle takes for a client is refused', () =>
    onPool(async (pool) => {
      const unlike = { connect: () => pool.connect(), query: (text: string) => pool.query(text), on: () => {}, totalCount: 0 } as unknown as pg.Pool
      await expect(drizzleDatabase(drizzlePg(unlike)).transaction(async () => 'done')).rejects.toThrow(/no connection of its own/)
    }))
})

describe('drizzleDatabase() refuses', () => {
  test('a single client, on which two organisations would share a transaction', () => {
    expect(() => drizzleDatabase(drizzlePg(new pg.Client()))).toThrow(/needs a pool/)
  })

  test('a cache, which knows no organisations', () => {
    const cache = { strategy: () => 'explicit', get: async () => undefined, put: async () => {}, onMutate: async () => {} }
    expect(() => drizzleDatabase(drizzlePg(new pg.Pool(), { cache: cache as never }))).toThrow(/cache/)
  })
})
