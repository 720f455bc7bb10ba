import type { Database } from '../store/database.ts'
import { migrate, printMigrations } from '../store/migrate.ts'
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

const DEFAULT_LOGIN = 'ambit_app'

async function print(settings: Settings, terminal: Terminal): Promise<ExitCode> {
  const login = loginOf(settings)?.name ?? DEFAULT_LOGIN
  terminal.out(`${await printMigrations()}\n-- The app's login. It has no password yet: \\password ${login}\n${loginScript(login, null)}`)
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
    const ran = await migrate(database)
    terminal.out(ran.length > 0 ? `Ran ${ran.join(', ')}.\n` : 'The schema is up to date: nothing to run.\n')
    if (login) await makeLogin(database, login, terminal)
    else terminal.out("No login was made for the app: set AMBIT_DATABASE_URL to the one it shall have, and migrate again.\n")
    return 0
  } finally {
    await database.close()
  }
}

async function makeLogin(database: Database, { name, password }: Login, terminal: Terminal): Promise<void> {
  const script = loginScript(name, password === '' ? null : scramVerifier(password))
  await database.transaction('', (sql) => sql.script(script))
  terminal.out(`The login "${name}" is ready. (One that was there already keeps its password.)\n`)
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

function userOf(url: string): Login {
  const { username, password } = new URL(url)
  return { name: decodeURIComponent(username), password: decodeURIComponent(password) }
}

/** A connection that is lost while it is idle; one that is used says so itself. */
function ignore(): void {}
