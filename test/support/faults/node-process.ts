import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FaultPoint } from '../../../src/lib/observe/fault-point.ts'

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
  readonly drained?: true
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

const FILE = fileURLToPath(new URL('fault-node.ts', import.meta.url))

/** Starts a node and waits until it takes connections. */
export async function startNode(settings: NodeSettings): Promise<NodeProcess> {
  const child = spawn(process.execPath, [FILE, JSON.stringify(settings)], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  const { stdout, stderr } = child
  if (!stdout || !stderr) throw new Error('spawned without its outputs')
  const log: string[] = []
  createInterface({ input: stderr }).on('line', (line) => void log.push(line))
  const listening = Promise.withResolvers<number>()
  let hit = Promise.withResolvers<number>()
  const exited = Promise.withResolvers<number | NodeJS.Signals>()
  let heard = Promise.withResolvers<void>()
  createInterface({ input: stdout }).on('line', (line) => {
    const word = JSON.parse(line) as NodeWord
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
