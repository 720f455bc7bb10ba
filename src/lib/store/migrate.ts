import { createHash } from 'node:crypto'
import { readFile, readdir } from 'node:fs/promises'
import type { Database, Sql } from './database.ts'
import { DEFAULT_ROLE_PREFIX } from './handles.ts'
import { ROLES_SCRIPT, withRolePrefix } from './role-script.ts'
import { StartError } from './start-error.ts'

/** One numbered file of `sql/`. The checksum is over the file's bytes: a migration that ran is never edited. */
export interface Migration {
  readonly number: number
  readonly name: string
  readonly text: string
  readonly checksum: string
}

const FOLDER = new URL('../../../sql/', import.meta.url)

/** Any constant that nobody else on the server is likely to lock. */
const ADVISORY_LOCK = 4_061_949_301

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

/** The migrations that this version carries, in order. */
export async function readMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(FOLDER)).filter((name) => /^\d{4}_.+\.sql$/.test(name)).toSorted()
  return Promise.all(
    names.map(async (name) => {
      const text = await readFile(new URL(name, FOLDER), 'utf8')
      return { number: Number(name.slice(0, 4)), name, text, checksum: createHash('sha256').update(text).digest('hex') }
    }),
  )
}

/**
 * Brings the schema to this version, as the owner: roles, schema, then each missing migration in its own transaction.
 * Answers the names of those it ran. Throws a StartError where a migration that already ran reads differently today.
 */
export async function migrate(database: Database, rolePrefix: string = DEFAULT_ROLE_PREFIX): Promise<readonly string[]> {
  const ran: string[] = []
  const migrations = await readMigrations()
  await database.transaction('', (sql) => prepare(sql, rolePrefix))
  for (const migration of migrations) {
    const applied = await database.transaction('', (sql) => apply(sql, migration, rolePrefix))
    if (applied) ran.push(migration.name)
  }
  return ran
}

/** The same as `migrate`, as SQL for a DBA to read and run in `psql` (which stops at the first error). */
export async function printMigrations(rolePrefix: string = DEFAULT_ROLE_PREFIX): Promise<string> {
  const migrations = await readMigrations()
  const parts = migrations.map(
    (migration) => `-- ${migration.name}\nbegin;\n${migration.text}\n${record(migration)}\ncommit;\n`,
  )
  const text = ['\\set ON_ERROR_STOP on', `begin;\n${ROLES_SCRIPT}${PREPARE}commit;\n`, ...parts].join('\n')
  return withRolePrefix(text, rolePrefix)
}

async function prepare(sql: Sql, rolePrefix: string): Promise<void> {
  await sql.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK])
  await sql.script(withRolePrefix(ROLES_SCRIPT + PREPARE, rolePrefix))
}

async function apply(sql: Sql, migration: Migration, rolePrefix: string): Promise<boolean> {
  await sql.query('select pg_advisory_xact_lock($1)', [ADVISORY_LOCK])
  const found = await sql.query<{ checksum: string }>('select checksum from ambit.migrations where number = $1', [migration.number])
  const before = found.rows[0]
  if (before && before.checksum !== migration.checksum) {
    throw new StartError('edited_migration', `${migration.name} ran on this database with another text. A migration that ran is never edited: add a new one.`)
  }
  if (before) return false
  await sql.script(withRolePrefix(migration.text, rolePrefix) + record(migration))
  return true
}

function record({ number, name, checksum }: Migration): string {
  return `insert into ambit.migrations (number, name, checksum) values (${number}, '${name}', '${checksum}');`
}
