import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest'
import type { Ambit, AmbitOptions, Manifest } from '../../src/index.ts'
import { listen } from '../../src/node.ts'
import { question, readStream, send, startAmbit } from './client.ts'
import type { LogLine, Streamed, TestAmbit } from './client.ts'
import type { DatabaseKind, TestDatabase } from './databases.ts'
import { plantWorld } from './world.ts'
import type { PersonName, World } from './world.ts'

type Options = Partial<AmbitOptions<never>> & Pick<AmbitOptions, 'model'>

/** A database with the test world on it; each Ambit that a test starts ends with the test. */
export interface Stage {
  readonly database: TestDatabase
  readonly world: World
  start(options: Options): TestAmbit
}

export function useStage(kind: DatabaseKind): Stage {
  let database: TestDatabase | undefined
  let world: World | undefined
  const started: Ambit[] = []
  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((ambit) => ambit.close({ graceMs: 0 })))
    // What was handed over would be gone on with by the next test's Ambit, with its model.
    await must(database).superuser.transaction('', (sql) => sql.query("update ambit.runs set state = 'stopped', ended_at = now() where state in ('queued', 'running')"))
  })
  afterAll(() => database?.drop())
  return {
    get database() {
      return must(database)
    },
    get world() {
      return must(world)
    },
    start(options) {
      const running = startAmbit(must(database), options)
      started.push(running.ambit)
      return running
    },
  }
}

/** What must be there: a test without it is no test. */
export function must<T>(value: T | null | undefined): T {
  if (value === null || value === undefined) throw new Error('Something that the test stands on is not there.')
  return value
}

let threads = 0
/** A thread name that no other test of the file has. */
export function freshThread(): string {
  return `thread-${(threads += 1)}`
}

/** A message id that is the same for the same words, as a client that sends them again would use. */
export function messageId(text: string): string {
  return `m-${createHash('sha256').update(text).digest('hex').slice(0, 12)}`
}

export interface Asked {
  readonly who?: PersonName
  readonly path?: string
  readonly thread?: string
  readonly text?: string
}

/** Posts a question and answers the response as it stands at its header. */
export async function post(stage: Stage, ambit: Ambit, asked: Asked & { thread: string }): Promise<Response> {
  const { who = 'bob', path = '/v1/orgs/acme/projects/apollo', thread, text = 'Go on.' } = asked
  const response = await send(ambit, stage.world, who, `${path}/chat`, { body: question(thread, text, messageId(thread + text)) })
  expect(response.status).toBe(200)
  return response
}

/** Posts a question and reads the whole answer. */
export async function answerTo(stage: Stage, ambit: Ambit, asked: Asked & { thread: string }): Promise<Streamed> {
  return readStream(await post(stage, ambit, asked))
}

export interface StoredMessage {
  readonly id: string
  readonly role: string
  readonly parts: readonly Readonly<Record<string, unknown>>[]
  readonly metadata: {
    readonly ambit: {
      readonly id: string
      readonly number: number
      readonly parent_id: string | null
      readonly author_id: string
      readonly hidden: boolean
      readonly run: { readonly id: string; readonly state: string } | null
    }
  }
}

export interface StoredRun {
  readonly id: string
  readonly thread_id: string
  readonly message_id: string
  readonly user_message_id: string
  readonly state: string
  readonly finish_reason: string | null
  readonly error_code: string | null
  readonly steps: readonly { readonly number: number; readonly finish_reason: string; readonly usage: unknown }[]
  readonly manifest: Manifest | null
}

/** A body of JSON that came with 200. */
export async function read<T>(stage: Stage, ambit: Ambit, who: PersonName, path: string): Promise<T> {
  const response = await send(ambit, stage.world, who, path)
  expect(response.status).toBe(200)
  return (await response.json()) as T
}

export async function messagesOf(stage: Stage, ambit: Ambit, { who = 'bob', path = '/v1/orgs/acme/projects/apollo', thread }: Asked & { thread: string }) {
  return (await read<{ messages: StoredMessage[] }>(stage, ambit, who, `${path}/threads/${thread}/messages`)).messages
}

export async function runOf(stage: Stage, ambit: Ambit, id: string, { who = 'bob', path = '/v1/orgs/acme/projects/apollo' }: Asked = {}): Promise<StoredRun> {
  return read<StoredRun>(stage, ambit, who, `${path}/runs/${id}`)
}

/** The run whose stream this is. */
export function runIdOf(streamed: Pick<Streamed, 'ids'>): string {
  return must(streamed.ids[0]?.split('.')[0])
}

/** The line with this message, as soon as it is written. */
export async function logged(lines: readonly LogLine[], msg: string): Promise<LogLine> {
  return vi.waitFor(() => must(lines.find((line) => line.msg === msg)))
}

export interface Served {
  readonly url: string
  readonly port: number
  close(): Promise<void>
}

/** The same, behind a real socket. */
export async function serve(ambit: Pick<Ambit, 'fetch'>): Promise<Served> {
  const server = await listen(ambit, { host: '127.0.0.1', port: 0 })
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** Reads a stream until it holds this text, and leaves it open. */
export async function readUntil(reader: ReadableStreamDefaultReader<Uint8Array>, mark: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  while (!text.includes(mark)) {
    const { done, value } = await reader.read()
    if (done) throw new Error(`The stream ended before "${mark}": ${text}`)
    text += decoder.decode(value, { stream: true })
  }
  return text
}

/** The rest of a stream. */
export async function readRest(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) text += decoder.decode(piece.value, { stream: true })
  return text
}

/** What a model call was told of the calls before it, in the order in which it was told. */
export function toolResults(call: LanguageModelV4CallOptions | undefined) {
  return must(call).prompt.flatMap((message) =>
    message.role === 'tool' ? message.content.flatMap((part) => (part.type === 'tool-result' ? [part] : [])) : [],
  )
}

/** The calls as a model call was reminded of them. */
export function toolCalls(call: LanguageModelV4CallOptions | undefined) {
  return must(call).prompt.flatMap((message) =>
    message.role === 'assistant' ? message.content.flatMap((part) => (part.type === 'tool-call' ? [part] : [])) : [],
  )
}

/** What the people said, as a model call was told it. */
export function userTexts(call: LanguageModelV4CallOptions | undefined): string[] {
  return must(call).prompt.flatMap((message) =>
    message.role === 'user' ? message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])) : [],
  )
}

/** What the model said before, as a model call was told it. */
export function assistantTexts(call: LanguageModelV4CallOptions | undefined): string[] {
  return must(call).prompt.flatMap((message) =>
    message.role === 'assistant' ? message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])) : [],
  )
}
