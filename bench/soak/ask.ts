import { once } from 'node:events'
import { request } from 'node:http'
import type { Agent, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { scriptText } from '../script.ts'
import type { Door, Drop, Plan } from './plan.ts'

/** Where and as whom is asked. */
export interface Asking {
  /** The address of the project. */
  readonly url: string
  readonly key: string
  readonly agent: Agent
}

/** How one connection went. `closed`: it ended as if that were all. `nothing`: 204. */
export interface Connection {
  readonly door: Door | 'post'
  readonly after: string | null
  readonly status: number
  readonly events: number
  readonly end: 'done' | 'dropped' | 'left' | 'nothing' | 'refused' | 'broken' | 'closed'
  readonly detail: string
}

/** A question, and everything that its reader was told. */
export interface History {
  readonly plan: Plan
  readonly thread: string
  readonly messageId: string
  /** Null where the question was not taken. */
  runId: string | null
  readonly connections: Connection[]
  /** Events as they came, since the reader last began with nothing. */
  held: string[]
  /** Whether it was told that this is all. */
  whole: boolean
  stop: { readonly status: number; readonly state: string } | null
}

const SILENT_MS = 30_000
const CONNECTIONS = 20

/** Asks, reads, drops its connection and comes back, stops or goes, as was planned. Rejects only where it is broken itself. */
export async function ask(asking: Asking, { plan, thread, messageId }: Pick<History, 'plan' | 'thread' | 'messageId'>): Promise<History> {
  const history: History = { plan, thread, messageId, runId: null, connections: [], held: [], whole: false, stop: null }
  const reader = { history, asking, seen: 0, stopping: Promise.resolve() }
  const drops = [...plan.drops]
  let drop = drops.shift()
  await connect(reader, { door: 'post', drop })
  while (!history.whole && history.runId !== null && history.connections.length < CONNECTIONS) {
    const { end } = history.connections.at(-1) ?? {}
    if (end === 'left' || end === 'refused' || end === 'closed') break
    const reloaded = end === 'nothing' // a page that finds nothing under way loads what there is
    const door: Door = end === 'dropped' ? (drop?.door ?? 'run') : 'run'
    if (end === 'dropped') await pause(drop?.awayMs ?? 0)
    drop = reloaded ? undefined : drops.shift()
    if (door === 'reload') history.held = []
    await connect(reader, { door, drop })
  }
  await reader.stopping
  return history
}

interface Reader {
  readonly history: History
  readonly asking: Asking
  /** Events that came, over all connections. */
  seen: number
  stopping: Promise<void>
}

interface Reach {
  readonly door: Door | 'post'
  readonly drop: Drop | undefined
}

async function connect(reader: Reader, { door, drop }: Reach): Promise<void> {
  const { history, asking } = reader
  const after = door === 'reload' ? null : (idOf(history.held.at(-1)) ?? null)
  let [status, events] = [0, 0]
  const close = (end: Connection['end'], detail = '') => void history.connections.push({ door, after, status, events, end, detail })
  try {
    const response = await (door === 'post' ? send(asking, 'POST', '/chat', questionOf(history)) : send(asking, 'GET', pathOf(history, door), null, after))
    status = response.statusCode ?? 0
    if (status !== 200 && status !== 204) return close('refused', (await text(response)).slice(0, 300))
    if (status === 204) {
      response.resume()
      history.whole = after !== null
      return close('nothing')
    }
    history.runId ??= String(response.headers['x-resumable-stream-id'])
    if (drop?.after === 0) {
      response.destroy()
      return close('dropped')
    }
    for await (const event of eventsOf(response)) {
      if (event === 'data: [DONE]') {
        history.whole = true
        continue
      }
      history.held.push(event)
      reader.seen += 1
      events += 1
      if (reader.seen === history.plan.stopAfter) reader.stopping = stop(reader)
      if (reader.seen === history.plan.leaveAfter) return close('left')
      if (events === drop?.after) return close('dropped')
    }
    return close(history.whole ? 'done' : 'closed')
  } catch (error) {
    return close('broken', String(error))
  }
}

/** Leaving the loop breaks the connection off. */
async function* eventsOf(response: IncomingMessage): AsyncGenerator<string, void, undefined> {
  let rest = ''
  response.setEncoding('utf8')
  for await (const piece of response as AsyncIterable<string>) {
    const events = (rest + piece).split('\n\n')
    rest = events.pop() ?? ''
    for (const event of events) if (!event.startsWith(':')) yield event
  }
}

async function stop({ history, asking }: Reader): Promise<void> {
  try {
    const response = await send(asking, 'POST', `/chat/${history.thread}/stop`, { run: history.runId })
    const said = await text(response)
    const { state = said.slice(0, 300) } = response.headers['content-type'] === 'application/json' ? (JSON.parse(said) as { state?: string }) : {}
    history.stop = { status: response.statusCode ?? 0, state }
  } catch (error) {
    history.stop = { status: 0, state: String(error) }
  }
}

async function send({ url, key, agent }: Asking, method: 'GET' | 'POST', path: string, body: unknown, after: string | null = null): Promise<IncomingMessage> {
  const sent = body === null ? '' : JSON.stringify(body)
  const headers = {
    authorization: `Bearer ${key}`,
    ...(sent !== '' && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(sent) }),
    ...(after !== null && { 'last-event-id': after }),
  }
  const outgoing = request(url + path, { method, agent, headers, timeout: SILENT_MS })
  outgoing.once('timeout', () => outgoing.destroy(new Error('The server fell silent.')))
  outgoing.on('error', () => {}) // before the answer it is heard below; after it, by whoever reads
  outgoing.end(sent)
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  return response
}

function pathOf({ thread, runId }: History, door: Door): string {
  return door === 'run' ? `/runs/${runId}/events` : `/chat/${thread}/stream`
}

function questionOf({ thread, messageId, plan }: History) {
  return { id: thread, trigger: 'submit-message', messages: [{ id: messageId, role: 'user', parts: [{ type: 'text', text: scriptText(plan.script) }] }] }
}

function idOf(event: string | undefined): string | undefined {
  return event && /^id: (\S+)/.exec(event)?.[1]
}
