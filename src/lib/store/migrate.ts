import { createHash } from 'node:crypto'
import type { Database, Sql } from './database.ts'
import { readMigrationFiles } from './migration-files.ts'
import { DEFAULT_ROLE_PREFIX, faultOfRolePrefix } from './role-prefix.ts'
import { MIGRATION_LOCK, ROLES_SCRIPT, withRolePrefix } from './role-script.ts'
import { StartError } from './start-error.ts'

/** One numbered file of `sql/`. The checksum is over the file's bytes: a migration that ran is never edited. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly text: string
  readonly checksum: string
}

const PREPARE = `
create schema if not exists ambit;
create table if not exists ambit.migrations (
  number     integer primary key,
  name       text not null,
  checksum   text not null,
  applied_at timestamptz not null default now()
);
grant usage on schema ambit to ambit_lookup;
grant select on ambit.migrations to ambit_lookup;
`

/** Under FORCE the owner sees no row, and an update touches none without a word: told not to filter, PostgreSQL refuses it instead (42501). */
const REFUSE_UNSEEN_ROWS = 'set local row_security = off;'

/** A migration that changes rows lifts FORCE for itself; one that does not put it back is rolled back. */
const DEMAND_WALLS = `
do $$
declare
  unwalled text;
begin
  select string_agg(relname, ', ' order by relname) into unwalled from pg_class
  where relnamespace = 'ambit'::regnamespace and relkind in ('r', 'p') and relname <> 'migrations'
    and not (relrowsecurity and relforcerowsecurity);
  if unwalled is not null then
    raise exception 'The migration leaves these tables without forced row-level security: %', unwalled;
  end if;
end $$;
`

/** The migrations that this version carries, in order. */
export async function readMigrations(): Promise<readonly Migration[]> {
  return (await readMigrationFiles()).map(({ name, text }) => migrationOf(name, text))
}

export function migrationOf(name: string, text: string): Migration {
  return { number: Number(name.slice(0, 4)), name, text, checksum: createHash('sha256').update(text).digest('hex') }
}

/**
 * Brings the schema to this version, as the owner: roles, schema, then each missing migration in its own transaction.
 * Two at once wait for each other. Answers the names of those it ran. Throws a StartError where a migration that already
 * ran reads differently today, or where the schema was made for roles of another prefix.
 */
export async function migrate(
  database: Database,
  rolePrefix: string = DEFAULT_ROLE_PREFIX,
  migrations?: readonly Migration[],
): Promise<readonly string[]> {
  const fault = faultOfRolePrefix(rolePrefix)
  if (fault !== null) throw new StartError('bad_setting', fault)
  const ran: string[] = []
  await database.transaction('', (sql) => prepare(sql, rolePrefix))
  for (const migration of migrations ?? (await readMigrations())) {
    const applied = await database.transaction(REFUSE_UNSEEN_ROWS, (sql) => apply(sql, migration, rolePrefix))
    if (applied) ran.push(migration.name)
  }
  return ran
}

/** The same as `migrate`, as SQL for a DBA to read and run in `psql`, which stops at the first error and passes over what ran before. */
export async function printMigrations(rolePrefix: string = DEFAULT_ROLE_PREFIX): Promise<string> {
  const migrations = await readMigrations()
  const parts = migrations.map(
    (migration) => `-- ${migration.name}
select not exists (select from ambit.migrations where number = ${migration.number}) as missing \\gset
\\if :missing
begin;\n${REFUSE_UNSEEN_ROWS}\n${migration.text}${DEMAND_WALLS}${record(migration)}\ncommit;
\\endif
`,
  )
  const text = ['\\set ON_ERROR_STOP on', `begin;\n${ROLES_SCRIPT}${PREPARE}commit;\n`, ...parts].join('\n')
  return withRolePrefix(text, rolePrefix)
}

/**
 * The other databases of this server in which these roles hold rights. A login that has the roles for one of them has them
 * for all, and only CONNECT keeps it out of this one.
 */
export async function findSharers(database: Database, rolePrefix: string): Promise<readonly string[]> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<{ name: string }>(
      `select distinct d.datname::text as name from pg_shdepend s join pg_database d on d.oid = s.dbid
       join pg_roles r on r.oid = s.refobjid and s.refclassid = 'pg_authid'::regclass
       where r.rolname = $1 and d.datname <> current_database()
         and has_database_privilege('public', current_database(), 'connect')
       order by 1`,
      [`${rolePrefix}scoped`],
    ),
  )
  return rows.map((row) => row.name)
}

async function prepare(sql: Sql, rolePrefix: string): Promise<void> {
  await sql.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  await demandSamePrefix(sql, rolePrefix)
  await sql.script(withRolePrefix(ROLES_SCRIPT + PREPARE, rolePrefix))
}

/** Policies and grants name the roles they were made for; others would be roles without a right. */
async function demandSamePrefix(sql: Sql, rolePrefix: string): Promise<void> {
  const { rows } = await sql.query<{ role: string }>(
    "select roles[1]::text as role from pg_policies where schemaname = 'ambit' and tablename = 'organisations' and policyname = 'lookup'",
  )
  const before = rows[0]?.role.replace(/lookup$/, '')
  if (before === undefined || before === rolePrefix) return
  throw new StartError('bad_setting', `This database was migrated with the role prefix "${before}", not "${rolePrefix}": set AMBIT_ROLE_PREFIX=${before}.`)
}

async function apply(sql: Sql, migration: Migration, rolePrefix: string): Promise<boolean> {
  await sql.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK])
  const found = await sql.query<{ checksum: string }>('select checksum from ambit.migrations where number = $1', [migration.number])
  const before = found.rows[0]
  if (before && before.checksum !== migration.checksum) {
    throw new StartError('edited_migration', `${migration.name} ran on this database with another text. A migration that ran is never edited: add a new one.`)
  }
  if (before) return false
  await sql.script(withRolePrefix(migration.text, rolePrefix) + DEMAND_WALLS + record(migration))
  return true
}

function record({ number, name, checksum }: Migration): string {
  return `insert into ambit.migrations (number, name, checksum) values (${number}, '${name}', '${checksum}');`
}
