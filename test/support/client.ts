import { createParser } from 'eventsource-parser'
import { createAmbit } from '../../src/index.ts'
import type { Ambit, AmbitOptions } from '../../src/index.ts'
import { apiKeys } from '../../src/index.ts'
import { createLog } from '../../src/index.ts'
import { PassThrough } from 'node:stream'
import type { Chunk } from '../../src/lib/wire/chunk.ts'
import { checked } from './check-answers.ts'
import type { TestDatabase } from './databases.ts'
import type { PersonName, World } from './world.ts'

export interface LogLine {
  readonly msg: string
  readonly [field: string]: unknown
}

/** An Ambit over a test database, whose answers are held to the document, and what it logged. */
export interface TestAmbit {
  readonly ambit: Ambit
  readonly lines: readonly LogLine[]
}

export function startAmbit(database: TestDatabase, options: Partial<AmbitOptions<never>> & Pick<AmbitOptions, 'model'>): TestAmbit {
  const lines: LogLine[] = []
  const destination = new PassThrough()
  destination.on('data', (bytes: Buffer) => {
    for (const line of bytes.toString().split('\n')) if (line !== '') lines.push(JSON.parse(line) as LogLine)
  })
  const log = createLog({ level: 'info', destination })
  const ambit = createAmbit<never>({ store: database.source, authenticate: apiKeys(), log, ...options })
  return { ambit: checked(ambit, { ...(options.basePath !== undefined && { basePath: options.basePath }), target: options.target !== undefined, console: options.console !== undefined }), lines }
}

export const APOLLO = '/v1/orgs/acme/projects/apollo'
export const ZEPHYR = '/v1/orgs/acme/projects/zephyr'
export const ACME = '/v1/orgs/acme'

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
}

/** A request in somebody's name. */
export function send(ambit: Ambit, world: World, who: PersonName | null, path: string, call: Call = {}): Promise<Response> {
  const headers = new Headers(call.headers)
  if (who) headers.set('authorization', `Bearer ${world.keys[who]}`)
  if (call.body !== undefined) headers.set('content-type', 'application/json')
  return checked(ambit).fetch(
    new Request(`http://ambit.test${path}`, {
      method: call.method ?? (call.body === undefined ? 'GET' : 'POST'),
      headers,
      ...(call.body !== undefined && { body: JSON.stringify(call.body) }),
      ...(call.signal && { signal: call.signal }),
    }),
  )
}

/** A question as a `useChat` client would post it. */
export function question(thread: string, text: string, id?: string) {
  return { id: thread, trigger: 'submit-message', messages: [{ id: id ?? `${thread}-${text.length}-${text.slice(0, 3).trim()}`, role: 'user', parts: [{ type: 'text', text }] }] }
}

export interface Streamed {
  readonly text: string
  readonly ids: readonly string[]
  readonly chunks: readonly Chunk[]
  readonly done: boolean
}

/** Reads a stream to its end with an outside parser. */
export async function readStream(response: Response): Promise<Streamed> {
  const text = await response.text()
  return parseStream(text)
}

export function parseStream(text: string): Streamed {
  const ids: string[] = []
  const chunks: Chunk[] = []
  let done = false
  const parser = createParser({
    onEvent(event) {
      if (event.data === '[DONE]') done = true
      else {
        ids.push(event.id ?? '')
        chunks.push(JSON.parse(event.data) as Chunk)
      }
    },
  })
  parser.feed(text)
  return { text, ids, chunks, done }
}

/** What the answer says. */
export function said(chunks: readonly Chunk[]): string {
  return chunks.flatMap((chunk) => (chunk.type === 'text-delta' ? [chunk.delta] : [])).join('')
}

export async function ask(ambit: Ambit, world: World, who: PersonName, path: string, thread: string, text: string): Promise<Streamed> {
  const response = await send(ambit, world, who, `${path}/chat`, { body: question(thread, text) })
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`)
  return readStream(response)
}
