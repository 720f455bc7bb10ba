import type { Database, Sql } from '../../src/lib/store/database.ts'

/**
 * The schema `ambit` as text: what the migrations amount to. Written to `sql/schema.sql`, so that a review sees the
 * tables, keys, policies and grants that a migration changes, and not only its statements.
 */
export async function dumpSchema(database: Database): Promise<string> {
  return database.transaction('', async (sql) => {
    const tables = await column(sql, "select relname as line from pg_class where relnamespace = 'ambit'::regnamespace and relkind = 'r' order by relname")
    const parts: string[] = []
    for (const table of tables) parts.push(await dumpTable(sql, table))
    const schema = await column(sql, SCHEMA_GRANTS)
    return `-- Written by \`npm run schema\`. Do not edit: change it by a migration.\n\n${schema.join('\n')}\n\n${parts.join('\n')}`
  })
}

async function dumpTable(sql: Sql, table: string): Promise<string> {
  const lines = (query: string) => column(sql, query, table)
  const body = [...(await lines(COLUMNS)), ...(await lines(CONSTRAINTS))].map((line) => `  ${line}`).join(',\n')
  const rest = [...(await lines(INDEXES)), ...(await lines(ROW_SECURITY)), ...(await lines(POLICIES)), ...(await lines(GRANTS))]
  return `create table ambit.${table} (\n${body}\n);\n${rest.join('\n')}\n`
}

async function column(sql: Sql, query: string, table?: string): Promise<readonly string[]> {
  const { rows } = await sql.query<{ line: string }>(query, table === undefined ? [] : [table])
  return rows.map((row) => row.line)
}

const SCHEMA_GRANTS = `
  select 'grant ' || lower(string_agg(privilege_type, ', ' order by privilege_type)) || ' on schema ambit to ' || grantee::regrole || ';' as line
  from pg_namespace, aclexplode(nspacl) where nspname = 'ambit' and grantee::regrole::text like 'ambit%' group by grantee order by grantee::regrole::text`

const COLUMNS = `
  select attname || ' ' || format_type(atttypid, atttypmod) || case when attnotnull then ' not null' else '' end
         || coalesce(' default ' || pg_get_expr(adbin, adrelid), '') as line
  from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where attrelid = ('ambit.' || $1)::regclass and attnum > 0 and not attisdropped order by attnum`

const CONSTRAINTS = `
  select 'constraint ' || conname || ' ' || pg_get_constraintdef(oid) as line from pg_constraint
  where conrelid = ('ambit.' || $1)::regclass and contype <> 'n' order by contype desc, conname`

const INDEXES = `
  select pg_get_indexdef(indexrelid) || ';' as line from pg_index
  where indrelid = ('ambit.' || $1)::regclass
    and not exists (select from pg_constraint where conindid = indexrelid) order by indexrelid::regclass::text`

const ROW_SECURITY = `
  select 'alter table ambit.' || relname || case when relrowsecurity then ' enable' else ' disable' end || ' row level security'
         || case when relforcerowsecurity then ', force row level security;' else ';' end as line
  from pg_class where oid = ('ambit.' || $1)::regclass`

const POLICIES = `
  select 'create policy ' || policyname || ' on ambit.' || tablename || ' as ' || lower(permissive) || ' for ' || lower(cmd)
         || ' to ' || array_to_string(roles, ', ') || coalesce(E'\\n  using ' || qual, '') || coalesce(E'\\n  with check ' || with_check, '') || ';' as line
  from pg_policies where schemaname = 'ambit' and tablename = $1 order by policyname, roles::text`

const GRANTS = `
  select 'grant ' || privileges || ' on ambit.' || $1 || ' to ' || grantee || ';' as line from (
    select grantee::regrole::text as grantee, lower(string_agg(privilege_type, ', ' order by privilege_type)) as privileges, '' as columns
    from pg_class, aclexplode(relacl) where oid = ('ambit.' || $1)::regclass group by grantee
    union all
    select grantee::regrole::text, lower(privilege_type) || ' (' || string_agg(attname, ', ' order by attnum) || ')', 'x'
    from pg_attribute, aclexplode(attacl) where attrelid = ('ambit.' || $1)::regclass group by grantee, privilege_type
  ) grants where grantee like 'ambit%' order by grantee, columns, privileges`
