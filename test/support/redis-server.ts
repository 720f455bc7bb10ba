import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
