import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { CHECKS } from '../../src/lib/store/doctor/checks.ts'
import type { FaultCode } from '../../src/lib/store/doctor/checks.ts'
import { WALLS } from '../../src/lib/store/doctor/rights.ts'
import { examineDatabase } from '../../src/lib/store/doctor/examine.ts'
import { embeddedStore } from '../../src/lib/store/embedded-store.ts'
import { listTenantTables } from '../support/catalogue.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { codesOf, examine, mend, openOwner, run } from '../support/examined.ts'
import { must } from '../support/stage.ts'
import { plantWorld } from '../support/world.ts'

// Each fault is planted in a right database, named, mended by running what was printed, and gone.

const ORGANISATION = "org_id = (select nullif(current_setting('ambit.org_id', true), ''))"
const PROJECTS = "project_id in (select jsonb_array_elements_text(nullif(current_setting('ambit.project_ids', true), '')::jsonb))"
const WALLED = 'alter table ambit.notes enable row level security, force row level security; grant select on ambit.notes to ambit_scoped;'
const POLICIES = `create policy scope on ambit.notes to ambit_scoped using (${ORGANISATION} and ${PROJECTS});
  create policy organisation on ambit.notes as restrictive to ambit_scoped using (${ORGANISATION});`
const notes = (columns: string) => `create table ambit.notes (${columns}); ${WALLED} ${POLICIES}`
const NOTES = notes('org_id text not null, project_id text not null, id text not null, primary key (org_id, project_id, id)')
const DROP_NOTES = 'drop table ambit.notes'
const FUNCTION = "create function ambit.peek() returns integer language sql as 'select 1'"
const TRIGGERED = "create function ambit.watch() returns trigger language plpgsql as 'begin return new; end'"
const HOST = `create table public.orders (account text, id text); insert into public.orders values ('north', 'n1');
  create schema ambit_host; grant usage on schema ambit_host to ambit_scoped;`
const OWN_ORDERS = "select * from public.orders where account = (select nullif(current_setting('ambit.org_id', true), ''))"
const WALLED_ORDERS = `alter table public.orders enable row level security; create policy everybody on public.orders using (true); grant select on public.orders to ambit_scoped;
  create policy ambit_walls on public.orders as restrictive to ambit_scoped using (account = (select nullif(current_setting('ambit.org_id', true), '')));
  create policy ambit_scope on public.orders to ambit_scoped using (account = (select nullif(current_setting('ambit.org_id', true), '')));`
const DROP_HOST = 'drop schema ambit_host cascade; drop table public.orders'

interface Planted {
  readonly name: string
  readonly plant: string
  /** All that is found, in order: a fault that is taken for another is a wrong answer. */
  readonly codes: readonly FaultCode[]
  /** What the mending leaves behind. */
  readonly cleanup?: string
  /** Only a superuser can plant it, and only one can mend it. */
  readonly by?: 'superuser'
}

const PLANTED: readonly Planted[] = [
  { name: 'a table that does not force its policies', plant: 'alter table ambit.documents no force row level security', codes: ['rls_not_forced'] },
  {
    name: 'a table without row-level security', plant: 'alter table ambit.documents disable row level security',
    codes: ['rls_off', 'canary_unscoped', 'canary_read', 'canary_write'],
  },
  {
    name: 'a partition without row-level security', cleanup: DROP_NOTES,
    plant: `create table ambit.notes (org_id text not null, project_id text not null, id text not null, primary key (org_id, project_id, id)) partition by list (org_id);
            ${WALLED} ${POLICIES} create table ambit.notes_a partition of ambit.notes for values in ('a')`,
    codes: ['rls_off', 'rls_not_forced'],
  },
  { name: 'a nullable organisation', plant: notes('org_id text, project_id text not null, id text'), codes: ['scope_nullable'], cleanup: DROP_NOTES },
  { name: 'a nullable project', plant: notes('org_id text not null, project_id text, id text'), codes: ['scope_nullable'], cleanup: DROP_NOTES },
  { name: 'a key without the organisation', plant: 'alter table ambit.threads add unique (id)', codes: ['key_without_scope'], cleanup: 'alter table ambit.threads drop constraint threads_org_id_project_id_id_key' },
  { name: 'a key without the project', plant: 'alter table ambit.threads add constraint narrow unique (org_id, id)', codes: ['key_without_scope'], cleanup: 'alter table ambit.threads drop constraint threads_org_id_project_id_id_key' },
  { name: 'a primary key without either', plant: notes('org_id text not null, project_id text not null, id text primary key'), codes: ['key_without_scope'], cleanup: DROP_NOTES },
  { name: 'a unique index without the organisation', plant: 'create unique index one_title on ambit.documents (lower(id))', codes: ['key_without_scope'] },
  { name: 'an exclusion without the organisation', plant: 'alter table ambit.documents add constraint one_title exclude using btree (id with =)', codes: ['key_without_scope'] },
  {
    name: 'a foreign key without the organisation', cleanup: 'alter table ambit.runs drop constraint runs_org_id_project_id_id_key',
    plant: 'alter table ambit.runs add constraint by_id unique (id); alter table ambit.steps add constraint loose foreign key (run_id) references ambit.runs (id)',
    codes: ['foreign_key_without_scope', 'key_without_scope'],
  },
  {
    name: 'a foreign key to another organisation', cleanup: `${DROP_NOTES}; alter table ambit.projects drop constraint crossed`,
    plant: `alter table ambit.projects add constraint crossed unique (id, org_id);
            create table ambit.notes (org_id text not null, id text not null, foreign key (org_id, id) references ambit.projects (id, org_id));
            alter table ambit.notes enable row level security, force row level security`,
    codes: ['foreign_key_without_scope'],
  },
  { name: 'a table of a tenant without a policy', plant: NOTES.replace(POLICIES, ''), codes: ['policy_missing', 'organisation_policy_missing'], cleanup: DROP_NOTES },
  { name: 'a policy for every row', plant: 'create policy open on ambit.threads to ambit_scoped using (true)', codes: ['policy_open', 'canary_read'] },
  { name: 'a policy for every row, said otherwise', plant: 'create policy open on ambit.threads to ambit_scoped using (1 = 1 or false)', codes: ['policy_open', 'canary_read'] },
  { name: 'a policy that asks for any organisation at all', plant: "create policy open on ambit.threads to ambit_scoped using (current_setting('ambit.org_id', true) <> '')", codes: ['policy_open', 'canary_read'] },
  { name: 'a policy for every row that is written', plant: 'create policy open on ambit.threads for insert to ambit_scoped with check (true)', codes: ['policy_open'] },
  { name: 'the policy of the scope, opened', plant: 'alter policy scope on ambit.threads using (true)', codes: ['policy_open', 'policy_missing', 'canary_read'] },
  { name: 'a policy that opens content to the sweeper', plant: 'create policy sweeper on ambit.documents to ambit_sweeper using (true)', codes: ['policy_open'] },
  { name: 'a second policy that forgets the organisation', plant: 'create policy shared on ambit.threads to ambit_scoped using (shared)', codes: ['policy_wide'] },
  { name: 'a second policy that forgets the projects', plant: `create policy whole on ambit.threads to ambit_scoped using (${ORGANISATION})`, codes: ['policy_wide', 'canary_read'] },
  {
    name: 'a second policy that forgets them for what is written', codes: ['policy_wide'],
    plant: `create policy loose on ambit.threads to ambit_scoped using (${ORGANISATION} and ${PROJECTS}) with check (title <> '')`,
  },
  { name: 'a policy for PUBLIC', plant: `create policy everybody on ambit.threads using (${ORGANISATION})`, codes: ['policy_to_others', 'canary_read'] },
  { name: 'a policy for another role', plant: 'create policy owned on ambit.threads to current_user using (true)', codes: ['policy_to_others'] },
  { name: 'no restrictive policy of the organisation', plant: 'drop policy organisation on ambit.documents', codes: ['organisation_policy_missing'] },
  { name: 'a restrictive policy that restricts nothing', plant: 'alter policy organisation on ambit.documents using (true)', codes: ['organisation_policy_missing'] },
  { name: 'a table that is open to PUBLIC', plant: 'grant select on ambit.documents to public', codes: ['grant_public'] },
  { name: 'a column that is open to PUBLIC', plant: 'grant select (title) on ambit.documents to public', codes: ['grant_public'] },
  { name: 'the schema open to PUBLIC', plant: 'grant usage on schema ambit to public', codes: ['grant_public'] },
  { name: 'TRUNCATE', plant: 'grant truncate on ambit.documents to ambit_scoped', codes: ['grant_around'] },
  { name: 'REFERENCES and TRIGGER', plant: 'grant references, trigger on ambit.threads to ambit_operator', codes: ['grant_around'] },
  { name: 'REFERENCES on a column', plant: 'grant references (id) on ambit.threads to ambit_scoped', codes: ['grant_around'] },
  {
    name: 'MAINTAIN, or TRUNCATE before 17', codes: ['grant_around'],
    plant: `do $$ begin execute format('grant %s on ambit.frames to ambit_sweeper',
      case when current_setting('server_version_num')::int >= 170000 then 'maintain' else 'truncate' end); end $$`,
  },
  { name: 'content that the sweeper may read', plant: 'grant select on ambit.message_contents to ambit_sweeper', codes: ['grant_wide'] },
  { name: 'a column of a run that the sweeper may read', plant: 'grant select (finish_reason, error_code) on ambit.runs to ambit_sweeper', codes: ['grant_wide'] },
  { name: 'all of a run for the sweeper', plant: 'grant select on ambit.runs to ambit_sweeper', codes: ['grant_wide'], cleanup: 'grant select (org_id, project_id, id, thread_id, state, stop_requested, node_id, epoch, fence, last_seq, principal, target, context, author_id, message_id, number, started_at, ended_at, trimmed, stop_requested_at) on ambit.runs to ambit_sweeper' },
  { name: 'frames that the sweeper may read', plant: 'grant select (text) on ambit.frames to ambit_sweeper', codes: ['grant_wide'] },
  { name: 'whose keys they are, for the sweeper', plant: 'grant select (author_id, key) on ambit.idempotency_keys to ambit_sweeper', codes: ['grant_wide'] },
  { name: 'arguments of calls that the operator may read', plant: 'grant select (input, outcome) on ambit.calls to ambit_operator', codes: ['grant_wide'] },
  { name: 'the scope of a run for the operator', plant: 'grant select (about, principal, context) on ambit.runs to ambit_operator', codes: ['grant_wide'] },
  { name: 'a run that the operator may change', plant: 'grant update (state) on ambit.runs to ambit_operator', codes: ['grant_wide'] },
  { name: 'keys that lookup may change', plant: 'grant update (hash) on ambit.api_keys to ambit_lookup', codes: ['grant_wide'] },
  { name: 'a sign-in that lookup may give to another key', plant: 'grant update (key_id, hash) on ambit.sign_ins to ambit_lookup', codes: ['grant_wide'] },
  { name: 'sign-ins for the operator', plant: 'grant select on ambit.sign_ins to ambit_operator', codes: ['grant_wide'] },
  { name: 'a table of nobody that the scoped role may read', plant: 'grant select on ambit.nodes to ambit_scoped', codes: ['grant_wide'] },
  { name: 'the list of keys for the scoped role', plant: 'grant select on ambit.api_keys to ambit_scoped', codes: ['grant_wide'], cleanup: 'grant select (org_id, id, person_id, prefix, made_by, created_at, expires_at, revoked_at, last_used_at) on ambit.api_keys to ambit_scoped' },
  { name: 'the hash of a key for the scoped role', plant: 'grant select (hash) on ambit.api_keys to ambit_scoped', codes: ['grant_wide'] },
  { name: 'another slug for a project, for the scoped role', plant: 'grant update (slug) on ambit.projects to ambit_scoped', codes: ['grant_wide'] },
  { name: 'the people of all organisations for the scoped role', plant: 'grant select on ambit.people to ambit_scoped', codes: ['grant_wide'] },
  { name: 'a role that may create in the schema', plant: 'grant create on schema ambit to ambit_scoped', codes: ['grant_create'] },
  { name: "a role that may create in the host's schema", by: 'superuser', plant: `${HOST} grant create on schema ambit_host to ambit_scoped`, codes: ['grant_create'], cleanup: DROP_HOST },
  { name: 'a function with the rights of its owner', plant: `${FUNCTION} security definer`, codes: ['definer_function'], cleanup: 'drop function ambit.peek' },
  { name: 'a leakproof function', by: 'superuser', plant: `${FUNCTION} leakproof`, codes: ['leakproof_function'], cleanup: 'drop function ambit.peek' },
  { name: 'a materialized view', plant: 'create materialized view ambit.copy as select * from ambit.threads', codes: ['copy_of_rows'] },
  {
    name: 'a foreign table', by: 'superuser', codes: ['copy_of_rows'], cleanup: 'drop foreign data wrapper elsewhere cascade',
    plant: 'create foreign data wrapper elsewhere; create server elsewhere foreign data wrapper elsewhere; create foreign table ambit.far (org_id text) server elsewhere',
  },
  { name: 'a view in the schema', plant: 'create view ambit.peek with (security_barrier) as select * from ambit.threads', codes: ['view_in_ambit'] },
  { name: 'a rule', plant: 'create rule quiet as on delete to ambit.documents do instead nothing', codes: ['rule_or_trigger'] },
  { name: 'a trigger', plant: `${TRIGGERED}; create trigger watch before insert on ambit.documents for each row execute function ambit.watch()`, codes: ['rule_or_trigger'], cleanup: 'drop function ambit.watch' },
  {
    name: "a view on the host's table that is no barrier", by: 'superuser', codes: ['host_view_open'], cleanup: DROP_HOST,
    plant: `${HOST} create view ambit_host.orders as ${OWN_ORDERS} with check option; grant select on ambit_host.orders to ambit_scoped`,
  },
  {
    name: "a view on the host's table that is written through unchecked", by: 'superuser', codes: ['host_view_unchecked'], cleanup: DROP_HOST,
    plant: `${HOST} create view ambit_host.orders with (security_barrier) as ${OWN_ORDERS}; grant select, insert on ambit_host.orders to ambit_scoped`,
  },
  {
    name: "a view that shows all of the host's rows", by: 'superuser', codes: ['host_view_rows'], cleanup: DROP_HOST,
    plant: `${HOST} create view ambit_host.orders with (security_barrier) as select * from public.orders; grant select on ambit_host.orders to ambit_scoped`,
  },
  { name: "a host's table without policies", by: 'superuser', plant: `${HOST} grant select (id) on public.orders to ambit_scoped`, codes: ['host_table_open'], cleanup: DROP_HOST },
  { name: "a host's table that is open to PUBLIC", by: 'superuser', plant: `${HOST} grant select on public.orders to public`, codes: ['host_table_open'], cleanup: DROP_HOST },
  {
    name: "a view through which a foreign row can be taken", by: 'superuser', codes: ['host_view_takes'], cleanup: DROP_HOST,
    plant: `${HOST} create view ambit_host.orders with (security_barrier) as ${OWN_ORDERS} with check option; grant select, insert, update on ambit_host.orders to ambit_scoped`,
  },
  {
    name: "a host's table that has lost its restrictive policy", by: 'superuser', codes: ['host_policy_open', 'host_view_rows'], cleanup: DROP_HOST,
    plant: `${HOST} ${WALLED_ORDERS} drop policy ambit_walls on public.orders`,
  },
  {
    name: "a host's table whose restrictive policy lets through", by: 'superuser', codes: ['host_view_rows'], cleanup: DROP_HOST,
    plant: `${HOST} ${WALLED_ORDERS} alter policy ambit_walls on public.orders using (account = (select nullif(current_setting('ambit.org_id', true), '')) or true)`,
  },
  {
    name: "a host's table that tools may empty", by: 'superuser', codes: ['host_grant_around'], cleanup: DROP_HOST,
    plant: `${HOST} ${WALLED_ORDERS} grant truncate, trigger on public.orders to ambit_scoped`,
  },
  { name: 'a table that one of the four owns', by: 'superuser', plant: 'alter table ambit.steps owner to ambit_scoped', codes: ['role_owns'] },
  {
    name: "a view outside ambit_host on the host's table", by: 'superuser', codes: ['host_table_open'], cleanup: `drop view public.mine; ${DROP_HOST}`,
    plant: `${HOST} create view public.mine with (security_barrier) as ${OWN_ORDERS}; grant select on public.mine to ambit_scoped`,
  },
  {
    name: 'walls that stand in the catalogue and let through', codes: ['canary_read', 'canary_write'],
    plant: `alter policy organisation on ambit.documents using (${ORGANISATION} or true);
            alter policy scope on ambit.documents using ((${ORGANISATION} or true) and ${PROJECTS})`,
    cleanup: `alter policy scope on ambit.documents using (${ORGANISATION} and ${PROJECTS})`,
  },
]

test('an embedded database is proved when it was migrated', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ambit-doctor-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const pglite = await PGlite.create({ dataDir: join(directory, 'database'), loadDataDir: new Blob([await readFile(inject('pgliteTemplate'))]) })
  await pglite.exec('drop schema ambit cascade; alter role ambit_scoped bypassrls')
  await pglite.close()
  await expect(embeddedStore(directory).open()).rejects.toMatchObject({ code: 'unsafe_database', message: expect.stringContaining('alter role ambit_scoped nobypassrls;') as string })
  expect(readdirSync(directory)).toEqual(['database']) // the lock is given back
})

test('docs/doctor.md explains every code', async () => {
  const text = await readFile(new URL('../../docs/doctor.md', import.meta.url), 'utf8')
  const explained = [...text.matchAll(/^\| `(\w+)` \|/gm)].map(([, code]) => code)
  expect(explained).toEqual(CHECKS.map(({ code }) => code))
})

describe.each(databaseKinds)('the doctor on $name', (kind) => {
  let database: TestDatabase
  let owner: Database
  beforeAll(async () => {
    database = await kind.create()
    owner = await openOwner(database, kind.name === 'PostgreSQL')
  })
  afterAll(async () => {
    await owner.close()
    await database.drop()
  })

  test('finds nothing on a migrated database, and asks everything that can be asked', async () => {
    const report = await examine(database)
    expect(report.faults).toEqual([])
    const skipped = report.results.filter(({ outcome }) => outcome !== 'ok')
    expect(skipped.every(({ group, outcome }) => group === 'login' && outcome === 'skipped')).toBe(true)
    expect(skipped.length > 0).toBe(kind.name === 'PGlite')
    expect(new Set(report.results.map(({ code }) => code)).size).toBe(report.results.length)
  })

  test('leaves nothing behind, and says nothing of rows that are there', async () => {
    await plantWorld(database.handles)
    const tables = await listTenantTables(database.superuser)
    const count = async () => {
      const counted = tables.map((table) => `select '${table}' as name, count(*)::int as rows from ambit.${table}`)
      return (await database.superuser.transaction('', (sql) => sql.query(counted.join(' union all ')))).rows
    }
    const before = await count()
    expect(codesOf(await examine(database))).toEqual([])
    expect(await count()).toEqual(before)
  })

  test.for(PLANTED.map((planted) => [planted.name, planted] as const))('names %s, and prints what mends it', async ([, planted]) => {
    const hand = planted.by === 'superuser' ? database.superuser : owner
    await run(hand, planted.plant)
    const found = await examine(database)
    expect(codesOf(found)).toEqual(planted.codes)
    for (const { says } of found.faults) expect(says).toMatch(/^.+\.$/)
    await mend(hand, found)
    expect((await examine(database)).faults).toEqual([])
    if (planted.cleanup) await run(hand, planted.cleanup)
  })

  test('finds nothing after all of that was mended', async () => {
    expect((await examine(database)).faults).toEqual([])
  })

  test.each([['frames', 'read_set'], ['manifests', 'read_set'], ['calls', 'own_record_update'], ['idempotency_keys', 'own'], ['runs', 'own_record'], ['settings', 'administered_update'], ['memberships', 'administered_update'], ['api_keys', 'held']])('misses %s.%s, which guards within an organisation', async (table, name) => {
    const { rows } = await database.superuser.transaction('', (sql) =>
      sql.query<{ again: string }>(
        `select format('create policy %I on ambit.%I as restrictive for %s to ambit_scoped using (%s)', policyname, tablename, cmd, qual) as again
         from pg_policies where schemaname = 'ambit' and tablename = $1 and policyname = $2`,
        [table, name],
      ))
    await run(owner, `drop policy ${name} on ambit.${table}`)
    const found = await examine(database)
    await run(owner, must(rows[0]).again)
    expect(found.faults).toEqual([{ code: 'policy_absent', says: expect.stringContaining(`ambit.${table} has no restrictive policy ${name}`) as string, mend: null }])
    expect((await examine(database)).faults).toEqual([])
  })

  test('its list of these policies is that of the schema', async () => {
    const { rows } = await database.superuser.transaction('', (sql) =>
      sql.query<{ wall: string }>(
        "select tablename || ' ' || policyname as wall from pg_policies where schemaname = 'ambit' and permissive = 'RESTRICTIVE' and policyname <> 'organisation'"))
    expect(rows.map(({ wall }) => wall).toSorted()).toEqual([...WALLS].toSorted())
  })

  test('a list of migrations that cannot be read is a finding among others', async () => {
    await run(owner, 'revoke select on ambit.migrations from ambit_lookup; alter table ambit.documents no force row level security')
    const codes = codesOf(await examine(database))
    await run(owner, 'grant select on ambit.migrations to ambit_lookup; alter table ambit.documents force row level security')
    expect(codes).toEqual(expect.arrayContaining(['not_migrated', 'rls_not_forced']))
  })

  test('says which migrations are missing, and which were another text', async () => {
    await run(owner, "alter table ambit.migrations rename to kept; create table ambit.migrations as select * from ambit.kept where number > 1; grant select on ambit.migrations to ambit_lookup")
    const lacking = await examine(database)
    await run(owner, "drop table ambit.migrations; alter table ambit.kept rename to migrations; update ambit.migrations set checksum = 'other' || checksum where number = 1")
    const edited = await examine(database)
    await run(owner, 'update ambit.migrations set checksum = substr(checksum, 6) where number = 1')
    expect(lacking.faults).toContainEqual({ code: 'not_migrated', says: 'This database lacks 0001_spine.sql. Run `ambit migrate` with AMBIT_DATABASE_OWNER_URL set.', mend: null })
    expect(edited.faults).toEqual([{ code: 'not_migrated', says: expect.stringMatching(/^0001_spine\.sql ran on this database with another text/) as string, mend: null }])
  })

  test('a schema that is newer is held to the rules, and not to the lists', async () => {
    await run(owner, `insert into ambit.migrations (number, name, checksum) values (9999, '9999_later.sql', ''); grant select on ambit.documents to ambit_sweeper`)
    const newer = await examine(database)
    expect(newer.faults).toEqual([])
    expect(newer.results.filter(({ because }) => because === 'the schema is newer than this version').map(({ code }) => code)).toContain('grant_wide')
    await run(owner, 'alter table ambit.documents no force row level security')
    expect(codesOf(await examine(database))).toEqual(['rls_not_forced'])
    await run(owner, 'alter table ambit.documents force row level security; revoke select on ambit.documents from ambit_sweeper; delete from ambit.migrations where number = 9999')
  })

  test('a view of the host that fails for an unknown organisation shows nothing', async () => {
    await run(database.superuser, `${HOST} create view ambit_host.orders with (security_barrier) as
      select * from public.orders where length(account) = (select nullif(current_setting('ambit.org_id', true), '')::integer); grant select on ambit_host.orders to ambit_scoped`)
    const report = await examine(database)
    await run(database.superuser, DROP_HOST)
    expect(report.faults).toEqual([])
  })

  test('a view that asks the policies of who reads takes no foreign row', async () => {
    await run(database.superuser, `${HOST} ${WALLED_ORDERS} create view ambit_host.orders with (security_invoker) as ${OWN_ORDERS}; grant select, insert, update on ambit_host.orders to ambit_scoped`)
    const report = await examine(database)
    await run(database.superuser, DROP_HOST)
    expect(report.faults).toEqual([])
  })

  test('a handle that forgets its role is found out', async () => {
    const careless: Database = {
      ...database.superuser,
      transaction: (preamble, work) => database.superuser.transaction(preamble.replace(/set local role "\w+";/, ''), work),
    }
    const report = await examineDatabase(careless, { rolePrefix: 'ambit_', login: false })
    expect(codesOf(report)).toEqual(['handle_role', 'canary_unscoped', 'canary_read', 'canary_write'])
  })

  test('another role prefix than that of the schema is said as such', async () => {
    const report = await examine(database, 'other_')
    expect(report.faults).toEqual([{ code: 'not_migrated', says: 'This database was migrated with the role prefix "ambit_", not "other_": set AMBIT_ROLE_PREFIX=ambit_.', mend: null }])
  })
})
