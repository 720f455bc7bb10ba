import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { listAllColumns, listColumns, listPolicies, listTables, listTenantTables } from '../support/catalogue.ts'
import type { Policy } from '../support/catalogue.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { attempt } from '../support/under.ts'
import type { RoleOfAmbit } from '../support/under.ts'

// What must hold of every table, read from the catalogue: a table that is added without its wall fails here by name.

const ROLES: readonly RoleOfAmbit[] = ['lookup', 'operator', 'scoped', 'sweeper']

describe.each(databaseKinds)('the schema on $name', (kind) => {
  let database: TestDatabase
  let tables: readonly string[]
  let tenantTables: readonly string[]
  let policies: readonly Policy[]
  beforeAll(async () => {
    database = await kind.create()
    tables = await listTables(database.superuser)
    tenantTables = await listTenantTables(database.superuser)
    policies = await database.superuser.transaction('', listPolicies)
  })
  afterAll(() => database.drop())

  /** The names that a catalogue query finds; its values come after the query. */
  async function find(query: string, values: readonly unknown[] = []): Promise<readonly string[]> {
    const { rows } = await database.superuser.transaction('', (sql) => sql.query<{ found: string }>(query, values))
    return rows.map((row) => row.found)
  }

  test('has the tables that these rules are about', () => {
    expect(tables).toEqual(expect.arrayContaining(['api_keys', 'nodes', 'threads']))
    expect(tenantTables).toEqual(expect.arrayContaining(['calls', 'claims', 'documents', 'events', 'frames', 'idempotency_keys', 'memberships', 'message_contents', 'messages', 'postings', 'read_sets', 'runs', 'steps', 'threads']))
    expect(tenantTables).not.toContain('people')
  })

  test('asks other tables per row and by key: none can become one answer for the whole organisation', async () => {
    const asking = await find(
      `select policyname || ' on ' || tablename as found from pg_policies
       where schemaname = 'ambit' and concat(qual, with_check) ~ 'FROM ambit\\.'`,
    )
    const byKey = await find(
      `select policyname || ' on ' || tablename as found from pg_policies
       where schemaname = 'ambit' and concat(qual, with_check) ~ 'FROM ambit\\.' and concat(qual, with_check) ~ 'OFFSET 0'`,
    )
    expect(asking.length).toBeGreaterThan(10)
    expect(byKey).toEqual(asking)
  })

  test('enables and forces row-level security on every table', async () => {
    const walled = await find(
      `select relname::text as found from pg_class
       where relnamespace = 'ambit'::regnamespace and relrowsecurity and relforcerowsecurity order by 1`,
    )
    expect(walled).toEqual(tables)
  })

  test('has a policy on every table, and none for a role that is not one of the four', () => {
    expect([...new Set(policies.map((policy) => policy.table))]).toEqual(tables)
    const roles = ROLES.map((role) => `ambit_${role}`)
    expect(policies.filter((policy) => policy.roles.length === 0 || !policy.roles.every((role) => roles.includes(role)))).toEqual([])
  })

  /** The scoped handle touches these, and they have no project beside them: one is a project, the other opens all of somebody's. */
  const OF_AN_ORGANISATION = ['api_keys', 'projects']

  test('keeps the restrictive policy of the organisation on every tenant table', () => {
    const guarded = policies.filter((policy) => policy.name === 'organisation' && !policy.permissive && policy.command === 'ALL')
    expect(guarded.map((policy) => policy.table)).toEqual([...tenantTables, ...OF_AN_ORGANISATION].toSorted())
  })

  test('opens everything (`using (true)`) only where no scope exists', () => {
    const open = policies.filter((policy) => policy.using === 'true' || policy.check === 'true')
    expect(open.length).toBeGreaterThan(0)
    expect(open.filter((policy) => policy.roles.includes('ambit_scoped'))).toEqual([])
  })

  test('begins every key of a tenant table with its organisation and project, both never null', async () => {
    const keys = `from pg_index i
       join pg_class c on c.oid = i.indrelid
       cross join lateral (select array_agg(a.attname::text) as names from pg_attribute a
                           where a.attrelid = c.oid and a.attnum = any(i.indkey)) columns
       where c.relnamespace = 'ambit'::regnamespace and c.relname = any($1) and i.indisunique`
    expect((await find(`select c.relname::text as found ${keys}`, [tenantTables])).length).toBeGreaterThanOrEqual(tenantTables.length)
    expect(await find(`select i.indexrelid::regclass::text as found ${keys} and not columns.names @> '{org_id,project_id}'`, [tenantTables])).toEqual([])
    const nullable = await find(
      `select a.attrelid::regclass::text || '.' || a.attname as found from pg_attribute a join pg_class c on c.oid = a.attrelid
       where c.relnamespace = 'ambit'::regnamespace and c.relname = any($1) and a.attname in ('org_id', 'project_id') and not a.attnotnull`,
      [tenantTables],
    )
    expect(nullable).toEqual([])
  })

  test('points with every foreign key of a tenant table inside the same organisation and project, or to the organisation', async () => {
    const references = `from pg_constraint k
       join pg_class c on c.oid = k.conrelid
       cross join lateral (
         select array_agg(own.attname || '=' || other.attname) as pairs
         from unnest(k.conkey, k.confkey) as pair (own, other)
         join pg_attribute own on own.attrelid = k.conrelid and own.attnum = pair.own
         join pg_attribute other on other.attrelid = k.confrelid and other.attnum = pair.other) columns
       where k.contype = 'f' and c.relnamespace = 'ambit'::regnamespace and c.relname = any($1)
         and not (k.confrelid = 'ambit.organisations'::regclass and columns.pairs = '{org_id=id}')`
    expect((await find(`select k.conname::text as found ${references}`, [tenantTables])).length).toBeGreaterThan(0)
    expect(await find(`select k.conname::text as found ${references} and not columns.pairs @> '{org_id=org_id,project_id=project_id}'`, [tenantTables])).toEqual([])
  })

  test('gives nobody a right that walks around the policies', async () => {
    const rights = await find(
      `select distinct c.relname || ': ' || r || ' may ' || p as found
       from pg_class c, unnest($1::text[]) r, unnest('{truncate,references,trigger}'::text[]) p
       where c.relnamespace = 'ambit'::regnamespace and c.relkind in ('r', 'p') and has_table_privilege(r, c.oid, p)`,
      [ROLES.map((role) => `ambit_${role}`)],
    )
    expect(rights).toEqual([])
    expect(await find("select proname::text as found from pg_proc where pronamespace = 'ambit'::regnamespace and (prosecdef or proleakproof)")).toEqual([])
    expect(await find("select relname::text as found from pg_class where relnamespace = 'ambit'::regnamespace and relkind in ('v', 'm', 'f')")).toEqual([])
  })

  // Which tables each handle opens, said twice: here and in the grants. What is not here must be refused, in reading and in writing.
  const OPENED: Readonly<Record<RoleOfAmbit, (tables: readonly string[], tenants: readonly string[]) => readonly string[]>> = {
    lookup: () => ['api_keys', 'memberships', 'organisations', 'people', 'projects', 'settings', 'sign_ins'],
    operator: () => ['api_keys', 'calls', 'claims', 'memberships', 'nodes', 'organisations', 'people', 'projects', 'runs', 'settings', 'steps'],
    scoped: (_, tenants) => [...tenants, ...OF_AN_ORGANISATION].toSorted(),
    sweeper: () => ['claims', 'events', 'files', 'frames', 'idempotency_keys', 'nodes', 'runs'],
  }

  test.each(ROLES)('%s touches its own tables and no other', async (role) => {
    const readable: string[] = []
    const writable: string[] = []
    for (const table of tables) {
      const [column = ''] = await listColumns(database.superuser, table, 'select', role)
      const read = await attempt(database.superuser, role, {}, async (sql) => {
        await sql.query(`select ${column === '' ? 'count(*)' : column} from ambit.${table} limit 1`)
        return 'ok'
      })
      expect([`${table} ok`, `${table} 42501`]).toContain(`${table} ${read}`)
      if (read === 'ok') readable.push(table)
      const removed = await attempt(database.superuser, role, {}, async (sql) => {
        await sql.query(`delete from ambit.${table}`)
        return 'ok'
      })
      if (removed === 'ok') writable.push(table)
    }
    expect(readable).toEqual(OPENED[role](tables, tenantTables))
    expect(writable).toEqual({
      lookup: ['sign_ins'], operator: ['memberships'], scoped: ['documents', 'idempotency_keys', 'memberships', 'postings', 'threads'], sweeper: ['events', 'files', 'frames', 'idempotency_keys', 'nodes'],
    }[role])
  })

  const COLUMNS: readonly (readonly [role: RoleOfAmbit, table: string, what: string, open: readonly string[], closed: readonly string[]])[] = [
    ['sweeper', 'runs', 'whose it is, state and stored scope', ['fence', 'node_id', 'epoch', 'state', 'author_id', 'message_id', 'principal', 'target', 'context'], ['user_message_id', 'model_id', 'finish_reason', 'error_code', 'about', 'created_at']],
    ['sweeper', 'frames', 'which run they are of', ['run_id'], ['first_seq', 'last_seq', 'text']],
    ['sweeper', 'idempotency_keys', 'their age', ['created_at'], ['org_id', 'project_id', 'author_id', 'request', 'key', 'body_hash', 'run_id']],
    ['sweeper', 'files', 'their age, and whether they were sent', ['created_at', 'message_id'], ['org_id', 'project_id', 'id', 'author_id', 'name', 'media_type', 'content', 'thread_id']],
    ['sweeper', 'events', 'in which scope there are any', ['org_id', 'project_id', 'number', 'at'], ['kind', 'thread_id', 'run_id', 'about_id', 'reader_id']],
    ['operator', 'runs', 'how they went', ['state', 'error_code', 'node_id', 'fence', 'started_at'], ['principal', 'target', 'context', 'about', 'user_message_id', 'message_id', 'trimmed']],
    ['scoped', 'api_keys', 'what is public of them', ['id', 'person_id', 'prefix', 'made_by', 'expires_at', 'revoked_at'], ['hash']],
    ['operator', 'calls', 'how they went', ['name', 'state', 'fence'], ['input', 'outcome']],
  ]

  test.each(COLUMNS)('the %s reads of %s: %s, and no other column', async (role, table, _, open, closed) => {
    const granted = await listColumns(database.superuser, table, 'select', role)
    expect(granted).toEqual(expect.arrayContaining([...open]))
    const others = (await listAllColumns(database.superuser, table)).filter((column) => !granted.includes(column))
    expect(others.toSorted()).toEqual(closed.toSorted())
    const read = (column: string) =>
      attempt(database.superuser, role, {}, async (sql) => {
        await sql.query(`select ${column} from ambit.${table} limit 1`)
        return 'ok'
      })
    for (const column of granted) expect([column, await read(column)]).toEqual([column, 'ok'])
    for (const column of others) expect([column, await read(column)]).toEqual([column, '42501'])
    expect(await read('*')).toBe('42501')
  })

  /** A call is claimed again by a later owner of its run; a key that has expired is for another run; a file is sent once, with a message. */
  const MOVED: Readonly<Record<string, readonly string[]>> = { calls: ['fence'], files: ['thread_id'], idempotency_keys: ['run_id'] }

  test('the scoped handle cannot move a run to another owner, nor give a row to another place', async () => {
    // Documents are an importer's to replace: the policies decide where they may go.
    for (const table of tenantTables.filter((name) => name !== 'documents' && name !== 'postings')) {
      const keys = ['org_id', 'project_id', 'author_id', 'run_id', 'thread_id', 'node_id', 'epoch', 'fence', 'principal', 'target', 'context']
      const movable = (await listColumns(database.superuser, table, 'update', 'scoped')).filter((column) => keys.includes(column))
      expect([table, movable]).toEqual([table, MOVED[table] ?? []])
    }
    expect(await listColumns(database.superuser, 'threads', 'update', 'scoped')).toContain('title')
  })
})
