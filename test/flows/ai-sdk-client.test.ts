import { DefaultChatTransport, readUIMessageStream, uiMessageChunkSchema } from 'ai'
import type { UIMessage, UIMessageChunk } from 'ai'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { offlineModel } from '../../src/index.ts'
import type { Ambit } from '../../src/index.ts'
import { ACME, APOLLO, parseStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callsTools, finish, gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { storedForm } from '../support/stored-form.ts'
import { freshThread, messagesOf, must, serve, useStage } from '../support/stage.ts'
import type { Stage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

interface Client {
  readonly transport: DefaultChatTransport<UIMessage>
  /** The bodies of its answers, byte for byte. */
  readonly bodies: readonly Promise<string>[]
}

async function connect(stage: Stage, ambit: Ambit, who: PersonName, path: string): Promise<Client> {
  const served = await serve(ambit)
  onTestFinished(() => served.close())
  const bodies: Promise<string>[] = []
  const transport = new DefaultChatTransport<UIMessage>({
    api: `${served.url}${path}/chat`,
    headers: { authorization: `Bearer ${stage.world.keys[who]}` },
    async fetch(input, init) {
      const response = await fetch(input, init)
      if (response.body) bodies.push(response.clone().text())
      return response
    },
  })
  return { transport, bodies }
}

function ask({ transport }: Client, chatId: string, text: string): Promise<ReadableStream<UIMessageChunk>> {
  const message: UIMessage = { id: `${chatId}-question`, role: 'user', parts: [{ type: 'text', text }] }
  return transport.sendMessages({ chatId, messages: [message], trigger: 'submit-message', messageId: undefined, abortSignal: undefined })
}

/** Every chunk is judged by the published schema; the message is what the published client makes of them. */
async function readAnswer(stream: ReadableStream<UIMessageChunk>) {
  const { validate } = uiMessageChunkSchema()
  const chunks: UIMessageChunk[] = []
  const judged = stream.pipeThrough(
    new TransformStream<UIMessageChunk, UIMessageChunk>({
      async transform(chunk, controller) {
        const verdict = await must(validate)(chunk)
        if (!verdict.success) throw verdict.error
        chunks.push(chunk)
        controller.enqueue(chunk)
      },
    }),
  )
  const errors: unknown[] = []
  let message: UIMessage | undefined
  for await (const state of readUIMessageStream({ stream: judged, onError: (error) => errors.push(error) })) message = state
  return { chunks, errors, message: must(message) }
}

const add = {
  name: 'add',
  description: 'Adds two numbers.',
  input: z.object({ a: z.number(), b: z.number() }),
  effect: 'read' as const,
  run: ({ a, b }: { a: number; b: number }) => ({ sum: a + b }),
}

const streamedCall: Script = [
  { type: 'reasoning-start', id: '0', providerMetadata: { test: { signature: 'begun' } } },
  { type: 'reasoning-delta', id: '0', delta: 'They want ' },
  { type: 'reasoning-delta', id: '0', delta: 'a sum.' },
  { type: 'reasoning-end', id: '0', providerMetadata: { test: { signature: 'S1' } } },
  { type: 'text-start', id: '1' },
  { type: 'text-delta', id: '1', delta: 'I add.' },
  { type: 'text-end', id: '1' },
  { type: 'tool-input-start', id: 'provider-0', toolName: 'add' },
  { type: 'tool-input-delta', id: 'provider-0', delta: '{"a":1,' },
  { type: 'tool-input-delta', id: 'provider-0', delta: '"b":2}' },
  { type: 'tool-input-end', id: 'provider-0' },
  { type: 'tool-call', toolCallId: 'provider-0', toolName: 'add', input: '{"a":1,"b":2}', providerMetadata: { test: { item: 'i1' } } },
  { type: 'source', sourceType: 'url', id: 's1', url: 'https://example.test/', title: 'Example' },
  finish('tool-calls'),
]
const wrongCalls = callsTools(['add', { a: 'one' }], ['nothing', {}], ['add', '{not json'])

describe.each(databaseKinds)('the published client on $name', (kind) => {
  const stage = useStage(kind)

  test.each([
    ['the organisation', 'ada', ACME, 'What is the hotel limit per night?', '165 euros'],
    ['a project', 'bob', APOLLO, 'When does Apollo launch?', '14 September'],
  ] as const)('in %s: holds what is stored, from the bytes that any parser reads', async (_, who, path, text, answer) => {
    const { ambit } = stage.start({ model: offlineModel({ delayMs: 0 }) })
    const client = await connect(stage, ambit, who, path)
    const thread = freshThread()
    const { message, chunks, errors } = await readAnswer(await ask(client, thread, text))
    expect(errors).toEqual([])
    const streamed = parseStream(must(await client.bodies[0]))
    expect(streamed.chunks).toEqual(chunks)
    expectSound(streamed)
    const stored = must((await messagesOf(stage, ambit, { who, path, thread })).at(-1))
    expect(stored.id).toBe(message.id)
    expect(storedForm(message)).toEqual(stored.parts)
    expect(JSON.stringify(stored.parts)).toContain(answer)
    expect(stored.parts.some((part) => part['type'] === 'dynamic-tool')).toBe(true)
  })

  test.each([
    ['text', [says('One ', 'two.')], ['step-start', 'text']],
    ['text that was cut inside a character', [says('Yes \ud83d', '\ude00', '\0\u2028\r\n\ndata: [DONE]\n\n')], ['step-start', 'text']],
    [
      'reasoning, text, a call and a source',
      [streamedCall, says('3.')],
      ['step-start', 'reasoning', 'text', 'dynamic-tool', 'source-url', 'step-start', 'text'],
    ],
    ['calls that cannot run', [wrongCalls, says('Sorry.')], ['step-start', 'dynamic-tool', 'dynamic-tool', 'dynamic-tool', 'step-start', 'text']],
  ] as const)('%s: the same parts in client and store', async (_, scripts, types) => {
    for (const [who, path] of [['ada', ACME], ['bob', APOLLO]] as const) {
      const { ambit } = stage.start({ model: scriptedModel(...scripts), tools: [add as never] })
      const client = await connect(stage, ambit, who, path)
      const thread = freshThread()
      const { message, errors } = await readAnswer(await ask(client, thread, 'What is 1 + 2?'))
      expect(errors).toEqual([])
      expectSound(parseStream(must(await client.bodies[0])))
      const stored = must((await messagesOf(stage, ambit, { who, path, thread })).at(-1))
      expect(stored.parts.map((part) => part['type'])).toEqual(types)
      expect(storedForm(message)).toEqual(stored.parts)
    }
  })

  test('a failed answer: what was said is the same in client and store', async () => {
    const { ambit } = stage.start({ model: scriptedModel([{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'So far' }, new Error('away')]) })
    const client = await connect(stage, ambit, 'bob', APOLLO)
    const thread = freshThread()
    const { message, errors } = await readAnswer(await ask(client, thread, 'Go on.'))
    expect(errors).toHaveLength(1)
    const stored = must((await messagesOf(stage, ambit, { thread })).at(-1))
    expect(storedForm(message)).toEqual(stored.parts)
    expect(stored.parts).toEqual([{ type: 'step-start' }, { type: 'text', text: 'So far', state: 'done' }])
  })

  test('reconnects to the whole answer of the same message while it is given', async () => {
    const { opened, open } = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('First, ').slice(0, 3), opened, ...says('then.').slice(2)]) })
    const client = await connect(stage, ambit, 'bob', APOLLO)
    const thread = freshThread()
    const first = await ask(client, thread, 'Go on.')
    const firstReader = first.getReader()
    const seen: UIMessageChunk[] = []
    for (let read = await firstReader.read(); !read.done; read = await firstReader.read()) {
      seen.push(read.value)
      if (read.value.type === 'text-delta') break
    }
    const again = must(await client.transport.reconnectToStream({ chatId: thread }))
    open()
    const { chunks, message } = await readAnswer(again)
    for (let read = await firstReader.read(); !read.done; read = await firstReader.read()) seen.push(read.value)
    expect(chunks).toEqual(seen)
    expect(chunks[0]).toMatchObject({ type: 'start', messageId: message.id })
    const [one, two] = await Promise.all(client.bodies)
    expect(two).toBe(one)
    expect(await client.transport.reconnectToStream({ chatId: thread })).toBeNull()
  })

  test('nothing to reconnect to: null where nothing runs, where nobody knows the thread, and where it is another’s', async () => {
    const { opened, open } = gate()
    const { ambit } = stage.start({ model: scriptedModel([opened, ...says('Mine.')]) })
    const ada = await connect(stage, ambit, 'ada', APOLLO)
    const thread = freshThread()
    const answer = await ask(ada, thread, 'Go on.')
    const bob = await connect(stage, ambit, 'bob', APOLLO)
    expect(await bob.transport.reconnectToStream({ chatId: thread })).toBeNull()
    expect(await bob.transport.reconnectToStream({ chatId: 'never-heard-of' })).toBeNull()
    const response = await send(ambit, stage.world, 'bob', `${APOLLO}/chat/never-heard-of/stream`)
    expect([response.status, await response.text()]).toEqual([204, ''])
    open()
    await readAnswer(answer)
    expect(await ada.transport.reconnectToStream({ chatId: thread })).toBeNull()
  })
})
