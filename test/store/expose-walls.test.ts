import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { codesOf, examine, mend, openOwner, run } from '../support/examined.ts'
import { MAY_CREATE, NORTH, NORTH_WEB, OWN_POLICIES, SHOP, exposed, firsts, refusal, seenBy, touchedBy } from '../support/exposing.ts'
import { gate } from '../support/scripted-model.ts'
import { must } from '../support/stage.ts'
import { OWNER, urlOf } from '../support/templates.ts'

describe.each(databaseKinds)('the walls around a table that was opened, on $name', (kind) => {
  let database: TestDatabase
  let owner: Database
  beforeAll(async () => {
    database = await kind.create()
    owner = await openOwner(database, kind.name === 'PostgreSQL')
    if (kind.name === 'PostgreSQL') await run(database.superuser, MAY_CREATE)
  })
  beforeEach(() => run(owner, SHOP + OWN_POLICIES))
  afterEach(() => run(owner, 'drop schema shop cascade; drop schema if exists ambit_host cascade'))
  afterAll(async () => {
    await owner.close()
    await database.drop()
  })

  const all = { allow: ['select', 'insert', 'update', 'delete'] } as const

  test.each([
    ['view', { projectColumn: 'shop' }],
    ['view', { everyProject: true }],
    ['view', {}],
    ['policy', { projectColumn: 'shop' }],
    ['policy', { everyProject: true, columns: ['account', 'id', 'total'] }],
  ] as const)('the doctor finds nothing after a %s with %o', async (as, more) => {
    await exposed(owner, 'shop.orders', { as, ...more, ...all })
    expect((await examine(database)).faults).toEqual([])
    await exposed(owner, 'shop.orders', { as, ...more })
    expect((await examine(database)).faults).toEqual([])
  })

  test.each([
    ['view', 'alter view ambit_host.orders set (security_barrier = false)', ['host_view_open']],
    ['view', 'alter view ambit_host.orders reset (check_option)', ['host_view_unchecked']],
    ['view', 'grant update on ambit_host.orders to ambit_scoped', ['host_view_takes']],
    ['view', 'grant update (shop) on ambit_host.orders to ambit_scoped', ['host_view_takes']],
    ['view', 'grant truncate on ambit_host.orders to ambit_scoped', ['grant_around']],
    ['view', 'grant select on shop.plain to ambit_scoped', ['host_table_open']],
    ['view', 'create or replace view ambit_host.orders with (security_barrier, check_option = cascaded) as select * from shop.orders', ['host_view_rows']],
    ['policy', 'alter table shop.orders disable row level security', ['host_table_open', 'host_view_rows']],
    ['policy', 'drop policy ambit_walls on shop.orders', ['host_policy_open', 'host_view_rows']],
    ['policy', 'drop policy ambit_walls on shop.orders; create policy ambit_walls on shop.orders to ambit_scoped using (true)', ['host_policy_open', 'host_view_rows']],
    ['policy', 'grant truncate on shop.orders to ambit_scoped', ['host_grant_around']],
  ] as const)('the doctor finds a hole that is made by hand: %s, %s', async (as, hole, codes) => {
    await run(owner, 'create table shop.plain (account text)')
    await exposed(owner, 'shop.orders', { as, projectColumn: 'shop', ...all })
    await run(owner, hole)
    const found = await examine(database)
    expect(codesOf(found)).toEqual(codes)
    await mend(owner, found)
    expect((await examine(database)).faults).toEqual([])
  })

  test.each(['uuid', 'bigint', 'varchar(9)'])('which column is the organisation is seen by the doctor also where it is %s', async (type) => {
    await run(owner, `create table shop.things (id text primary key, "ours is" ${type}, project ${type}); alter table shop.things enable row level security`)
    const columns = { orgColumn: 'ours is', projectColumn: 'project' }
    await exposed(owner, 'shop.things', { ...columns, ...all })
    for (const column of ['"ours is"', 'project']) {
      await run(owner, `grant update (${column}) on ambit_host.things to ambit_scoped`)
      const found = await examine(database)
      expect(codesOf(found)).toEqual(['host_view_takes'])
      await mend(owner, found)
    }
    expect(codesOf(await examine(database))).toEqual([])
    await exposed(owner, 'shop.things', { as: 'policy', ...columns, ...all })
    expect(codesOf(await examine(database))).toEqual([])
    await run(owner, 'drop policy ambit_walls on shop.things; create policy everybody on shop.things using (true)')
    expect(codesOf(await examine(database))).toEqual(['host_policy_open'])
  })

  test.each([
    ['without a select of its own', 'account', "account = current_setting('ambit.org_id', true)"],
    ['on the other side', 'account', "total = 1 and (select nullif(current_setting('ambit.org_id', true), '')) = o.account"],
    ['under another name', 'account as "my org"', "total = total and account = (select nullif(current_setting('ambit.org_id', true), '')) and total = total"],
  ])('a view written by hand that compares the organisation %s is seen, too', async (_, org, where) => {
    await run(owner, `create schema if not exists ambit_host; grant usage on schema ambit_host to ambit_scoped;
      create view ambit_host.own with (security_barrier = true) as select id, total, ${org} from shop.orders o where ${where} with check option;
      grant select, insert, update on ambit_host.own to ambit_scoped`)
    const found = await examine(database)
    expect(codesOf(found)).toEqual(['host_view_takes'])
    await mend(owner, found)
    expect((await examine(database)).faults).toEqual([])
    expect(await touchedBy(database.handles, NORTH, "update ambit_host.own set total = total where id = 'nw'")).toBeTypeOf('number')
  })

  test("an equality that somebody planted in the owner's search path is not asked", async () => {
    await run(database.superuser, `create function public.always(varchar, text) returns boolean language sql immutable as 'select true';
      create operator public.= (leftarg = varchar, rightarg = text, function = public.always)`)
    await run(owner, "create table shop.things (id text, account varchar(9), project varchar); insert into shop.things values ('n', 'north', 'web'), ('s', 'south', 'web'), ('x', 'north', 'other')")
    try {
      await exposed(owner, 'shop.things', { projectColumn: 'project' })
      expect(await seenBy(database.handles, NORTH, 'select id from ambit_host.things')).toEqual(['n'])
    } finally {
      await run(database.superuser, 'drop function public.always(varchar, text) cascade')
    }
  })

  test('a restrictive policy of the host is told, because it holds for tools, too', async () => {
    await run(owner, "create policy opening_hours on shop.orders as restrictive using (total > 6)")
    const { says } = await exposed(owner, 'shop.orders', { as: 'policy', projectColumn: 'shop' })
    expect(says).toContain('Holds for tools, too, and may hide rows from them: the restrictive policy opening_hours.')
    expect(await seenBy(database.handles, NORTH, 'select id from shop.orders order by id')).toEqual(['nk', 'nw'])
  })
})

describe.skipIf(inject('postgresUrl') === '')('who may open a table, on PostgreSQL', () => {
  let database: TestDatabase
  let owner: Database
  let other: Database
  let app: Database
  let mark: string
  beforeAll(async () => {
    database = await must(databaseKinds.find(({ name }) => name === 'PostgreSQL')).create()
    owner = await openOwner(database, true)
    await run(database.superuser, MAY_CREATE)
    const [name = ''] = await firstsOf('select current_database()::text')
    mark = name.slice(-8)
    await run(database.superuser, `create role other_${mark} login password 'secret'; create role app_${mark} login password 'secret'; grant create on database ${name} to other_${mark}`)
    const as = (user: string) => connect(urlOf(inject('postgresUrl'), name, { user, password: 'secret' }), () => {}, { connections: 1 })
    other = as(`other_${mark}`)
    app = as(`app_${mark}`)
  })
  beforeEach(() => run(owner, `${SHOP} grant usage on schema shop to other_${mark}, app_${mark}`))
  afterEach(() => run(database.superuser, 'drop schema shop cascade; drop schema if exists ambit_host cascade'))
  afterAll(async () => {
    for (const one of [owner, other, app]) await one.close()
    await run(database.superuser, `drop owned by other_${mark}, app_${mark}; drop role other_${mark}, app_${mark}`)
    await database.drop()
  })
  const firstsOf = async (text: string) => (await database.superuser.transaction('', (sql) => firsts(sql, text))) as string[]

  test('a login that may not read the table makes no view that would fail', async () => {
    const said = await refusal(other, 'shop.orders')
    expect(said).toBe(`The login "other_${mark}" may not select from shop.orders, and a view reads with the rights of its owner: connect as test_owner, or grant it.`)
    await run(owner, `grant select on shop.orders to other_${mark}; revoke usage on schema shop from other_${mark}`)
    expect(await refusal(other, 'shop.orders')).toBe(said)
    await run(owner, `grant usage on schema shop to other_${mark}`)
    expect(await refusal(other, 'shop.orders', { allow: ['select', 'delete'] })).toMatch(/may not delete from shop\.orders/)
    await exposed(other, 'shop.orders', { projectColumn: 'shop' })
    expect(await seenBy(database.handles, NORTH_WEB, 'select id from ambit_host.orders')).toEqual(['nw'])
  })

  test('a view whose owner the policies hold for is refused, because it would show what they show to that owner', async () => {
    await run(owner, `${OWN_POLICIES} grant select on shop.orders to other_${mark}`)
    expect(await refusal(other, 'shop.orders')).toBe(`Row-level security of shop.orders holds for the login "other_${mark}", and so for a view of it: connect as test_owner, or open it with --as policy.`)
    expect(await refusal(other, 'shop.orders', { as: 'policy' })).toBe(`The login "other_${mark}" does not own shop.orders, so it cannot make policies for it: connect as test_owner.`)
    await run(owner, 'alter table shop.orders force row level security')
    expect(await refusal(owner, 'shop.orders')).toMatch(/^Row-level security is forced on shop\.orders, so it holds for the owner of a view, too/)
    await exposed(owner, 'shop.orders', { as: 'policy', projectColumn: 'shop' })
    expect(await seenBy(database.handles, NORTH_WEB, 'select id from shop.orders')).toEqual(['nw'])
  })

  test('an owner of the table who cannot let tools into its schema is told so', async () => {
    await run(owner, OWN_POLICIES)
    await run(database.superuser, `alter schema shop owner to other_${mark}; grant usage on schema shop to ${OWNER.user}`)
    expect(await refusal(owner, 'shop.orders', { as: 'policy' })).toBe('The login "test_owner" cannot let tools into the schema shop: let its owner run "grant usage on schema shop to ambit_scoped;" first.')
    await run(other, 'grant usage on schema shop to ambit_scoped')
    await exposed(owner, 'shop.orders', { as: 'policy', projectColumn: 'shop' })
    expect(await seenBy(database.handles, NORTH_WEB, 'select id from shop.orders')).toEqual(['nw'])
  })

  test('a login that may make nothing in ambit_host is told so', async () => {
    const [name = ''] = await firstsOf('select current_database()::text')
    await run(owner, `create schema ambit_host; grant select on shop.orders to other_${mark}`)
    const said = await refusal(other, 'shop.orders')
    expect(said).toBe(`The login "other_${mark}" may not make views in the schema ambit_host: connect as its owner, and as a login that may create schemas.`)
    await run(database.superuser, `alter schema ambit_host owner to other_${mark}; revoke create on database ${name} from other_${mark}`)
    expect(await refusal(other, 'shop.orders')).toBe(said)
    await run(database.superuser, `grant create on database ${name} to other_${mark}`)
    await exposed(other, 'shop.orders', { projectColumn: 'shop' })
    expect(await seenBy(database.handles, NORTH_WEB, 'select id from ambit_host.orders')).toEqual(['nw'])
  })

  test('a table that somebody holds is left after 5 s: whoever comes behind would wait, too', async () => {
    const held = gate()
    const holding = database.superuser.transaction('lock table shop.orders in access exclusive mode', () => held.opened)
    const refused = exposed(owner, 'shop.orders')
    await expect(refused).rejects.toMatchObject({ code: '55P03' })
    held.open()
    await holding
  })

  test("the host's own app reads and writes the same before and after, as its own login", async () => {
    await run(owner, `grant select, insert, update, delete on shop.orders to app_${mark}; grant usage on sequence shop.orders_number_seq to app_${mark};
      alter table shop.orders enable row level security; create policy own on shop.orders to app_${mark} using (account = current_setting('app.account', true))`)
    const works = () =>
      app.transaction("set local app.account = 'north'", async (sql) => {
        const before = await firsts(sql, 'select id from shop.orders order by id')
        const made = (await sql.query("insert into shop.orders (account, shop, id) values ('north', 'web', 'mine')")).count
        const changed = (await sql.query("update shop.orders set shop = 'kiosk', total = total + 1")).count
        const gone = (await sql.query("delete from shop.orders where id = 'mine'")).count
        await sql.query('update shop.orders set total = total - 1')
        return { before, made, changed, gone, after: await firsts(sql, 'select id from shop.orders order by id') }
      })
    const whole = { before: ['nk', 'no', 'nw'], made: 1, changed: 4, gone: 1, after: ['nk', 'no', 'nw'] }
    expect(await works()).toEqual(whole)
    await exposed(owner, 'shop.orders', { projectColumn: 'shop', allow: ['select', 'insert', 'update', 'delete'] })
    expect(await works()).toEqual(whole)
    await exposed(owner, 'shop.orders', { as: 'policy', projectColumn: 'shop', allow: ['select', 'insert', 'update', 'delete'] })
    expect(await works()).toEqual(whole)
    expect(codesOf(await examine(database))).toEqual([])
  })

  test('roles of another prefix, and a server that has none', async () => {
    expect(await refusal(owner, 'shop.orders', { rolePrefix: 'ambit_' })).toMatch(/^nothing was refused/)
    const [name = ''] = await firstsOf('select current_database()::text')
    const bare = connect(urlOf(inject('postgresUrl'), name), () => {}, { connections: 1 })
    try {
      await run(bare, 'drop schema ambit_host cascade; drop schema ambit cascade')
      expect(await refusal(bare, 'shop.orders', { rolePrefix: `p${mark}_` })).toBe(`There is no role p${mark}_scoped to open a table to: run "ambit migrate" first.`)
      await run(bare, `create role p${mark}_scoped`)
      const { statements } = await exposed(bare, 'shop.orders', { rolePrefix: `p${mark}_` })
      expect(statements.join('\n')).toContain(`to p${mark}_scoped;`)
      expect(statements.join('\n')).not.toContain('ambit_scoped')
    } finally {
      await run(bare, `drop owned by p${mark}_scoped; drop role p${mark}_scoped`)
      await bare.close()
    }
  })
})

describe.skipIf(inject('postgresUrl') === '')('what the walls around it cost, on PostgreSQL', () => {
  const ORGS = 200
  const ROWS = 100_000

  test.each([
    ['text', (n: string) => `'t' || ${n}`, 't7', ['t1', 't2']],
    ['varchar', (n: string) => `'t' || ${n}`, 't7', ['t1', 't2']],
    ['uuid', (n: string) => `(lpad((${n})::text, 8, '0') || '-0000-0000-0000-000000000000')::uuid`, '00000007-0000-0000-0000-000000000000', ['00000001-0000-0000-0000-000000000000']],
    ['bigint', (n: string) => n, '7', ['1', '2']],
  ] as const)('%s columns are found by their index, in a view and under policies', async (type, valueOf, orgId, projectIds) => {
    const database = await must(databaseKinds.find(({ name }) => name === 'PostgreSQL')).create()
    try {
      await run(database.superuser, `create schema shop; create table shop.things (org ${type} not null, project ${type}, id bigint primary key, name text);
        insert into shop.things select ${valueOf(`n % ${ORGS}`)}, ${valueOf('n % 7')}, n, 'n' || n from generate_series(1, ${ROWS}) n;
        create index things_of_org on shop.things (org, project); alter table shop.things enable row level security; analyze shop.things`)
      for (const as of ['view', 'policy'] as const) {
        await exposed(database.superuser, 'shop.things', { as, orgColumn: 'org', projectColumn: 'project' })
        for (const required of [false, true]) {
          if (required) await run(database.superuser, 'alter table shop.things alter column project set not null')
          await exposed(database.superuser, 'shop.things', { as, orgColumn: 'org', projectColumn: 'project' })
          const plan = await seenBy(database.handles, { orgId, projectIds: ['*', ...projectIds], userId: 'x' }, `explain select count(*) from ${as === 'view' ? 'ambit_host' : 'shop'}.things`)
          const text = [plan].flat().join('\n')
          expect(text).toMatch(/things_of_org/)
          expect(text).toMatch(/Index Cond: \(+org\)?(?:::text)? = /)
          expect(text).not.toMatch(/Seq Scan/)
        }
        await run(database.superuser, 'alter table shop.things alter column project drop not null')
      }
    } finally {
      await database.drop()
    }
  })
})
