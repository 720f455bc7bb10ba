import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { putDocument } from '../../src/lib/store/document-rows.ts'
import { openHandles } from '../../src/lib/store/handles.ts'
import type { ScopedSql } from '../../src/lib/store/handles.ts'
import { openStore } from '../../src/lib/store/store.ts'
import type { Store } from '../../src/lib/store/store.ts'
import { isUnavailable } from '../../src/lib/store/unavailable.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { gate } from '../support/scripted-model.ts'
import { plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

// One connection cannot lose against another: there is nothing of this on PGlite.
describe.each(databaseKinds.filter(({ name }) => name === 'PostgreSQL'))('two transactions at once, on $name', (kind) => {
  let database: TestDatabase
  let world: World
  let store: Store
  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
    store = await openStore(database.source, () => {}) // a dropped database ends its idle connections
    for (const id of ['one', 'two']) {
      await store.scoped(world.rows('acme'), (sql) => putDocument(sql, { projectId: '*', id, title: 'Before', body: 'x', mediaType: 'text/plain' }))
    }
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const title = (sql: ScopedSql, id: string, text: string) => sql.query('update ambit.documents set title = title || $2 where id = $1', [id, text])

  test('that wait for each other: the one that PostgreSQL ends is done again, and both happen once', async () => {
    const attempts: string[] = []
    const ready = { a: gate(), b: gate() }
    const both = (name: 'a' | 'b', [first, second]: readonly [string, string]) =>
      store.scoped(world.rows('acme'), async (sql) => {
        attempts.push(name)
        await title(sql, first, name)
        ready[name].open()
        await Promise.all([ready.a.opened, ready.b.opened])
        await title(sql, second, name)
        return name
      })
    expect(await Promise.all([both('a', ['one', 'two']), both('b', ['two', 'one'])])).toEqual(['a', 'b'])
    expect(attempts).toHaveLength(3)
    const { rows } = await store.scoped(world.rows('acme'), (sql) =>
      sql.query<{ title: string }>("select title from ambit.documents where id in ('one', 'two') order by id"))
    for (const row of rows) expect(row.title).toMatch(/^Before(ab|ba)$/)
  })

  test('read what is committed, whatever the login or the database has for a default', async () => {
    const { rows: named } = await database.superuser.transaction('', (sql) => sql.query<{ name: string }>('select current_database()::text as name'))
    await database.superuser.transaction('', (sql) => sql.script(`alter database ${named[0]?.name} set default_transaction_isolation = 'serializable'`))
    const later = await openStore(database.source, () => {})
    try {
      const { rows } = await later.lookup((sql) => sql.query("select current_setting('transaction_isolation') as isolation"))
      expect(rows).toEqual([{ isolation: 'read committed' }])
    } finally {
      await later.close()
    }
  })

})

describe.each(databaseKinds)('a transaction on $name', (kind) => {
  test('whose statement failed and was passed over in silence is not taken for a committed one', async () => {
    const { handles, drop } = await kind.create()
    onTestFinished(drop)
    const world = await plantWorld(handles)
    const swallowed = handles.scoped(world.rows('acme'), async (sql) => {
      await sql.query("update ambit.documents set title = 'swallowed'")
      await sql.query('select 1 / 0').catch(() => {})
    })
    await expect(swallowed).rejects.toThrow(/nothing was committed|rolled back instead of committed/)
    const { rows } = await handles.scoped(world.rows('acme'), (sql) => sql.query("select 1 from ambit.documents where title = 'swallowed'"))
    expect(rows).toEqual([])
  })
})

describe('work that loses each time', () => {
  test.each(['40P01', '40001'])('(%s) is done twice, and then told to come back', async (code) => {
    const lost = Object.assign(new Error('lost'), { code })
    let attempts = 0
    const database: Database = {
      async transaction() {
        attempts += 1
        throw lost
      },
      close: async () => {},
    }
    const rejected = await openHandles(database).lookup(async () => {}).catch((error: unknown) => error)
    expect(rejected).toBe(lost)
    expect([attempts, isUnavailable(rejected)]).toEqual([2, true])
  })

  test('what failed by itself is not done again', async () => {
    let attempts = 0
    const database: Database = {
      async transaction() {
        attempts += 1
        throw Object.assign(new Error('twice'), { code: '23505' })
      },
      close: async () => {},
    }
    const rejected = await openHandles(database).lookup(async () => {}).catch((error: unknown) => error)
    expect([attempts, isUnavailable(rejected)]).toEqual([1, false])
  })
})
