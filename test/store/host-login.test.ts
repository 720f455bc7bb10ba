import { drizzle } from 'drizzle-orm/node-postgres'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { apiKeys, createAmbit, createLog } from '../../src/index.ts'
import type { Ambit, ScopedDatabase } from '../../src/index.ts'
import { drizzleDatabase } from '../../src/drizzle.ts'
import { kyselyDatabase } from '../../src/kysely.ts'
import { pgDatabase } from '../../src/pg.ts'
import { databaseKinds } from '../support/databases.ts'
import { useStage } from '../support/stage.ts'
import { OWNER, urlOf } from '../support/templates.ts'

const ways: readonly (readonly [string, (pool: pg.Pool) => ScopedDatabase<never>])[] = [
  ['pg', (pool) => pgDatabase(pool) as never],
  ['Drizzle', (pool) => drizzleDatabase(drizzle(pool)) as never],
  ['Kysely', (pool) => kyselyDatabase(new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }), { pool }) as never],
]

// PostgreSQL only: an embedded database has one login.
describe.each(databaseKinds.filter(({ name }) => name === 'PostgreSQL'))("the login of a host's database, on $name", (kind) => {
  const stage = useStage(kind)
  const opened: { readonly ambit: Ambit; readonly pool: pg.Pool }[] = []
  afterEach(async () => {
    for (const { ambit, pool } of opened.splice(0)) {
      await ambit.close()
      pool.on('error', () => {})
      await pool.end()
    }
  })

  const started = (url: string, open: (pool: pg.Pool) => ScopedDatabase<never>) => {
    const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000 })
    const ambit = createAmbit({ store: stage.database.source, database: open(pool), model: 'offline', authenticate: apiKeys(), log: createLog({ level: 'silent' }) })
    opened.push({ ambit, pool })
    return ambit.start()
  }
  const name = () => new URL(String(stage.database.source)).pathname.slice(1)

  test.each(ways)('that bypasses every policy is refused at the start, through %s', async (_, open) => {
    const refused = started(urlOf(inject('postgresUrl'), name()), open)
    await expect(refused).rejects.toMatchObject({ name: 'StartError', code: 'unsafe_database', message: expect.stringMatching(/^The login "\w+" of `database` is a superuser/) })
  })

  test.each(ways)('that may not take the role is refused at the start, through %s', async (_, open) => {
    const refused = started(urlOf(inject('postgresUrl'), name(), OWNER), open)
    await expect(refused).rejects.toMatchObject({ code: 'unsafe_database', message: expect.stringContaining('may not take the role ambit_scoped') })
  })

  test.each(ways)('that migrate made is taken, through %s', async (_, open) => {
    await expect(started(String(stage.database.source), open)).resolves.toBeUndefined()
  })

  test('that is away is told as that', async () => {
    await expect(started('postgres://nobody@127.0.0.1:1/nothing', (pool) => pgDatabase(pool) as never)).rejects.toMatchObject({ code: 'no_database', cause: { code: 'ECONNREFUSED' } })
  })
})
