import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp } from 'node:fs/promises'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { inject } from 'vitest'
import { newFolder, plainEnvironment } from './install.ts'
import type { Folder } from './install.ts'
import type { HostDatabase } from './host-database.ts'

type Environment = Readonly<Record<string, string>>

/** An example in a folder of its own, with what its `package.json` names, and the packed Ambit among it. */
export interface HostApp extends Folder {
  /** As its README says: the tables of Ambit, and the one that is opened to tools. */
  prepare(database: HostDatabase): Promise<void>
  /** Until a page of it answers. */
  start(command: readonly [string, ...string[]], environment: Environment, page?: string): Promise<RunningHost>
}

export interface RunningHost {
  readonly url: string
  /** What it has written so far. */
  output(): string
  /** SIGTERM to it and all that it started; false where it did not end by that. */
  end(): Promise<boolean>
}

export const EXPOSE = ['ambit', 'expose', 'orders', '--org-column', 'account', '--project-column', 'shop', '--allow', 'select'] as const

/** The Node that runs these tests, and nothing else of the repository. */
const PATH = `${dirname(process.execPath)}:${plainEnvironment()['PATH'] ?? ''}`

export async function installExample(name: string): Promise<HostApp> {
  const folder = await newFolder()
  const example = join(import.meta.dirname, '../../../examples', name)
  await cp(example, folder.path, { recursive: true, filter: (path) => !['node_modules', '.next'].includes(basename(path)) })
  const run: Folder['run'] = (program, words, environment = {}) => folder.run(program, words, { PATH, ...environment })
  // Where the manifest says "*" for Ambit, this says which. By the machine's own npm on its own Node: how it reaches the registry is configured beside that.
  await folder.run('npm', ['install', inject('tarball')])
  return {
    ...folder,
    run,
    async prepare({ environment }) {
      await run('npx', ['ambit', 'migrate'], environment)
      await run('npx', EXPOSE, environment)
    },
    start: (command, environment, page = '/') => startHost(folder.path, command, environment, page),
  }
}

export async function startHost(cwd: string, [program, ...words]: readonly [string, ...string[]], environment: Environment, page = '/'): Promise<RunningHost> {
  const port = await freePort()
  // A group of its own: npm starts what it starts, and all of it has to end.
  const child = spawn(program, words, { cwd, detached: true, env: { ...plainEnvironment(), PATH, PORT: String(port), AMBIT_PORT: String(port), ...environment }, stdio: ['ignore', 'pipe', 'pipe'] })
  let written = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (written += text))
  const exited = once(child, 'close')
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-(child.pid ?? 0), name)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
  }
  const running: RunningHost = {
    url: `http://127.0.0.1:${port}`,
    output: () => written,
    async end() {
      signal('SIGTERM')
      if (await Promise.race([exited.then(() => true), delay(10_000, false, { ref: false })])) return true
      signal('SIGKILL')
      await exited
      return false
    },
  }
  const answers = untilAnswered(running.url + page)
  const outcome = await Promise.race([answers.answered, exited.then(() => 'ended' as const)])
  answers.giveUp()
  if (outcome === 'ended') throw new Error(`${[program, ...words].join(' ')} ended: ${written}`)
  return running
}

/** Whether it listens can only be found out by asking. */
function untilAnswered(url: string): { readonly answered: Promise<'answered' | 'given up'>; giveUp(): void } {
  const given = new AbortController()
  const ask = async () => {
    while (!given.signal.aborted) {
      const ok = await fetch(url, { signal: given.signal }).then((response) => response.text().then(() => response.ok), () => false)
      if (ok) return 'answered'
      await delay(50)
    }
    return 'given up'
  }
  return { answered: ask(), giveUp: () => given.abort() }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
