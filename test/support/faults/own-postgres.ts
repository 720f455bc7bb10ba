import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { inject } from 'vitest'
import { connect } from '../../../src/lib/store/open-postgres.ts'
import { openHandles } from '../../../src/lib/store/handles.ts'
import type { TestDatabase } from '../databases.ts'
import { findFreePort, nobody } from '../postgres-server.ts'
import { APP, TEMPLATE_DATABASE, preparePostgres, urlOf } from '../templates.ts'

/** A PostgreSQL that a test may kill, start again on what it had committed, and hold still. */
export interface OwnPostgres {
  /** Migrated, and reached by the app's login. */
  readonly database: TestDatabase
  /** SIGKILL, to the server and whatever serves its connections. */
  kill(): Promise<void>
  /** On the same data: it recovers what it had committed. */
  start(): Promise<void>
  /** SIGSTOP and SIGCONT, to all of its processes. */
  pause(): void
  goOn(): void
  close(): Promise<void>
}

const PASSWORD = 'own-secret'

/** With the programs of the server that the tests run on. It commits as production does. */
export async function startKillablePostgres(): Promise<OwnPostgres> {
  const bin = await programsOf(inject('postgresUrl'))
  const root = await mkdtemp(join(tmpdir(), 'ambit-own-postgres-'))
  await writeFile(join(root, 'password'), PASSWORD, { mode: 0o644 })
  if (nobody.uid !== undefined && nobody.gid !== undefined) chownSync(root, nobody.uid, nobody.gid)
  const data = join(root, 'data')
  execFileSync(join(bin, 'initdb'), ['-D', data, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${join(root, 'password')}`, '-E', 'UTF8', '--locale=C', '--no-sync'], { ...nobody, cwd: root, stdio: 'ignore' })
  const port = await findFreePort()
  let server: ChildProcess | null = null

  const start = async () => {
    // A server that was killed leaves its children a moment in which no other one may start on its data.
    for (let tries = 0; server === null; tries += 1) server = await tryToStart({ bin, root, data, port }, tries < 50)
  }
  const kill = async () => {
    const dying = server
    server = null
    if (!dying?.pid) return
    const children = childrenOf(dying.pid)
    const exited = once(dying, 'exit')
    dying.kill('SIGKILL')
    for (const pid of children) signalTo(pid, 'SIGKILL')
    await exited
  }
  const toAll = (signal: NodeJS.Signals) => {
    if (!server?.pid) return
    for (const pid of [...childrenOf(server.pid), server.pid]) signalTo(pid, signal)
  }

  await start()
  const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
  await preparePostgres(url)
  const name = TEMPLATE_DATABASE
  const superuser = connect(urlOf(url, name), () => {})
  return {
    database: { source: urlOf(url, name, APP), handles: openHandles(superuser), superuser, drop: () => superuser.close() },
    kill,
    start,
    pause: () => toAll('SIGSTOP'),
    goOn: () => toAll('SIGCONT'),
    async close() {
      await kill()
      await rm(root, { recursive: true, force: true })
    },
  }
}

async function programsOf(url: string): Promise<string> {
  const admin = connect(url, () => {})
  try {
    const { rows } = await admin.transaction('', (sql) => sql.query<{ setting: string }>("select setting from pg_config() where name = 'BINDIR'"))
    return rows[0]?.setting ?? ''
  } finally {
    await admin.close()
  }
}

interface Where {
  readonly bin: string
  readonly root: string
  readonly data: string
  readonly port: number
}

async function tryToStart({ bin, root, data, port }: Where, again: boolean): Promise<ChildProcess | null> {
  const child = spawn(join(bin, 'postgres'), ['-D', data, '-h', '127.0.0.1', '-k', '', '-p', String(port), '-c', 'fsync=off', '-c', 'max_connections=60'], {
    ...nobody, cwd: root, stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  if (!child.stderr) throw new Error('spawned without stderr')
  const reading = createInterface({ input: child.stderr })
  const ready = new Promise<boolean>((resolve) => {
    reading.on('line', (line) => {
      lines.push(line)
      if (line.includes('ready to accept connections')) resolve(true)
    })
    child.once('exit', () => resolve(false))
  })
  if (await ready) return child
  if (!again) throw new Error(`PostgreSQL did not start:\n${lines.join('\n')}`)
  await pause(100)
  return null
}

/** Each serves a connection in a session of its own: no process group holds them all. */
function childrenOf(parent: number): readonly number[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return []
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      const [, ppid] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return Number(ppid) === parent ? [Number(entry)] : []
    } catch {
      return [] // it has ended meanwhile
    }
  })
}

function signalTo(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // it has ended meanwhile
  }
}
