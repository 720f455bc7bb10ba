import { readdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { Writable } from 'node:stream'
import { promisify } from 'node:util'
import { createLog } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'

/** How a server is at one moment. */
export interface Vitals {
  /** JavaScript heap and buffers after a garbage collection, in bytes. */
  readonly heap: number
  readonly rss: number
  /** Since the last time, the collection not counted. */
  readonly delayMs: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Connections of clients. */
  readonly clients: number
  /** Open files and sockets of every kind; null where there is no /proc. */
  readonly files: number | null
  /** What keeps the process alive, by kind: sockets, servers, timers, requests. */
  readonly resources: Readonly<Record<string, number>>
  /** Errors logged so far, and what the first of them say. */
  readonly errors: { readonly count: number; readonly first: readonly string[] }
}

export interface ErrorCount {
  readonly log: Log
  readonly seen: { count: number; first: string[] }
}

const ERROR = 50
const SHOWN = 5

/** A log at `info` that is kept by nobody, but for its errors. */
export function countErrors(): ErrorCount {
  const seen = { count: 0, first: [] as string[] }
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      const { level, ...said } = JSON.parse(line.toString()) as { level: number }
      if (level >= ERROR) seen.count += 1
      if (level >= ERROR && seen.first.length < SHOWN) seen.first.push(JSON.stringify(said))
      done()
    },
  })
  return { log: createLog({ level: 'info', destination }), seen }
}

const NANOS = 1e6

/** What this process tells about itself besides. */
export function watchProcess(server: Server, { seen }: ErrorCount): { vitals(): Promise<Vitals> } {
  const delay = monitorEventLoopDelay({ resolution: 5 })
  const connections = promisify(server.getConnections.bind(server))
  delay.enable()
  return {
    async vitals() {
      delay.disable()
      const delayMs = { p50: delay.percentile(50) / NANOS, p99: delay.percentile(99) / NANOS, max: delay.max / NANOS }
      for (let pass = 0; pass < 2; pass += 1) globalThis.gc?.()
      const { rss, heapUsed, external } = process.memoryUsage()
      const vitals = { heap: heapUsed + external, rss, delayMs, clients: await connections(), files: openFiles(), resources: countResources(), errors: seen }
      delay.reset()
      delay.enable()
      return vitals
    },
  }
}

function openFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return null // no /proc
  }
}

function countResources(): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}
