import type { Database, Sql } from '../../src/lib/store/database.ts'
import { exposeTable, planExposure } from '../../src/lib/store/expose/expose-table.ts'
import type { Exposed } from '../../src/lib/store/expose/expose-table.ts'
import type { Wanted } from '../../src/lib/store/expose/exposure.ts'
import type { Handles, RowScope } from '../../src/lib/store/handles.ts'
import { OWNER } from './templates.ts'
import { sqlStateOf } from './under.ts'

/** As the owner of a database may, from whom a test's copy was not made. */
export const MAY_CREATE = `do $$ begin execute format('grant create on database %I to ${OWNER.user}', current_database()); end $$`

/** Two organisations, two projects, rows of the organisations themselves. Somebody else's app keeps them. */
export const SHOP = `
  create schema shop;
  create table shop.orders (account text not null, shop text, id text primary key, customer text not null default 'walk-in', total integer not null default 0, number serial);
  create index on shop.orders (account, shop);
  create table shop.customers (account text not null, name text not null, secret text not null default '-', primary key (account, name));
  insert into shop.orders (account, shop, id, customer, total) values
    ('north', 'web', 'nw', 'Marlow', 70), ('north', 'kiosk', 'nk', 'Marlow', 8), ('north', null, 'no', 'Marlow', 5),
    ('south', 'web', 'sw', 'Marlow', 990), ('south', null, 'so', 'Marlow', 1);
  insert into shop.customers (account, name) values ('north', 'Marlow'), ('south', 'Marlow'), ('south', 'Quinn');
`
/** As hosts have it who live with row-level security: their own people by a setting of their own, here everybody. */
export const OWN_POLICIES = `
  alter table shop.orders enable row level security;
  alter table shop.customers enable row level security;
  create policy everybody on shop.orders using (true);
  create policy everybody on shop.customers using (true);
`

export function wanted(table: string, more: Partial<Wanted> = {}): Wanted {
  return { table, orgColumn: 'account', projectColumn: null, everyProject: false, as: 'view', name: null, columns: null, allow: ['select'], rolePrefix: 'ambit_', ...more }
}

export async function exposed(database: Database, table: string, more: Partial<Wanted> = {}): Promise<Exposed> {
  const done = await exposeTable(database, wanted(table, more))
  if (!done.ok) throw new Error(done.detail)
  return done
}

export async function planned(database: Database, table: string, more: Partial<Wanted> = {}): Promise<Exposed> {
  const done = await planExposure(database, wanted(table, more))
  if (!done.ok) throw new Error(done.detail)
  return done
}

/** Why it was refused. */
export async function refusal(database: Database, table: string, more: Partial<Wanted> = {}): Promise<string> {
  const done = await exposeTable(database, wanted(table, more))
  return done.ok ? `nothing was refused: ${done.says.join(' ')}` : done.detail
}

export const NORTH: RowScope = { orgId: 'north', projectIds: ['*', 'web', 'kiosk'], userId: 'nora' }
export const NORTH_WEB: RowScope = { orgId: 'north', projectIds: ['web'], userId: 'nora' }
export const SOUTH: RowScope = { orgId: 'south', projectIds: ['*', 'web'], userId: 'sam' }

/** The first column of what a statement answers inside a scope, or the SQLSTATE it failed with. */
export function seenBy(handles: Handles, scope: RowScope, text: string): Promise<readonly unknown[] | string> {
  return handles.scoped(scope, (sql) => firsts(sql, text)).catch(sqlStateOf)
}

export async function firsts(sql: Sql, text: string): Promise<readonly unknown[]> {
  return (await sql.query<Record<string, unknown>>(text)).rows.map((row) => Object.values(row)[0])
}

/** How many rows a statement touches inside a scope, or the SQLSTATE it failed with. */
export function touchedBy(handles: Handles, scope: RowScope, text: string): Promise<number | string> {
  return handles.scoped(scope, async (sql) => (await sql.query(text)).count).catch(sqlStateOf)
}

/** All that exposing may change in the catalogue: views, policies, grants, schemas, and what stands in ambit_host. */
export async function dumpExposed(database: Database): Promise<readonly string[]> {
  const { rows } = await database.transaction('', (sql) => sql.query<{ line: string }>(DUMP))
  return rows.map((row) => row.line)
}

const DUMP = `
  with seen as (select c.*, n.nspname, format('%I.%I', n.nspname, c.relname) as named from pg_class c join pg_namespace n on n.oid = c.relnamespace
                where n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast', 'ambit'))
  select line from (
    select format('%s %s owner %s options %s rls %s %s rights %s', relkind, named, relowner::regrole, reloptions, relrowsecurity, relforcerowsecurity, (select array_agg(one::text order by one::text) from unnest(relacl) one)) as line
    from seen where relkind in ('r', 'p', 'v', 'm', 'S')
    union all select format('column %s.%s %s default %s rights %s', named, attname, atttypid::regtype, pg_get_expr(adbin, adrelid), attacl)
    from seen join pg_attribute on attrelid = seen.oid and attnum > 0 and not attisdropped left join pg_attrdef on adrelid = attrelid and adnum = attnum where relkind in ('r', 'p', 'v')
    union all select format('view %s %s', named, pg_get_viewdef(oid)) from seen where relkind = 'v'
    union all select format('comment %s %s', named, obj_description(oid, 'pg_class')) from seen
    union all select format('policy %s.%s %s %s %s using %s check %s', named, polname, polcmd, polpermissive, polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid))
    from seen join pg_policy on polrelid = seen.oid
    union all select format('schema %s rights %s', nspname, (select array_agg(one::text order by one::text) from unnest(nspacl) one)) from pg_namespace where nspname !~ '^(pg_|information_schema)'
  ) lines order by line`
