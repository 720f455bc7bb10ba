import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../src/lib/store/database.ts'
import type { Handles } from '../../src/lib/store/handles.ts'
import { openStore } from '../../src/lib/store/store.ts'
import type { Store } from '../../src/lib/store/store.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { sqlStateOf } from '../support/under.ts'
import { plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

const TRANSACTIONS = 300

describe.each(databaseKinds)('the handles on $name', (kind) => {
  let database: TestDatabase
  let world: World
  /** As the app opens it: under the app's login. */
  let store: Store
  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
    store = await openStore(database.source, () => {}) // a dropped database ends its idle connections
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const orgsSeen = async (sql: Sql): Promise<readonly string[]> => {
    const { rows } = await sql.query<{ org_id: string }>('select distinct org_id from ambit.documents')
    return rows.map((row) => row.org_id)
  }

  test(`keep ${TRANSACTIONS} transactions of two tenants apart, also where some fail`, async () => {
    const outcomes = await Promise.allSettled(
      Array.from({ length: TRANSACTIONS }, (_, index) => {
        const org = index % 2 === 0 ? 'acme' : 'globex'
        return store.scoped(world.rows(org), async (sql) => {
          const first = await orgsSeen(sql)
          if (index % 7 === 3) throw new Error(`${index} gives up`)
          if (index % 11 === 5) await sql.query('select 1 / 0')
          return { index, seen: [first, await orgsSeen(sql)] }
        })
      }),
    )
    const done = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
    for (const { index, seen } of done) {
      const own = [world.ids[index % 2 === 0 ? 'acme' : 'globex']]
      expect([index, seen]).toEqual([index, [own, own]])
    }
    const failing = Array.from({ length: TRANSACTIONS }, (_, index) => index).filter((index) => index % 7 === 3 || index % 11 === 5)
    expect(done).toHaveLength(TRANSACTIONS - failing.length)
    expect(outcomes.filter((outcome) => outcome.status === 'rejected')).toHaveLength(failing.length)
  })

  const openers: Readonly<Record<keyof Handles, (work: (sql: Sql) => Promise<unknown>) => Promise<unknown>>> = {
    lookup: (work) => database.handles.lookup(work),
    scoped: (work) => database.handles.scoped(world.rows('acme'), work),
    sweeper: (work) => database.handles.sweeper(work),
    operator: (work) => database.handles.operator(work),
  }
  const names = Object.keys(openers) as (keyof Handles)[]
  const pairs = names.flatMap((outer) => names.map((inner) => [outer, inner] as const))

  test.each(pairs)('%s: a nested %s rejects at once, and later ones work', async (outer, inner) => {
    const ran: string[] = []
    const nested = openers[outer](() => openers[inner](async () => ran.push(inner)))
    await expect(nested).rejects.toThrow(`(${inner}) was opened inside another one`)
    expect(ran).toEqual([])
    await openers[outer](async () => ran.push(outer))
    await openers[inner](async () => ran.push(inner))
    expect(ran).toEqual([outer, inner])
  })

  test('that were opened one after the other are not nested', async () => {
    const seen = [await store.scoped(world.rows('acme'), orgsSeen), await store.scoped(world.rows('globex'), orgsSeen)]
    expect(seen).toEqual([[world.ids['acme']], [world.ids['globex']]])
  })

  interface State {
    readonly backend: number
    readonly user: string
    readonly settings: string
    readonly timeout: string
  }
  const STATE = `select pg_backend_pid() as backend, current_user::text as user, current_setting('statement_timeout') as timeout,
    concat_ws(',', nullif(current_setting('ambit.org_id', true), ''), nullif(current_setting('ambit.project_ids', true), ''),
      nullif(current_setting('ambit.user_id', true), '')) as settings`
  const stateIn = async (sql: Sql): Promise<State | undefined> => (await sql.query<State>(STATE)).rows[0]
  const stateOutside = () => database.superuser.transaction('', stateIn)

  test('leave no role and no setting behind on their connection', async () => {
    const before = await stateOutside()
    const inside = await database.handles.scoped(world.rows('acme'), stateIn)
    expect(inside).toMatchObject({ user: 'ambit_scoped', timeout: '5s', backend: before?.backend })
    expect(inside?.settings).toContain(world.ids['acme'])
    expect(await stateOutside()).toEqual(before)
    expect(before?.settings).toBe('')
    expect(before?.user).not.toMatch(/^ambit_/)
    // Nor is there anything left for a handle that sets none.
    expect(await database.handles.sweeper(stateIn)).toMatchObject({ user: 'ambit_sweeper', settings: '', backend: before?.backend })
  })

  test('leave the connection as it was after a statement failed, and after the work gave up', async () => {
    const before = await stateOutside()
    const failed = await database.handles.scoped(world.rows('acme'), (sql) => sql.query('select 1 / 0')).catch(sqlStateOf)
    expect(failed).toBe('22012')
    expect(await stateOutside()).toEqual(before)
    const gaveUp = database.handles.scoped(world.rows('acme'), async (sql) => {
      await sql.query("delete from ambit.documents where project_id = '*'")
      throw new Error('changed its mind')
    })
    await expect(gaveUp).rejects.toThrow('changed its mind')
    expect(await stateOutside()).toEqual(before)
    const kept = await database.handles.scoped(world.rows('acme'), (sql) => sql.query("select 1 from ambit.documents where project_id = '*'"))
    expect(kept.rows).toHaveLength(1)
  })

  // Somebody forgets an await, or loses a race against a time-out: the connection is another tenant's by then.
  test('are dead after their end: a late statement rejects and reaches nobody', async () => {
    const late = await store.scoped(world.rows('acme'), async (sql) => sql)
    await expect(late.query('select 1')).rejects.toThrow(/transaction is (over|closed)/i)
    await expect(late.script('select 1')).rejects.toThrow(/transaction is (over|closed)/i)
    const failed: Sql[] = []
    const failing = store.scoped(world.rows('acme'), async (sql) => {
      failed.push(sql)
      throw new Error('no more')
    })
    await expect(failing).rejects.toThrow('no more')
    await expect(failed[0]?.query('select 1')).rejects.toThrow(/transaction is (over|closed)/i)
    const seen = await store.scoped(world.rows('globex'), async (sql) => {
      await expect(late.query("select set_config('ambit.org_id', $1, true)", [world.ids['acme']])).rejects.toThrow(/transaction is (over|closed)/i)
      return orgsSeen(sql)
    })
    expect(seen).toEqual([world.ids['globex']])
  })

  test('tell a scope its own ids, whatever is in them', async () => {
    const strange = { orgId: "a'b\"c\\d", projectIds: ['"]', "'; reset role; --", '*'], userId: '%' }
    const told = await store.scoped(strange, (sql) =>
      sql.query<{ org: string; projects: readonly string[]; person: string }>(
        `select current_setting('ambit.org_id') as org, current_setting('ambit.project_ids')::jsonb as projects, current_setting('ambit.user_id') as person`,
      ),
    )
    expect(told.rows).toEqual([{ org: strange.orgId, projects: strange.projectIds, person: strange.userId }])
  })
})
