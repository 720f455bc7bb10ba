import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { findFreePort } from './postgres-server.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** A signal to the server: `SIGSTOP` and `SIGCONT` for one that hangs. */
  signal(name: NodeJS.Signals): void
  /** As a crash: nothing is kept. */
  kill(): Promise<void>
  /** Again on the same port, and empty. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const CACHE = fileURLToPath(new URL('../../node_modules/.cache/redis/', import.meta.url))
const DEBIAN_PACKAGES = ['redis-tools', 'libatomic1', 'libjemalloc2', 'liblzf1']
const LIBRARIES = join(CACHE, 'usr/lib', process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu')

/**
 * A real Redis (or Valkey) in memory, on a port of its own: the program on the PATH, or else one that is unpacked from the
 * machine's own package source. Null (loudly, and never in CI) where there is neither.
 */
export async function startRedis(options: readonly string[] = []): Promise<RedisServer | null> {
  const program = findProgram() ?? unpackProgram()
  if (program === null) {
    const message = 'No Redis: install redis-server or valkey-server, or fill the package lists (apt-get update), so that one can be unpacked.'
    if (process.env['CI'] === 'true') throw new Error(message)
    process.stderr.write(`\n${message}\nThe tests that need one are SKIPPED.\n\n`)
    return null
  }
  const root = mkdtempSync(join(tmpdir(), 'ambit-redis-'))
  const port = await findFreePort()
  const begin = () => spawnServer(program, ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', root, ...options])
  let child = await begin()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL') // also one that is stopped by a signal
    await exited
  }
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    signal: (name) => void child.kill(name),
    kill,
    async restart() {
      await kill()
      child = await begin()
    },
    async stop() {
      await kill()
      rmSync(root, { recursive: true, force: true })
    },
  }
}

export interface RedisCluster {
  /** One for each master. */
  readonly urls: readonly string[]
  readonly servers: readonly RedisServer[]
  stop(): Promise<void>
}

const MASTERS = 3
const SLOTS = 16_384

/** Three masters that share the slots; null as with `startRedis`. */
export async function startRedisCluster(options: readonly string[] = []): Promise<RedisCluster | null> {
  const buses = await Promise.all(Array.from({ length: MASTERS }, findFreePort))
  const found = await Promise.all(buses.map((bus) => startRedis(['--cluster-enabled', 'yes', '--cluster-port', String(bus), '--cluster-node-timeout', '1000', ...options])))
  const servers = found.filter((server) => server !== null)
  if (servers.length < MASTERS) return null
  const admins = servers.map(({ url }) => new Redis(url))
  const meet = servers.flatMap(({ port }, index) => ['127.0.0.1', String(port), String(buses[index])])
  for (const [index, admin] of admins.entries()) {
    await admin.cluster('ADDSLOTSRANGE', Math.floor((index * SLOTS) / MASTERS), Math.floor(((index + 1) * SLOTS) / MASTERS) - 1)
    await admin.call('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
    if (index > 0) await admin.call('CLUSTER', 'MEET', ...meet.slice(0, 3))
  }
  for (const admin of admins) while (!/cluster_state:ok[^]*cluster_known_nodes:3/.test(String(await admin.call('CLUSTER', 'INFO')))) await delay(20)
  for (const admin of admins) admin.disconnect()
  return { urls: servers.map(({ url }) => url), servers, stop: async () => void (await Promise.all(servers.map((server) => server.stop()))) }
}

export interface TlsRedis {
  readonly url: string
  /** The certificate of the authority that vouches for it: its own, known to nobody. */
  readonly ca: string
  stop(): Promise<void>
}

/** One that is reached over TLS and with a password; null as with `startRedis`. */
export async function startTlsRedis(password: string): Promise<TlsRedis | null> {
  const root = mkdtempSync(join(tmpdir(), 'ambit-redis-tls-'))
  try {
    certify(root)
    const port = await findFreePort()
    const file = (name: string) => join(root, name)
    const server = await startRedis([
      '--requirepass', password, '--tls-port', String(port), '--tls-auth-clients', 'no',
      '--tls-cert-file', file('server.crt'), '--tls-key-file', file('server.key'), '--tls-ca-cert-file', file('ca.crt'),
    ])
    const url = `rediss://:${encodeURIComponent(password)}@localhost:${port}`
    return server && { url, ca: readFileSync(file('ca.crt'), 'utf8'), stop: server.stop }
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** An authority, and what it says about `localhost`. */
function certify(cwd: string): void {
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { cwd, stdio: 'pipe' })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', '2', '-subj', '/CN=Authority of a test')
  openssl('req', '-x509', ...key, '-keyout', 'server.key', '-out', 'server.crt', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-CA', 'ca.crt', '-CAkey', 'ca.key')
}

async function spawnServer(program: string, options: readonly string[]): Promise<ChildProcess> {
  const child = spawn(program, options, { env: { ...process.env, LD_LIBRARY_PATH: LIBRARIES }, stdio: ['ignore', 'pipe', 'ignore'] })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      log += text
      if (/ready to accept connections/i.test(log)) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`Redis did not start:\n${log}`)))
  })
  return child
}

function findProgram(): string | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), join(CACHE, 'usr/bin')]
  return folders.flatMap((folder) => ['valkey-server', 'redis-server'].map((name) => join(folder, name))).find((program) => existsSync(program)) ?? null
}

/** Unpacked and not installed, so nobody needs to be root. The small package holds the server under the name of a tool. */
function unpackProgram(): string | null {
  mkdirSync(join(CACHE, '..'), { recursive: true })
  const draft = mkdtempSync(`${CACHE.slice(0, -1)}-`)
  try {
    execFileSync('apt-get', ['download', ...DEBIAN_PACKAGES], { cwd: draft, stdio: 'pipe' })
    for (const file of readdirSync(draft)) execFileSync('dpkg', ['-x', file, '.'], { cwd: draft, stdio: 'pipe' })
    copyFileSync(join(draft, 'usr/bin/redis-check-rdb'), join(draft, 'usr/bin/redis-server'))
    if (!existsSync(CACHE)) renameSync(draft, CACHE) // another test file may have been quicker
    return findProgram()
  } catch (error) {
    process.stderr.write(`Redis could not be unpacked: ${error instanceof Error ? error.message : String(error)}\n`)
    return findProgram()
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}
