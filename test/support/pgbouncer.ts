import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { findFreePort, nobody } from './postgres-server.ts'

export interface Pooler {
  /** Host and port of the pooler; no login. */
  readonly url: string
  stop(): Promise<void>
}

/**
 * PgBouncer in transaction mode before a server, as a managed database would have it: two logins share few connections, and
 * nothing that a session would remember outlives a transaction. Strict: it knows no startup parameter that it was not told
 * of, and (before 1.21) no prepared statement.
 */
export async function startPgbouncer(program: string, server: string, login: { user: string; password: string }): Promise<Pooler> {
  const root = mkdtempSync(join(tmpdir(), 'ambit-pgbouncer-'))
  const port = await findFreePort()
  const { hostname, port: serverPort } = new URL(server)
  writeFileSync(join(root, 'users'), `"${login.user}" "${login.password}"\n`)
  writeFileSync(join(root, 'ini'), configuration({ root, port, server: `host=${hostname} port=${serverPort}` }))
  if (nobody.uid !== undefined) execFileSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, root])
  const child = spawn(program, [join(root, 'ini')], {
    ...nobody,
    cwd: root,
    env: { LD_LIBRARY_PATH: librariesOf(program) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const stop = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit')
      child.kill('SIGTERM')
      await exited
    }
    rmSync(root, { recursive: true, force: true })
  }
  try {
    await untilUp(child)
  } catch (error) {
    await stop()
    throw error
  }
  return { url: `postgres://127.0.0.1:${port}/`, stop }
}

/** Four connections for the ten of each pool of the app: they are taken from each other all the time. */
function configuration({ root, port, server }: { root: string; port: number; server: string }): string {
  return `[databases]
* = ${server}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
pool_mode = transaction
default_pool_size = 4
max_client_conn = 1000
server_idle_timeout = 5
auth_type = scram-sha-256
auth_file = ${join(root, 'users')}
`
}

/** What was unpacked without being installed has its libraries beside it. */
function librariesOf(program: string): string {
  return join(dirname(dirname(program)), 'lib', process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu')
}

/** Reads the log to its end: a full pipe would stop it. */
function untilUp(child: ChildProcess): Promise<void> {
  const { stderr } = child
  if (stderr === null) throw new Error('spawned without stderr')
  let log = ''
  return new Promise((resolve, reject) => {
    const read = (text: string) => {
      log += text
      if (!log.includes('process up')) return
      stderr.off('data', read).on('data', () => {})
      resolve()
    }
    stderr.setEncoding('utf8').on('data', read)
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`PgBouncer did not start:\n${log}`)))
  })
}
