import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// The suites that touch a database once more, as a managed PostgreSQL would meet them: on the oldest version that is
// promised, and behind a pooler in transaction mode. Arguments go to vitest in place of the files.

const OLDEST = 15
/** What goes through the app's own connections. */
const SERVING = ['test/flows/', 'test/faults/', 'test/http/health', 'test/walls/handles', 'test/walls/routes', 'test/walls/two-tenants', 'test/walls/history']
/** What is a matter of SQL, of roles and of the catalogue; and of each kind of request one. */
const SQL = [
  'test/contracts/', 'test/store/', 'test/walls/', 'test/faults/takeover', 'test/faults/lost-race',
  ...['answer', 'branches', 'context', 'delete-thread', 'documents', 'files', 'idempotency', 'keys', 'members', 'projects', 'run-detail', 'scope-events', 'settings', 'sign-in', 'stop', 'turns'].map((name) => `test/flows/${name}.`),
]
/** Wide searches over what is decided above the database, faults of models, clients and whole processes: another database tells nothing new. */
const ELSEWHERE = [
  'test/walls/oracle*', 'test/walls/matrix*', 'test/faults/provider*', 'test/faults/model*', 'test/faults/openai*', 'test/faults/matrix*', 'test/faults/invariants*',
  'test/flows/ai-sdk*', 'test/flows/event-source*', 'test/flows/stream-bounds*', 'test/flows/bodies*', 'test/flows/citations*', 'test/flows/redis*',
  'test/faults/unread*', 'test/flows/tools*', 'test/flows/closing-events*', 'test/flows/closed-calls*',
]
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/pgbouncer/', import.meta.url))
const DEBIAN_PACKAGES = ['pgbouncer', 'libevent-2.1-7', 'libc-ares2']

const path = (process.env['PATH'] ?? '').split(delimiter)

const passes = [
  {
    name: `PostgreSQL ${OLDEST}`,
    variable: 'AMBIT_TEST_POSTGRES_BIN',
    files: SQL,
    found: findPostgres(),
    advice: `install postgresql-${OLDEST}, or put its programs on the PATH`,
  },
  {
    name: 'PgBouncer in transaction mode',
    variable: 'AMBIT_TEST_PGBOUNCER',
    files: SERVING,
    found: findPgbouncer() ?? unpackPgbouncer(),
    advice: 'install pgbouncer, or fill the package lists (apt-get update), so that it can be unpacked',
  },
]

for (const { name, variable, files, found, advice } of passes) {
  process.stdout.write(`\n${name}: ${found ?? 'not found'}\n`)
  if (found === null) process.stderr.write(`\nWithout ${name}: ${advice}.\nThe tests on it are SKIPPED.\n\n`)
  else run(files, { [variable]: found, AMBIT_TEST_KINDS: 'PostgreSQL' })
}

function run(files: readonly string[], environment: Record<string, string>): void {
  const given = process.argv.slice(2)
  const vitest = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
  const chosen = given.length > 0 ? given : [...files, ...ELSEWHERE.flatMap((pattern) => ['--exclude', pattern])]
  const { status } = spawnSync(process.execPath, [vitest, 'run', ...chosen], {
    env: { ...process.env, ...environment },
    stdio: 'inherit',
  })
  if (status !== 0) process.exit(status ?? 1)
}

/** The folder of its programs: a server of this version that is on the PATH, or where Debian and Red Hat put it. */
function findPostgres(): string | null {
  const folders = [...path, `/usr/lib/postgresql/${OLDEST}/bin`, `/usr/pgsql-${OLDEST}/bin`]
  return folders.find((folder) => versionOf(join(folder, 'postgres')) === OLDEST) ?? null
}

function versionOf(program: string): number | null {
  if (!existsSync(program) || !existsSync(join(program, '../initdb'))) return null
  return Number(/\d+/.exec(spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[0])
}

function findPgbouncer(): string | null {
  const folders = [...path, '/usr/sbin', join(CACHE, 'usr/sbin')]
  return folders.map((folder) => join(folder, 'pgbouncer')).find((program) => existsSync(program)) ?? null
}

/** From the machine's own package source, where it is Debian's: unpacked and not installed, so nobody needs to be root. */
function unpackPgbouncer(): string | null {
  mkdirSync(join(CACHE, '..'), { recursive: true })
  const draft = mkdtempSync(`${CACHE.slice(0, -1)}-`)
  try {
    execFileSync('apt-get', ['download', ...DEBIAN_PACKAGES], { cwd: draft, stdio: 'pipe' })
    for (const file of readdirSync(draft)) execFileSync('dpkg', ['-x', file, '.'], { cwd: draft, stdio: 'pipe' })
    renameSync(draft, CACHE)
    return findPgbouncer()
  } catch (error) {
    rmSync(draft, { recursive: true, force: true })
    process.stderr.write(`PgBouncer could not be unpacked: ${error instanceof Error ? error.message : String(error)}\n`)
    return null
  }
}
