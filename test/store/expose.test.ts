import { readFile } from 'node:fs/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { openOwner, run } from '../support/examined.ts'
import { MAY_CREATE, NORTH, NORTH_WEB, OWN_POLICIES, SHOP, SOUTH, dumpExposed, exposed, firsts, planned, refusal, seenBy, touchedBy } from '../support/exposing.ts'

describe.each(databaseKinds)("a host's table, opened to tools on $name", (kind) => {
  let database: TestDatabase
  let owner: Database
  beforeAll(async () => {
    database = await kind.create()
    owner = await openOwner(database, kind.name === 'PostgreSQL')
    if (kind.name === 'PostgreSQL') await run(database.superuser, MAY_CREATE)
  })
  beforeEach(() => run(owner, SHOP))
  afterEach(() => run(owner, 'drop schema shop cascade; drop schema if exists ambit_host cascade'))
  afterAll(async () => {
    await owner.close()
    await database.drop()
  })

  const seen = (scope: typeof NORTH, text: string) => seenBy(database.handles, scope, text)
  const touched = (scope: typeof NORTH, text: string) => touchedBy(database.handles, scope, text)
  const hostRows = async () => owner.transaction('', async (sql) => JSON.stringify((await sql.query('select * from shop.orders order by id')).rows))

  describe.each([
    ['view', 'ambit_host.orders'],
    ['policy', 'shop.orders'],
  ] as const)('as %s', (as, orders) => {
    beforeEach(async () => {
      if (as === 'policy') await run(owner, OWN_POLICIES)
    })
    const open = (more: Parameters<typeof exposed>[2] = {}) => exposed(owner, 'shop.orders', { as, projectColumn: 'shop', ...more })
    const ids = (scope: typeof NORTH) => seen(scope, `select id from ${orders} order by id`)

    test('a statement without any where sees one scope', async () => {
      const { says } = await open()
      expect(await ids(NORTH)).toEqual(['nk', 'no', 'nw'])
      expect(await ids(NORTH_WEB)).toEqual(['nw'])
      expect(await ids({ ...NORTH, projectIds: ['*'] })).toEqual(['no'])
      expect(await ids({ ...NORTH, projectIds: [] })).toEqual([])
      expect(await ids(SOUTH)).toEqual(['so', 'sw'])
      for (const orgId of ['', 'none', '*', "north' or true --", 'NORTH']) expect(await ids({ ...NORTH, orgId })).toEqual([])
      expect(says.join(' ')).toContain('whose account is its organisation and whose shop is one of its projects')
      expect(says.join(' ')).toContain("A row without a shop is the organisation's own")
    })

    test('without settings, and with settings that are no settings, nothing is seen', async () => {
      await open()
      const unscoped = database.superuser.transaction('set local role ambit_scoped', (sql) => firsts(sql, `select id from ${orders}`))
      expect(await unscoped).toEqual([])
      const broken = database.superuser.transaction("set local role ambit_scoped; set local ambit.org_id = 'north'; set local ambit.project_ids = 'web'", (sql) => firsts(sql, `select id from ${orders}`))
      await expect(broken).rejects.toMatchObject({ code: '22P02' })
    })

    test('without a project column the rows are for the whole organisation, or for every project', async () => {
      const { says } = await open({ projectColumn: null })
      expect(await ids(NORTH)).toEqual(['nk', 'no', 'nw'])
      expect(await ids(NORTH_WEB)).toEqual([])
      expect(says[1]).toMatch(/^Only the scope of a whole organisation sees rows: those whose account/)
      const every = await open({ projectColumn: null, everyProject: true })
      expect(await ids(NORTH_WEB)).toEqual(['nk', 'no', 'nw'])
      expect(await ids(SOUTH)).toEqual(['so', 'sw'])
      expect(every.says[1]).toMatch(/^Every scope sees all rows whose account is its organisation/)
    })

    test('rows are made, changed and deleted in one scope', async () => {
      await open({ allow: ['select', 'insert', 'update', 'delete'] })
      expect(await touched(NORTH_WEB, `insert into ${orders} (account, shop, id) values ('north', 'web', 'n1')`)).toBe(1)
      for (const place of ["'south', 'web'", "'north', 'kiosk'", "'north', null"]) {
        expect(await touched(NORTH_WEB, `insert into ${orders} (account, shop, id) values (${place}, 'n2')`)).toMatch(/^(44000|42501)$/)
      }
      expect(await touched(NORTH, `insert into ${orders} (account, shop, id) values ('north', null, 'n3')`)).toBe(1)
      expect(await touched(NORTH_WEB, `update ${orders} set total = 1`)).toBe(2)
      expect(await touched(NORTH_WEB, `update ${orders} set total = 2 where id in ('sw', 'nk', 'no')`)).toBe(0)
      expect(await touched(NORTH_WEB, `delete from ${orders} where id in ('sw', 'nk', 'no')`)).toBe(0)
      expect(await touched(NORTH_WEB, `delete from ${orders}`)).toBe(2)
      expect(await ids(SOUTH)).toEqual(['so', 'sw'])
      expect(await ids(NORTH)).toEqual(['n3', 'nk', 'no'])
    })

    test('a row stays whose it is', async () => {
      await open({ allow: ['select', 'insert', 'update'] })
      for (const set of ["account = 'south'", "account = 'north'", "shop = 'kiosk'", 'shop = null']) {
        expect(await touched(NORTH, `update ${orders} set ${set} where id = 'nw'`)).toBe('42501')
      }
    })

    test('an upsert by the id of a foreign row neither takes nor changes it', async () => {
      await open({ allow: ['select', 'insert', 'update'] })
      const before = await hostRows()
      const upsert = (id: string, scope: typeof NORTH, update: string) =>
        touched(scope, `insert into ${orders} (account, shop, id, total) values ('north', 'web', '${id}', 1) on conflict (id) do update set ${update}`)
      for (const id of ['sw', 'so', 'nk', 'no']) {
        expect(await upsert(id, NORTH_WEB, 'account = excluded.account, shop = excluded.shop')).toBe('42501')
        expect(await upsert(id, NORTH_WEB, 'total = excluded.total')).toMatch(/^(44000|42501)$/)
      }
      expect(await hostRows()).toBe(before)
      expect(await upsert('nw', NORTH_WEB, 'total = excluded.total')).toBe(1)
    })

    test('only the rights that were allowed are there, and none that asks no policy', async () => {
      await open()
      for (const text of [`insert into ${orders} (account, id) values ('north', 'x')`, `update ${orders} set total = 1`, `delete from ${orders}`, `truncate ${orders}`]) {
        expect(await touched(NORTH, text)).toMatch(/^(42501|42809)$/)
      }
      await open({ allow: ['select', 'delete'] })
      expect(await touched(NORTH, `update ${orders} set total = 1`)).toBe('42501')
      expect(await touched(NORTH, `delete from ${orders}`)).toBe(3)
    })

    test('only the columns that were named are there', async () => {
      await open({ columns: ['id', 'total'] })
      expect(await ids(NORTH_WEB)).toEqual(['nw'])
      expect(await seen(NORTH_WEB, `select customer from ${orders}`)).toMatch(/^(42703|42501)$/)
      await open({ columns: ['id', 'total', 'customer', 'account', 'shop'], allow: ['select', 'update'] })
      expect(await seen(NORTH_WEB, `select customer from ${orders}`)).toEqual(['Marlow'])
      expect(await touched(NORTH_WEB, `update ${orders} set number = 1`)).toMatch(/^(42703|42501)$/)
    })

    test('joins stay inside the scope, and so do two tables that are opened in two ways', async () => {
      await open()
      await exposed(owner, 'shop.customers', { everyProject: true })
      const joined = `select c.name || ' ' || o.id from ambit_host.customers c left join ${orders} o on o.customer = c.name order by 1`
      expect(await seen(NORTH, joined)).toEqual(['Marlow nk', 'Marlow no', 'Marlow nw'])
      expect(await seen(SOUTH, joined)).toEqual(['Marlow so', 'Marlow sw', null])
      expect(await seen(NORTH_WEB, joined)).toEqual(['Marlow nw'])
    })

    test('what was printed, run by another client, makes the same', async () => {
      const options = { allow: ['select', 'insert', 'update'], columns: ['account', 'shop', 'id', 'total'] } as const
      const untouched = await dumpExposed(database.superuser)
      const { statements } = await planned(owner, 'shop.orders', { as, projectColumn: 'shop', ...options })
      expect(await dumpExposed(database.superuser)).toEqual(untouched)
      for (const statement of statements) await run(owner, statement)
      const printed = await dumpExposed(database.superuser)
      await run(owner, `drop schema if exists ambit_host cascade; drop schema shop cascade; ${SHOP} ${as === 'policy' ? OWN_POLICIES : ''}`)
      expect(await open(options)).toMatchObject({ statements })
      expect(await dumpExposed(database.superuser)).toEqual(printed)
      expect(statements.join('\n')).not.toMatch(/^\s*\\/m)
      await open(options)
      expect(await dumpExposed(database.superuser)).toEqual(printed)
    })

    test("the host's own rows and rights are as they were", async () => {
      const before = await hostRows()
      const kept = (line: string) => (as === 'view' ? line : line.replace(/ rights .*/s, ''))
      const table = async () => (await dumpExposed(database.superuser)).filter((line) => line.startsWith('column shop.')).map(kept)
      const columns = await table()
      await open({ allow: ['select', 'insert', 'update', 'delete'] })
      expect(await hostRows()).toBe(before)
      expect(await table()).toEqual(columns)
      await run(owner, "insert into shop.orders (account, shop, id) values ('south', 'web', 'later'); update shop.orders set account = 'north' where id = 'later'; delete from shop.orders where id = 'later'")
      expect(await hostRows()).toBe(before)
    })
  })

  describe('through a view', () => {
    test('a new row needs to name neither organisation nor project', async () => {
      await exposed(owner, 'shop.orders', { projectColumn: 'shop', allow: ['select', 'insert'] })
      const made = (scope: typeof NORTH, id: string) => seen(scope, `insert into ambit_host.orders (id) values ('${id}') returning account || '/' || coalesce(shop, 'none') || '/' || customer || '/' || (number > 0)`)
      expect(await made(NORTH_WEB, 'a')).toEqual(['north/web/walk-in/true'])
      expect(await made(NORTH, 'b')).toEqual(['north/none/walk-in/true'])
      expect(await made({ ...NORTH, projectIds: ['*'] }, 'c')).toEqual(['north/none/walk-in/true'])
      expect(await made({ ...NORTH, projectIds: ['web', 'kiosk'] }, 'd')).toBe('44000')
      expect(await made({ ...NORTH, projectIds: [] }, 'e')).toBe('44000')
      expect(await made({ ...NORTH, orgId: '' }, 'f')).toMatch(/^(44000|23502)$/)
    })

    test('a sequence of the host is used, and no longer when nothing may be made', async () => {
      const mayUse = () => owner.transaction('', (sql) => firsts(sql, "select has_sequence_privilege('ambit_scoped', 'shop.orders_number_seq', 'usage')"))
      await exposed(owner, 'shop.orders', { allow: ['select', 'insert'] })
      expect(await mayUse()).toEqual([true])
      await exposed(owner, 'shop.orders')
      expect(await mayUse()).toEqual([false])
    })

    test('a column that is added later is not open', async () => {
      await exposed(owner, 'shop.orders', { everyProject: true })
      await run(owner, "alter table shop.orders add secret text default 'hush'")
      expect(await seen(NORTH_WEB, 'select secret from ambit_host.orders')).toBe('42703')
    })

    test('it is opened otherwise, and under more names than one', async () => {
      await exposed(owner, 'shop.orders', { everyProject: true, allow: ['select', 'delete'] })
      await exposed(owner, 'shop.orders', { projectColumn: 'shop' })
      await exposed(owner, 'shop.orders', { everyProject: true, name: 'Sums of all', columns: ['id'] })
      expect(await seen(NORTH_WEB, 'select id from ambit_host.orders')).toEqual(['nw'])
      expect(await touched(NORTH_WEB, 'delete from ambit_host.orders')).toBe('42501')
      expect(await seen(NORTH_WEB, 'select * from ambit_host."Sums of all" order by id')).toEqual(['nk', 'no', 'nw'])
    })

    test('from view to policy and back, what was open before is closed', async () => {
      await run(owner, OWN_POLICIES)
      const open = (as: 'view' | 'policy') => exposed(owner, 'shop.orders', { as, projectColumn: 'shop' })
      const viewed = await open('view')
      const first = await dumpExposed(database.superuser)
      expect(viewed.says.join(' ')).toContain('The policies of shop.orders are not asked by the view')
      expect((await open('policy')).says).toContain('No longer there: ambit_host.orders.')
      expect(await seen(NORTH_WEB, 'select id from ambit_host.orders')).toBe('42P01')
      expect(await seen(NORTH_WEB, 'select id from shop.orders')).toEqual(['nw'])
      expect((await open('view')).says.join(' ')).toContain('shop.orders itself is no longer open')
      expect(await seen(NORTH_WEB, 'select id from shop.orders')).toBe('42501')
      expect(await seen(NORTH_WEB, 'select id from ambit_host.orders')).toEqual(['nw'])
      const ofAmbit = (lines: readonly string[]) => lines.filter((line) => /^(v|view|policy|comment|column ambit_host)/.test(line))
      expect(ofAmbit(await dumpExposed(database.superuser))).toEqual(ofAmbit(first))
    })

    test('views, materialized views and partitioned tables are opened, too', async () => {
      await run(owner, `
        create view shop.big as select * from shop.orders where total > 6;
        create materialized view shop.sums as select account, sum(total)::int as total from shop.orders group by account;
        create table shop.events (account text not null, at date not null) partition by range (at);
        create table shop.events_2026 partition of shop.events for values from ('2026-01-01') to ('2027-01-01');
        insert into shop.events values ('north', '2026-02-01'), ('south', '2026-02-01')`)
      for (const name of ['big', 'sums', 'events']) await exposed(owner, `shop.${name}`, { everyProject: true })
      expect(await seen(NORTH_WEB, 'select id from ambit_host.big order by id')).toEqual(['nk', 'nw'])
      expect(await seen(NORTH_WEB, 'select total from ambit_host.sums')).toEqual([83])
      expect(await seen(SOUTH, 'select account from ambit_host.events')).toEqual(['south'])
      expect(await refusal(owner, 'shop.big', { allow: ['select', 'insert'] })).toBe('shop.big is a view: it can be opened for select only.')
      expect(await refusal(owner, 'shop.sums', { as: 'policy' })).toMatch(/is a materialized view, which has no policies: open it with --as view\.$/)
      expect(await refusal(owner, 'shop.events_2026')).toBe('shop.events_2026 is a partition of shop.events: open that one, and its partitions are open with it.')
    })

    test('names that need quotes', async () => {
      await run(owner, `create table shop."Order ""items"".x" ("orgId" text, "project Id" text, "group" text); insert into shop."Order ""items"".x" values ('north', 'web', 'g'), ('south', 'web', 's')`)
      await exposed(owner, 'shop."Order ""items"".x"', { orgColumn: 'orgId', projectColumn: 'project Id', allow: ['select', 'insert', 'update'] })
      expect(await seen(NORTH_WEB, 'select "group" from ambit_host."Order ""items"".x"')).toEqual(['g'])
      expect(await touched(NORTH_WEB, 'insert into ambit_host."Order ""items"".x" ("group") values (\'new\')')).toBe(1)
    })
  })

  describe.each([
    ['uuid', '6f1c45c0-0000-4000-8000-000000000001', '6f1c45c0-0000-4000-8000-000000000002', ['north', '1', '6f1c45c0-0000-4000-8000-00000000000']],
    ['integer', '1', '2', ['one', '1.0', '1e0', '1 or true', '99999999999']],
    ['bigint', '9007199254740993', '9007199254740995', ['x', '9007199254740993.0', '1e3']],
    ['smallint', '1', '2', ['one', '70000']],
    ['varchar(20)', 'a', 'b', []],
  ] as const)('by columns of the type %s', (type, one, two, others) => {
    test.each(['view', 'policy'] as const)('as %s: ids are compared as values, and what is no such value opens nothing', async (as) => {
      await run(owner, `create table shop.things (org ${type} not null, project ${type}, id text primary key); create index on shop.things (org);
        insert into shop.things values ('${one}', '${one}', 'own'), ('${one}', '${two}', 'sibling'), ('${one}', null, 'shared'), ('${two}', '${one}', 'foreign');
        alter table shop.things enable row level security; create policy everybody on shop.things using (true)`)
      await exposed(owner, 'shop.things', { as, orgColumn: 'org', projectColumn: 'project', allow: ['select', 'insert'] })
      const things = as === 'view' ? 'ambit_host.things' : 'shop.things'
      const ids = (orgId: string, ...projectIds: string[]) => seen({ orgId, projectIds, userId: 'x' }, `select id from ${things} order by id`)
      expect(await ids(one, one)).toEqual(['own'])
      expect(await ids(one, '*', one, two)).toEqual(['own', 'shared', 'sibling'])
      expect(await ids(one, '*')).toEqual(['shared'])
      expect(await ids(two, one)).toEqual(['foreign'])
      expect(await ids('', one)).toEqual([])
      for (const other of others) {
        expect(await ids(other, '*', one)).toMatch(/^(22P02|22003)$/)
        expect(await ids(one, other)).toMatch(/^(22P02|22003)$/)
      }
      const named = as === 'view' ? "(id) values ('new')" : `(org, project, id) values ('${one}', '${two}', 'new')`
      expect(await seen({ orgId: one, projectIds: [two], userId: 'x' }, `insert into ${things} ${named} returning org::text || ' ' || project::text`)).toEqual([`${one} ${two}`])
    })
  })

  test.each([
    ['shop.order', {}, 'There is no table shop.order here: name it as it is written in the database, with its schema.'],
    ['Orders', {}, 'There is no table Orders here. There is shop.orders: names are taken as they are written.'],
    ['a.b.c', {}, '"a.b.c" is no name of a table: write it as orders, or shop.orders, and a part with a dot in double quotes.'],
    ['shop.orders', { orgColumn: 'org' }, 'shop.orders has no column "org". It has account, shop, id, customer, total, number.'],
    ['shop.orders', { columns: ['id', 'nothing'] }, 'shop.orders has no column "nothing". It has account, shop, id, customer, total, number.'],
    ['shop.orders', { projectColumn: 'account' }, 'One column cannot be both: "account" is named as organisation and as project.'],
    ['shop.orders', { projectColumn: 'shop', everyProject: true }, /leave one out/],
    ['shop.orders', { allow: ['select', 'insert'], columns: ['id'] }, /needs account among --columns/],
    ['shop.orders', { allow: ['select', 'insert'], projectColumn: 'shop', columns: ['id', 'account'] }, /needs shop among --columns/],
    ['shop.orders', { as: 'policy', allow: ['insert'], columns: ['id'] }, /needs account among --columns/],
    ['shop.orders', { allow: ['update'], columns: ['account'] }, /leaves nothing to update/],
    ['shop.orders', { allow: [] }, /names no right/],
    ['shop.orders', { as: 'policy' }, /^Row-level security is off for shop\.orders, and turning it on would hide its rows .* Open it with --as view/],
    ['shop.orders', { name: 'x'.repeat(64) }, /from 1 to 63 bytes/],
    ['ambit.documents', { orgColumn: 'org_id' }, "ambit.documents is Ambit's own, and has walls of its own."],
    ['pg_catalog.pg_class', { orgColumn: 'relname' }, /the server's own/],
    ['shop.odd', { orgColumn: 'at' }, 'shop.odd.at is timestamp with time zone, which cannot be compared with an id: it must be text, varchar, uuid, smallint, integer or bigint.'],
    ['shop.odd', { orgColumn: 'padded' }, /is character\(5\), which cannot be compared/],
    ['shop.odd', { orgColumn: 'own' }, /is shop\.own_id, which cannot be compared/],
    ['shop.orders', { rolePrefix: 'nobody_' }, /set AMBIT_ROLE_PREFIX=ambit_\.$/],
  ] as const)('%s with %o is refused', async (table, more, words) => {
    await run(owner, 'create domain shop.own_id as uuid; create table shop.odd (at timestamptz, padded char(5), own shop.own_id)')
    const before = await dumpExposed(database.superuser)
    expect(await refusal(owner, table, more)).toMatch(words)
    expect(await dumpExposed(database.superuser)).toEqual(before)
  })

  test('a collation that takes two organisations for one is refused', async () => {
    await run(owner, "create collation shop.careless (provider = icu, locale = 'und-u-ks-level2', deterministic = false); create table shop.odd (account text collate shop.careless)")
    expect(await refusal(owner, 'shop.odd')).toMatch(/has a collation that takes different texts for equal/)
  })

  test('a name that is taken by something else is refused', async () => {
    await exposed(owner, 'shop.orders')
    await run(owner, 'create table ambit_host.taken (account text); create view ambit_host.mine as select * from shop.orders')
    expect(await refusal(owner, 'shop.customers', { name: 'orders' })).toBe('The name ambit_host.orders is taken by a view of another table: choose another with --name, or drop that one first.')
    expect(await refusal(owner, 'shop.orders', { name: 'taken' })).toMatch(/is taken by something else/)
    expect(await refusal(owner, 'shop.orders', { name: 'mine' })).toMatch(/is taken by a view that expose did not make/)
    expect(await refusal(owner, 'ambit_host.orders')).toMatch(/name the table behind it/)
  })

  test('docs/open-your-tables.md shows what is printed', async () => {
    const text = await readFile(new URL('../../docs/open-your-tables.md', import.meta.url), 'utf8')
    const [table = '', printed = ''] = [...text.matchAll(/^```sql\n(.*?)^```$/gms)].map(([, sql]) => sql)
    await run(database.superuser, table)
    const { statements } = await planned(database.superuser, 'orders', { projectColumn: 'shop', allow: ['select', 'insert'] })
    await run(database.superuser, 'drop table public.orders')
    expect(`${statements.join('\n')}\n`).toBe(printed)
  })

  test('says what a person should know before tools write', async () => {
    await run(owner, `create function shop.note() returns trigger language plpgsql as 'begin return new; end'; create trigger noted before insert on shop.orders for each row execute function shop.note();
      create table shop.plain (account text)`)
    const { says } = await exposed(owner, 'shop.orders', { projectColumn: 'shop', allow: ['select', 'insert', 'update'] })
    expect(says).toEqual([
      'Tools may select, insert and update the rows of shop.orders as ambit_host.orders.',
      'A scope sees the rows whose account is its organisation and whose shop is one of its projects.',
      "A row without a shop is the organisation's own: only the scope of the whole organisation sees it.",
      "A new row that names no account gets the organisation of the scope, and a scope of one project that project. Another's is refused.",
      'account and shop of a row cannot be updated.',
      'Runs as the scoped role, and so with its rights only: the trigger noted.',
      'The key orders_pkey does not hold account: a collision tells that another organisation has such a row.',
    ])
    expect((await exposed(owner, 'shop.plain')).says).toContain('No index begins with account: each question reads the whole table.')
    await run(owner, 'create table shop.parts (account text not null, shop text, id text, primary key (account, id), unique (account, shop, id))')
    const ofParts = (await exposed(owner, 'shop.parts', { projectColumn: 'shop', allow: ['select', 'insert'] })).says
    expect(ofParts.filter((line) => line.startsWith('The key'))).toEqual(['The key parts_pkey does not hold shop: a collision tells that another project has such a row.'])
    await run(owner, 'create table shop.bills (account text, number text unique, paid boolean)')
    const ofBills = async (more: Parameters<typeof exposed>[2]) => (await exposed(owner, 'shop.bills', more)).says.filter((line) => line.startsWith('The key'))
    expect(await ofBills({ allow: ['select', 'update'] })).toEqual(['The key bills_number_key does not hold account: a collision tells that another organisation has such a row.'])
    expect(await ofBills({ allow: ['select', 'update'], columns: ['account', 'paid'] })).toEqual([])
    expect(await ofBills({ allow: ['select', 'delete'] })).toEqual([])
  })
})
