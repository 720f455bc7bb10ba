import { createHash } from 'node:crypto'
import { mkdir, rename, stat, writeFile } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { migrate, readMigrations } from '../../src/lib/store/migrate.ts'
import { pgliteDatabase } from '../../src/lib/store/pglite-database.ts'
import { loginScript } from '../../src/lib/store/role-script.ts'
import { scramVerifier } from '../../src/lib/store/scram-verifier.ts'

/** The migrated database from which every test file copies its own. */
export const TEMPLATE_DATABASE = 'ambit_template'
/** As in production: an owner that is no superuser, and a login that owns nothing. */
export const OWNER = { user: 'test_owner', password: 'owner-secret' }
export const APP = { user: 'test_app', password: 'app-secret' }

const CACHE = new URL('../../node_modules/.cache/ambit/', import.meta.url)

/** Migrates once for all test files; answers the path of the PGlite template. An empty URL: there is no PostgreSQL here. */
export async function prepareTemplates(postgresUrl: string): Promise<string> {
  if (postgresUrl !== '') {
    await preparePostgres(postgresUrl)
    await shutTemplate(postgresUrl)
  }
  return preparePglite()
}

/** A test that connected to it would make the others' copies wait for it to leave, and fail after 5 s. */
async function shutTemplate(server: string): Promise<void> {
  const admin = connect(server, fail)
  await admin.transaction('commit', (sql) => sql.script(`alter database ${TEMPLATE_DATABASE} with allow_connections false`))
  await admin.close()
}

export function urlOf(server: string, database: string, login?: { user: string; password: string }): string {
  const url = new URL(server)
  url.pathname = `/${database}`
  if (login) {
    url.username = login.user
    url.password = login.password
  }
  return url.href
}

export async function preparePostgres(server: string): Promise<void> {
  const admin = connect(server, fail)
  await admin.transaction('', (sql) => sql.script(`create role ${OWNER.user} login createrole password '${OWNER.password}'`))
  await admin.transaction('commit', (sql) => sql.script(`create database ${TEMPLATE_DATABASE} owner ${OWNER.user}`))
  await admin.close()
  const owner = connect(urlOf(server, TEMPLATE_DATABASE, OWNER), fail)
  await migrate(owner)
  await owner.transaction('', (sql) => sql.script(loginScript(APP.user, scramVerifier(APP.password))))
  await owner.close()
}

/** Cached by the text of the migrations: making one takes 3 to 5 s. */
async function preparePglite(): Promise<string> {
  const migrations = await readMigrations()
  const hash = createHash('sha256').update(migrations.map((one) => one.checksum).join()).digest('hex').slice(0, 16)
  const file = new URL(`pglite-${hash}.tar`, CACHE)
  if (await exists(file)) return file.pathname
  const pglite = await PGlite.create()
  await migrate(pgliteDatabase(pglite))
  const dump = await pglite.dumpDataDir('none')
  await pglite.close()
  await mkdir(CACHE, { recursive: true })
  const draft = new URL(`pglite-${hash}.${process.pid}`, CACHE)
  await writeFile(draft, Buffer.from(await dump.arrayBuffer()))
  await rename(draft, file)
  return file.pathname
}

async function exists(file: URL): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  )
}

function fail(error: Error): never {
  throw error
}
