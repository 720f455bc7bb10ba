import type { Database } from './database.ts'
import { readMigrations } from './migrate.ts'
import { StartError } from './start-error.ts'

interface Login {
  readonly name: string
  readonly rolsuper: boolean
  readonly rolbypassrls: boolean
  readonly owns: boolean
  readonly inherits: boolean
  readonly may_set: boolean
}

/**
 * Refuses a database on which the walls would not hold, or whose schema is not this version's. A login that is
 * superuser, has BYPASSRLS, owns the tables or inherits a role reads past every policy without an error.
 */
export async function checkDatabase(database: Database, rolePrefix: string): Promise<void> {
  const login = await readLogin(database, rolePrefix)
  if (!login) {
    throw new StartError('not_migrated', 'This database has no Ambit schema. Run `ambit migrate` with AMBIT_DATABASE_OWNER_URL set.')
  }
  const fault = faultOf(login)
  if (fault) {
    throw new StartError(
      'unsafe_login',
      `The login "${login.name}" ${fault}, so row-level security would not hold. ` +
        'Run `ambit migrate`: it makes a login that is right, from the name and password in AMBIT_DATABASE_URL.',
    )
  }
  await checkMigrations(database, rolePrefix)
}

async function readLogin(database: Database, rolePrefix: string): Promise<Login | undefined> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<Login>(
      `select current_user as name, me.rolsuper, me.rolbypassrls,
              exists (select from pg_tables where schemaname = 'ambit' and tableowner = current_user) as owns,
              bool_or(pg_has_role(current_user, wall.oid, 'usage')) as inherits,
              bool_and(pg_has_role(current_user, wall.oid,
                case when current_setting('server_version_num')::int >= 160000 then 'set' else 'member' end)) as may_set
       from pg_roles me, pg_roles wall
       where me.rolname = current_user and wall.rolname in ($1, $2, $3)
         and exists (select from pg_namespace where nspname = 'ambit')
       group by me.rolsuper, me.rolbypassrls
       having count(*) = 3`,
      ['lookup', 'scoped', 'sweeper'].map((name) => rolePrefix + name),
    ),
  )
  return rows[0]
}

function faultOf(login: Login): string | null {
  if (login.rolsuper) return 'is a superuser'
  if (login.rolbypassrls) return 'has BYPASSRLS'
  if (login.owns) return 'owns the tables'
  if (login.inherits) return "inherits one of Ambit's roles"
  if (!login.may_set) return "may not SET one of Ambit's roles"
  return null
}

async function checkMigrations(database: Database, rolePrefix: string): Promise<void> {
  const { rows } = await database.transaction(`set local role "${rolePrefix}lookup"`, (sql) =>
    sql.query<{ name: string }>('select name from ambit.migrations'),
  )
  const applied = new Set(rows.map((row) => row.name))
  const missing = (await readMigrations()).filter((migration) => !applied.has(migration.name))
  if (missing.length > 0) {
    const names = missing.map((migration) => migration.name).join(', ')
    throw new StartError('not_migrated', `This database lacks ${names}. Run \`ambit migrate\` with AMBIT_DATABASE_OWNER_URL set.`)
  }
}
