import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Drive } from '../../../src/index.ts'
import type { FaultPoint } from '../../../src/lib/observe/fault-point.ts'
import { COMPILE_CACHE } from '../compile-cache.ts'

export interface NodeSettings {
  readonly name: string
  /** Null: the embedded database in `directory`. */
  readonly storeUrl: string | null
  readonly directory: string | null
  readonly redisUrl: string | null
  readonly modelUrl: string
  readonly ledgerUrl: string
  /** 0: any. */
  readonly port: number
  readonly drive: Drive
  /** How long SIGTERM lets its runs go on. */
  readonly graceMs: number
}

export type FaultSignal = 'SIGKILL' | 'SIGSTOP'

/** What a node does to itself when it passes the point for the n-th time. */
export interface Armed {
  readonly point: FaultPoint
  readonly passing: number
  readonly signal: FaultSignal
}

export interface NodeOrder {
  readonly arm: Armed | null
}

/** One line of a node's standard output. */
export interface NodeWord {
  readonly listening?: number
  readonly armed?: FaultPoint | null
  readonly hit?: FaultPoint
}

/** A worker says where it is in words for people. */
function wordOf(line: string): NodeWord {
  if (line.startsWith('{')) return JSON.parse(line) as NodeWord
  const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
  return port === undefined ? {} : { listening: Number(port) }
}

/** A node in a process of its own, as its test sees it. */
export interface NodeProcess {
  readonly name: string
  readonly url: string
  readonly alive: boolean
  /** What it logged, for whoever asks why. */
  readonly log: readonly string[]
  /** From now on, and not for passings before. Resolves when the node has heard. */
  arm(armed: Armed | null): Promise<void>
  /** When it hits what it was armed with last, by the clock of this process. Never, where it does not pass it. */
  hit(): Promise<number>
  signal(name: NodeJS.Signals): void
  /** With its code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>
  /** SIGTERM, and its end. */
  drain(): Promise<void>
  /** SIGKILL, and its end. Also of one that stands still. */
  kill(): Promise<void>
}

const pathOf = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const NODE = [pathOf('fault-node.ts')]
const WORKER = [pathOf('../../../src/main.ts'), 'worker', pathOf('fault-ambit.ts')]

/** Starts a node and waits until it takes connections. */
export function startNode(settings: NodeSettings): Promise<NodeProcess> {
  return startProcess(settings, NODE)
}

/** `ambit worker`: it drives, and has a door for probes alone. */
export function startWorker(settings: NodeSettings): Promise<NodeProcess> {
  return startProcess(settings, WORKER)
}

async function startProcess(settings: NodeSettings, words: readonly string[]): Promise<NodeProcess> {
  const env = { ...process.env, ...COMPILE_CACHE, AMBIT_PORT: String(settings.port), AMBIT_GRACE_MS: String(settings.graceMs), FAULT_NODE: JSON.stringify(settings) }
  const child = spawn(process.execPath, words, { env, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('spawned without its outputs')
  const log: string[] = []
  createInterface({ input: stderr }).on('line', (line) => void log.push(line))
  const listening = Promise.withResolvers<number>()
  let hit = Promise.withResolvers<number>()
  const exited = Promise.withResolvers<number | NodeJS.Signals>()
  let heard = Promise.withResolvers<void>()
  createInterface({ input: stdout }).on('line', (line) => {
    const word = wordOf(line)
    if (word.listening !== undefined) listening.resolve(word.listening)
    if (word.armed !== undefined) heard.resolve()
    if (word.hit !== undefined) hit.resolve(performance.now())
  })
  child.once('exit', (code, signal) => {
    listening.reject(new Error(`The node ${settings.name} did not start:\n${log.slice(-20).join('\n')}`))
    exited.resolve(signal ?? code ?? 0)
  })
  const end = async (signal: NodeJS.Signals) => {
    child.kill(signal)
    await exited.promise
    if (child.connected) child.disconnect()
  }
  const port = await listening.promise
  return {
    name: settings.name,
    url: `http://127.0.0.1:${port}`,
    get alive() {
      return child.exitCode === null && child.signalCode === null
    },
    log,
    async arm(armed) {
      heard = Promise.withResolvers<void>()
      hit = Promise.withResolvers<number>()
      child.send({ arm: armed } satisfies NodeOrder)
      await heard.promise
    },
    hit: () => hit.promise,
    signal: (name) => void child.kill(name),
    exited: exited.promise,
    drain: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  }
}
