import { sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/node-postgres'
import { integer, pgSchema, text } from 'drizzle-orm/pg-core'
import { Kysely, PostgresDialect, sql as kyselySql } from 'kysely'
import type { Generated } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { z } from 'zod'
import { forDatabase } from '../../src/index.ts'
import type { Limits, ScopedDatabase, Tool } from '../../src/index.ts'
import { drizzleDatabase } from '../../src/drizzle.ts'
import { kyselyDatabase } from '../../src/kysely.ts'
import { pgDatabase } from '../../src/pg.ts'
import { databaseKinds } from '../support/databases.ts'
import { openOwner, run } from '../support/examined.ts'
import { MAY_CREATE, exposed, firsts } from '../support/exposing.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, useStage, userTexts } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

// What a host writes: its schema, and tools that forget every where. The scope decides what they see.

const shop = pgSchema('ambit_host')
const orders = shop.table('orders', { org: text(), project: text(), id: text().primaryKey(), customer: text().notNull().default('walk-in'), total: integer().notNull().default(0) })
const customers = shop.table('customers', { org: text(), name: text().notNull() })

interface Tables {
  'ambit_host.orders': { org: Generated<string>; project: Generated<string | null>; id: string; customer: Generated<string>; total: Generated<number> }
  'ambit_host.customers': { org: string; name: string }
}

type AnyTool = Tool<never>
type Made = { readonly database: ScopedDatabase<never>; readonly tools: readonly AnyTool[] }

const none = z.object({})
const named = z.object({ id: z.string() })
const about = { description: 'Works on orders.', effect: 'read' } as const
const never = new Promise<string>(() => {})

function withPg(pool: pg.Pool): Made {
  const database = pgDatabase(pool)
  const { defineTool } = forDatabase(database)
  const tools = [
    defineTool({ ...about, name: 'list', input: none, run: async (_, { db }) => (await db.query('select id from ambit_host.orders order by id')).rows.map(({ id }) => id as string) }),
    defineTool({ ...about, name: 'join', input: none, run: async (_, { db }) => (await db.query('select o.id from ambit_host.orders o join ambit_host.customers c on c.name = o.customer order by 1')).rows.map(({ id }) => id as string) }),
    defineTool({ ...about, name: 'make', input: named, run: async ({ id }, { db }) => (await db.query('insert into ambit_host.orders (id) values ($1) returning org, project', [id])).rows }),
    defineTool({ ...about, name: 'raise', input: none, run: async (_, { db }) => (await db.query('update ambit_host.orders set total = total + 1')).rowCount }),
    defineTool({ ...about, name: 'remove', input: named, run: async ({ id }, { db }) => (await db.query('delete from ambit_host.orders where id = $1', [id])).rowCount }),
    defineTool({ ...about, name: 'hide', input: named, run: async ({ id }, { db }) => {
      await db.query('insert into ambit_host.orders (id) values ($1)', [id])
      await db.query('select nonsense').catch(() => {})
      return 'done'
    } }),
    defineTool({ ...about, name: 'stall', input: named, run: async ({ id }, { db }) => {
      await db.query('insert into ambit_host.orders (id) values ($1)', [id])
      return never
    } }),
  ]
  return { database: database as never, tools: tools as never }
}

function withDrizzle(pool: pg.Pool): Made {
  const database = drizzleDatabase(drizzle(pool, { schema: { orders, customers } }))
  const { defineTool } = forDatabase(database)
  const tools = [
    defineTool({ ...about, name: 'list', input: none, run: async (_, { db }) => (await db.query.orders.findMany({ orderBy: (row, { asc }) => asc(row.id) })).map(({ id }) => id) }),
    defineTool({ ...about, name: 'join', input: none, run: async (_, { db }) => (await db.select({ id: orders.id }).from(orders).innerJoin(customers, sql`${customers.name} = ${orders.customer}`).orderBy(orders.id)).map(({ id }) => id) }),
    defineTool({ ...about, name: 'make', input: named, run: ({ id }, { db }) => db.insert(orders).values({ id }).returning({ org: orders.org, project: orders.project }) }),
    defineTool({ ...about, name: 'raise', input: none, run: async (_, { db }) => (await db.update(orders).set({ total: sql`${orders.total} + 1` })).rowCount }),
    defineTool({ ...about, name: 'remove', input: named, run: async ({ id }, { db }) => (await db.delete(orders).where(sql`${orders.id} = ${id}`)).rowCount }),
    defineTool({ ...about, name: 'hide', input: named, run: async ({ id }, { db }) => {
      await db.insert(orders).values({ id })
      await db.execute(sql`select nonsense`).catch(() => {})
      return 'done'
    } }),
    defineTool({ ...about, name: 'stall', input: named, run: async ({ id }, { db }) => {
      await db.insert(orders).values({ id })
      return never
    } }),
  ]
  return { database: database as never, tools: tools as never }
}

function withKysely(pool: pg.Pool): Made {
  const database = kyselyDatabase(new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) }), { pool })
  const { defineTool } = forDatabase(database)
  const tools = [
    defineTool({ ...about, name: 'list', input: none, run: async (_, { db }) => (await db.selectFrom('ambit_host.orders').select('id').orderBy('id').execute()).map(({ id }) => id) }),
    defineTool({ ...about, name: 'join', input: none, run: async (_, { db }) =>
      (await db.selectFrom('ambit_host.orders as o').innerJoin('ambit_host.customers as c', 'c.name', 'o.customer').select('o.id').orderBy('o.id').execute()).map(({ id }) => id) }),
    defineTool({ ...about, name: 'make', input: named, run: ({ id }, { db }) => db.insertInto('ambit_host.orders').values({ id }).returning(['org', 'project']).execute() }),
    defineTool({ ...about, name: 'raise', input: none, run: async (_, { db }) => Number((await db.updateTable('ambit_host.orders').set((row) => ({ total: row('total', '+', 1) })).executeTakeFirst()).numUpdatedRows) }),
    defineTool({ ...about, name: 'remove', input: named, run: async ({ id }, { db }) => Number((await db.deleteFrom('ambit_host.orders').where('id', '=', id).executeTakeFirst()).numDeletedRows) }),
    defineTool({ ...about, name: 'hide', input: named, run: async ({ id }, { db }) => {
      await db.insertInto('ambit_host.orders').values({ id }).execute()
      await kyselySql`select nonsense`.execute(db).catch(() => {})
      return 'done'
    } }),
    defineTool({ ...about, name: 'stall', input: named, run: async ({ id }, { db }) => {
      await db.insertInto('ambit_host.orders').values({ id }).execute()
      return never
    } }),
  ]
  return { database: database as never, tools: tools as never }
}

const ACME = '/v1/orgs/acme'
const GLOBEX = '/v1/orgs/globex'

describe.skipIf(inject('postgresUrl') === '')('tools over tables that were opened', () => {
  const stage = useStage(must(databaseKinds.find(({ name }) => name === 'PostgreSQL') ?? databaseKinds[0]))
  let pool: pg.Pool
  beforeAll(async () => {
    await run(stage.database.superuser, MAY_CREATE)
    const owner = await openOwner(stage.database, true)
    try {
      const { ids } = stage.world
      const row = (org: string, project: string | null, id: string) => `('${ids[org]}', ${project === null ? 'null' : `'${ids[project]}'`}, '${id}', 'Marlow')`
      await run(owner, `create schema shop;
        create table shop.orders (org text not null, project text, id text primary key, customer text not null default 'walk-in', total integer not null default 0);
        create table shop.customers (org text not null, name text not null, primary key (org, name));
        insert into shop.orders (org, project, id, customer) values ${row('acme', 'acme/apollo', 'aa')}, ${row('acme', 'acme/zephyr', 'az')}, ${row('acme', null, 'a')}, ${row('globex', 'globex/apollo', 'ga')}, ${row('globex', null, 'g')};
        insert into shop.customers values ('${ids['acme']}', 'Marlow'), ('${ids['globex']}', 'Marlow')`)
      await exposed(owner, 'shop.orders', { orgColumn: 'org', projectColumn: 'project', allow: ['select', 'insert', 'update', 'delete'] })
      await exposed(owner, 'shop.customers', { orgColumn: 'org', everyProject: true })
    } finally {
      await owner.close()
    }
    pool = new pg.Pool({ connectionString: String(stage.database.source), max: 4 }).on('error', () => {})
  })
  afterAll(() => pool?.end())

  test('a source that is left gives its connection back', async () => {
    const database = pgDatabase(pool)
    const stalls = forDatabase(database).defineSource({ name: 'stalls', load: async (_, { db }) => (await db.query('select 1'), never) })
    const { ambit } = stage.start({ model: scriptedModel(says('Done.')), database: database as never, sources: [stalls as never], limits: { toolMs: 200 } })
    await answerTo(stage, ambit, { who: 'bob', path: ACME, thread: freshThread() })
    expect(pool.totalCount).toBeGreaterThan(0)
    await vi.waitFor(() => expect(pool.idleCount).toBe(pool.totalCount))
  })

  describe.each([['pg', withPg], ['Drizzle', withDrizzle], ['Kysely', withKysely]] as const)('through %s', (orm, make) => {
    /** One Ambit for all calls of a test: its model calls what it is asked to. */
    function start(limits: Partial<Limits> = {}) {
      const { database, tools } = make(pool)
      const model = scriptedModel(({ prompt }) => (prompt.at(-1)?.role === 'tool' ? says('Done.') : callsTools(JSON.parse(must(userTexts({ prompt }).at(-1))) as [string, unknown])))
      const { ambit } = stage.start({ model, database, tools, limits })
      return async (who: PersonName, path: string, tool: string, args: unknown = {}): Promise<unknown> => {
        const { chunks } = await answerTo(stage, ambit, { who, path, thread: freshThread(), text: JSON.stringify([tool, args]) })
        const out = must(chunks.find(({ type }) => type === 'tool-output-available' || type === 'tool-output-error'))
        return out.type === 'tool-output-available' ? out.output : 'failed'
      }
    }

    test('a tool that forgets every where sees one tenant', async () => {
      const call = start()
      expect(await call('bob', `${ACME}/projects/apollo`, 'list')).toEqual(['aa'])
      expect(await call('bob', ACME, 'list')).toEqual(['a', 'aa'])
      expect(await call('ada', ACME, 'list')).toEqual(['a', 'aa', 'az'])
      expect(await call('gus', GLOBEX, 'list')).toEqual(['g', 'ga'])
      expect(await call('gus', GLOBEX, 'join')).toEqual(['g', 'ga'])
      expect(await call('bob', `${ACME}/projects/apollo`, 'join')).toEqual(['aa'])
    })

    test('many of two organisations at once see each their own', async () => {
      const { database, tools } = make(pool)
      const { ambit } = stage.start({ model: scriptedModel((options) => (options.prompt.some(({ role }) => role === 'tool') ? says('Done.') : callsTools(['list', {}], ['join', {}], ['raise', {}]))), database, tools })
      const asked = await Promise.all(
        Array.from({ length: 6 }, async (_, n) => {
          const [who, path] = n % 2 === 0 ? (['bob', `${ACME}/projects/apollo`] as const) : (['hana', GLOBEX] as const)
          const { chunks } = await answerTo(stage, ambit, { who, path, thread: freshThread() })
          return chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? [chunk.output] : [])).toSorted()
        }),
      )
      const sorted = (...outputs: unknown[]) => outputs.toSorted()
      expect(asked).toEqual(asked.map((_, n) => (n % 2 === 0 ? sorted(['aa'], ['aa'], 1) : sorted(['g', 'ga'], ['g', 'ga'], 2))))
    })

    test('a tool that acts makes, changes and deletes rows of one tenant, and names none', async () => {
      const call = start()
      const { ids } = stage.world
      expect(await call('bob', `${ACME}/projects/apollo`, 'make', { id: `${orm}-new` })).toEqual([{ org: ids['acme'], project: ids['acme/apollo'] }])
      expect(await call('gus', GLOBEX, 'make', { id: `${orm}-own` })).toEqual([{ org: ids['globex'], project: null }])
      expect(await call('bob', `${ACME}/projects/apollo`, 'make', { id: 'ga' })).toBe('failed')
      expect(await call('bob', `${ACME}/projects/apollo`, 'remove', { id: `${orm}-own` })).toBe(0)
      expect(await call('bob', `${ACME}/projects/apollo`, 'raise')).toBe(2)
      expect(await call('bob', `${ACME}/projects/apollo`, 'remove', { id: `${orm}-new` })).toBe(1)
      expect(await call('gus', GLOBEX, 'remove', { id: `${orm}-own` })).toBe(1)
    })

    test('a tool that hides the failure of a statement is not told to have done anything', async () => {
      const call = start()
      expect(await call('bob', `${ACME}/projects/apollo`, 'hide', { id: `${orm}-hidden` })).toBe('failed')
      expect(await stage.database.superuser.transaction('', (db) => firsts(db, `select id from shop.orders where id like '%hidden'`))).toEqual([])
    })

    test('a tool that is left is rolled back, and gives its connection back', async () => {
      const call = start({ toolMs: 200 })
      expect(await call('bob', `${ACME}/projects/apollo`, 'stall', { id: `${orm}-left` })).toBe('failed')
      await vi.waitFor(() => expect(pool.idleCount).toBe(pool.totalCount))
      expect(await stage.database.superuser.transaction('', (db) => firsts(db, `select id from shop.orders where id like '%left'`))).toEqual([])
    })
  })
})
