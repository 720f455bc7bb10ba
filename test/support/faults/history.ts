import { setTimeout as pause } from 'node:timers/promises'
import { createParser } from 'eventsource-parser'
import { APOLLO, question } from '../client.ts'
import type { Plan } from './plan.ts'
import { questionOf } from './plan.ts'

/** An event as a reader got it. */
export interface HeldFrame {
  readonly id: string
  readonly data: string
  readonly at: number
}

/** How one connection went. `nothing`: 204, at the end. `broken`: reset, silent for too long, or never there. `closed`: ended as if that were all. */
export interface Reading {
  readonly node: string
  readonly after: string | null
  readonly status: number | null
  readonly frames: number
  readonly end: 'done' | 'nothing' | 'broken' | 'closed' | 'refused'
  readonly detail: string
}

/** Everything that one reader of a run was sent, over all of its connections. */
export interface Reader {
  readonly readings: readonly Reading[]
  readonly held: readonly HeldFrame[]
  /** Whether it read to `[DONE]`, or was told that there is nothing more. */
  readonly whole: boolean
}

/** A question, and everything that was acknowledged of it. */
export interface History {
  readonly plan: Plan
  readonly thread: string
  readonly messageId: string
  /** Statuses of the posts that were answered at all. */
  readonly posts: readonly number[]
  /** Null where no post was acknowledged. */
  readonly runId: string | null
  readonly readers: readonly Reader[]
}

/** Where a client may ask at this moment; nodes come and go. */
export type Doors = () => readonly Door[]
export interface Door {
  readonly name: string
  readonly url: string
}

export interface ClientOptions {
  readonly key: string
  readonly doors: Doors
  /** A connection without a byte, heartbeats included, for so long is given up. */
  readonly patienceMs: number
  /** All of it must be over by then. */
  readonly deadlineMs: number
}

export const FAULT_SCOPE = APOLLO
const AGAIN_MS = 100
/** What a client asks again after: nobody there, starting, stopping, a proxy's word. */
const LATER = new Set([500, 502, 503, 504])

/** One question, and how it is put. */
export interface Put {
  readonly thread: string
  /** The door that it goes to first. */
  readonly at: number
  readonly onActive?: 'queue' | 'interrupt'
  /** Told when it is acknowledged, or never will be: what comes behind it may be asked. */
  acknowledged?(): void
}

interface Open {
  readonly readings: Reading[]
  readonly held: HeldFrame[]
  whole: boolean
}

/** Posts a question until it is acknowledged, reads on wherever it can, and follows from the beginning on another node beside it. */
export async function askAndFollow(plan: Plan, { thread, at, onActive, acknowledged = () => {} }: Put, options: ClientOptions): Promise<History> {
  const messageId = `m-${plan.id}`
  const posts: number[] = []
  const poster: Open = { readings: [], held: [], whole: false }
  const readers: Open[] = [poster]
  const deadline = performance.now() + options.deadlineMs
  const known: { runId: string | null; following: Promise<void> } = { runId: null, following: Promise.resolve() }
  const learn = (runId: string) => {
    if (known.runId !== null) return
    const follower: Open = { readings: [], held: [], whole: false }
    readers.push(follower)
    known.runId = runId
    acknowledged()
    known.following = followToEnd(follower, { runId, at: at + 1 }, options, deadline)
  }
  for (let turn = at; known.runId === null && performance.now() < deadline; turn += 1) {
    const door = doorAt(options, turn)
    const body = JSON.stringify({ ...question(thread, questionOf(plan), messageId), ...(onActive && { onActive }) })
    const request = new Request(`${door?.url ?? 'http://127.0.0.1:1'}${FAULT_SCOPE}/chat`, { method: 'POST', body, headers: headersOf(options.key) })
    const reading = await readOnce(request, { door, reader: poster, after: null, options, deadline, learn })
    if (reading.status !== null) posts.push(reading.status)
    if (known.runId === null) await pause(AGAIN_MS)
    if (reading.end === 'refused' && reading.status !== 409) break
  }
  acknowledged()
  if (known.runId !== null && !poster.whole) await followToEnd(poster, { runId: known.runId, at }, options, deadline)
  await known.following
  return { plan, thread, messageId, posts, runId: known.runId, readers }
}

/** Reads on from what it has, on one door after the other, until it is told that this is all. */
async function followToEnd(reader: Open, { runId, at }: { runId: string; at: number }, options: ClientOptions, deadline: number): Promise<void> {
  for (let turn = at; !reader.whole && performance.now() < deadline; turn += 1) {
    const door = doorAt(options, turn)
    const after = reader.held.at(-1)?.id ?? null
    const headers = { ...headersOf(options.key), ...(after !== null && { 'last-event-id': after }) }
    const request = new Request(`${door?.url ?? 'http://127.0.0.1:1'}${FAULT_SCOPE}/runs/${runId}/events`, { headers })
    const { end } = await readOnce(request, { door, reader, after, options, deadline, learn: () => {} })
    if (end === 'refused') return
    if (!reader.whole) await pause(AGAIN_MS)
  }
}

interface Reach {
  readonly door: Door | undefined
  readonly reader: Open
  readonly after: string | null
  readonly options: ClientOptions
  readonly deadline: number
  readonly learn: (runId: string) => void
}

/** One connection, from its request to its end, however that comes. */
async function readOnce(request: Request, { door, reader, after, options, deadline, learn }: Reach): Promise<Reading> {
  const before = reader.held.length
  const giveUp = new AbortController()
  let status: number | null = null
  let timer: NodeJS.Timeout | undefined
  const alive = () => {
    clearTimeout(timer)
    timer = setTimeout(() => giveUp.abort(new Error('silent for too long')), Math.max(1, Math.min(options.patienceMs, deadline - performance.now())))
  }
  const close = (end: Reading['end'], detail = ''): Reading => {
    clearTimeout(timer)
    const reading = { node: door?.name ?? 'none', after, status, frames: reader.held.length - before, end, detail }
    reader.readings.push(reading)
    return reading
  }
  try {
    alive()
    const response = await fetch(request, { signal: giveUp.signal })
    status = response.status
    if (status === 204) {
      reader.whole = true
      return close('nothing')
    }
    if (status !== 200 || !response.body) return close(LATER.has(status) ? 'broken' : 'refused', await response.text())
    const runId = response.headers.get('x-resumable-stream-id')
    if (runId !== null) learn(runId)
    const done = await readEvents(response.body, reader.held, alive)
    reader.whole ||= done
    return close(done ? 'done' : 'closed')
  } catch (error) {
    return close('broken', String(error instanceof Error ? (error.cause ?? error) : error))
  }
}

/** True where it came to `[DONE]`. Rejects where the connection breaks. */
async function readEvents(body: ReadableStream<Uint8Array>, held: HeldFrame[], alive: () => void): Promise<boolean> {
  let done = false
  const parser = createParser({
    onEvent({ id = '', data }) {
      if (data === '[DONE]') done = true
      else held.push({ id, data, at: performance.now() })
    },
  })
  const decoder = new TextDecoder()
  for await (const bytes of body) {
    alive()
    parser.feed(decoder.decode(bytes, { stream: true }))
  }
  return done
}

function doorAt({ doors }: ClientOptions, turn: number): Door | undefined {
  const open = doors()
  return open[turn % Math.max(1, open.length)]
}

export function headersOf(key: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
}
