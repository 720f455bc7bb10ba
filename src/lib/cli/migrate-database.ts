import type { Database } from '../store/database.ts'
import { findSharers, migrate, printMigrations } from '../store/migrate.ts'
import { connect } from '../store/open-postgres.ts'
import { loginScript } from '../store/role-script.ts'
import { scramVerifier } from '../store/scram-verifier.ts'
import type { Command, ExitCode } from './command.ts'
import { badSetting } from './settings.ts'
import type { Settings } from './settings.ts'
import type { Terminal } from './terminal.ts'

export const migrateDatabase: Command = {
  name: 'migrate',
  about: "Bring a PostgreSQL database to this version: schema, roles, and the app's login as AMBIT_DATABASE_URL names it.",
  options: { print: { about: 'write the SQL for a DBA instead, and connect to nothing' } },
  async run(given, { settings, terminal }) {
    return given.has('print') ? print(settings(), terminal) : run(settings(), terminal)
  },
}

async function print(settings: Settings, terminal: Terminal): Promise<ExitCode> {
  const { rolePrefix } = settings
  const login = loginOf(settings)?.name ?? `${rolePrefix}app`
  terminal.out(`${await printMigrations(rolePrefix)}
-- The app's login. It has no password yet: \\password ${login}
${loginScript(login, null, rolePrefix)}
-- Roles are the server's: where another database of it has Ambit with the prefix "${rolePrefix}" too, keep its login out of this one.
-- revoke connect on database ‹this one› from public;
`)
  return 0
}

async function run(settings: Settings, terminal: Terminal): Promise<ExitCode> {
  const { ownerUrl } = settings
  if (ownerUrl === null) throw badSetting('Set AMBIT_DATABASE_OWNER_URL to the login that owns the schema, or write the SQL for a DBA with "ambit migrate --print".')
  const login = loginOf(settings)
  if (login && login.name === userOf(ownerUrl).name) {
    throw badSetting('AMBIT_DATABASE_URL names the owner itself, whom row-level security would not hold: give it another user, and migrate makes that login.')
  }
  const database = connect(ownerUrl, ignore)
  try {
    const ran = await migrate(database, settings.rolePrefix)
    terminal.out(ran.length > 0 ? `Ran ${ran.join(', ')}.\n` : 'The schema is up to date: nothing to run.\n')
    if (login) await makeLogin(database, { ...login, rolePrefix: settings.rolePrefix }, terminal)
    else terminal.out("No login was made for the app: set AMBIT_DATABASE_URL to the one it shall have, and migrate again.\n")
    terminal.out(await adviceOn(database, { rolePrefix: settings.rolePrefix, name: databaseOf(ownerUrl) }))
    return 0
  } finally {
    await database.close()
  }
}

async function makeLogin(database: Database, { name, password, rolePrefix }: Login & { readonly rolePrefix: string }, terminal: Terminal): Promise<void> {
  const script = loginScript(name, password === '' ? null : scramVerifier(password), rolePrefix)
  await database.transaction('', (sql) => sql.script(script))
  terminal.out(`The login "${name}" is ready. (One that was there already keeps its password.)\n`)
}

/** Nothing of this is wrong by itself: who may log in to a server is its DBA's to decide. */
async function adviceOn(database: Database, { rolePrefix, name }: { readonly rolePrefix: string; readonly name: string }): Promise<string> {
  const sharers = await findSharers(database, rolePrefix)
  if (sharers.length === 0) return ''
  return `The roles ${rolePrefix}… are used in ${listed(sharers)} of this server, too, and everybody may connect here: an app's login of one can read the other.
Either give each installation an AMBIT_ROLE_PREFIX of its own before its first migrate, or keep the others' logins out:
  revoke connect on database "${name}" from public;
`
}

function listed(names: readonly string[]): string {
  const [first = ''] = names
  return names.length === 1 ? `the database "${first}"` : `"${first}" and ${names.length - 1} other databases`
}

interface Login {
  readonly name: string
  readonly password: string
}

function loginOf({ databaseUrl }: Settings): Login | null {
  if (databaseUrl === null) return null
  const login = userOf(databaseUrl)
  if (login.name === '') throw badSetting('AMBIT_DATABASE_URL names no user: write postgres://user:password@host/database.')
  return login
}

function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || userOf(url).name
}

function userOf(url: string): Login {
  const { username, password } = new URL(url)
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) }
}

/** A connection that is lost while it is idle; one that is used says so itself. */
function ignore(): void {}
