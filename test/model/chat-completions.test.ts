import { setImmediate as nextTurn } from 'node:timers/promises'
import { APICallError } from '@ai-sdk/provider'
import type { LanguageModelV4CallOptions as CallOptions, LanguageModelV4StreamPart as Part } from '@ai-sdk/provider'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chatCompletionsModel } from '../../src/lib/model/chat-completions.ts'
import { failureOf } from '../../src/lib/model/language-model.ts'
import { connectProvider } from '../../src/lib/model/provider-connection.ts'
import { completion, deltaChunk } from '../support/chat-completions.ts'
import { ASKED } from '../support/completion-adapters.ts'
import { callPiece, calls, dataOf, wireOf } from '../support/completion-wires.ts'
import { startUpstream, status } from '../support/upstream.ts'
import type { Answer } from '../support/upstream.ts'

const KEY = 'sk-SECRET-4711'
const hello = completion([{ content: 'Hello.' }], 'stop')

async function start(answer: Answer, settings: { readonly base?: string; readonly apiKey?: string } = {}) {
  const server = await startUpstream(answer)
  onTestFinished(() => server.close())
  const { base = '/v1', apiKey } = settings
  const model = chatCompletionsModel('x', { baseURL: server.origin + base, ...(apiKey !== undefined && { apiKey }), connection: connectProvider({ secret: apiKey }) })
  return { server, model, ask: async (options: Partial<CallOptions> = {}) => (await model.doStream({ ...ASKED, ...options })).stream }
}

async function all(stream: ReadableStream<Part>): Promise<readonly Part[]> {
  const parts: Part[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

async function failing(promise: Promise<unknown>): Promise<APICallError> {
  const error = await promise.then(() => null, (reason: unknown) => reason)
  if (!APICallError.isInstance(error)) throw new Error('It did not fail as a call of an API.', { cause: error })
  return error
}

/** An answer with any type and body. */
const answered = (type: string | null, body: string): Answer => (response) => void response.writeHead(200, type === null ? {} : { 'content-type': type }).end(body)

describe('a request', () => {
  test.each([
    ['/v1', '/v1/chat/completions'],
    ['/v1/', '/v1/chat/completions'],
    ['', '/chat/completions'],
    ['/deployments/x?api-version=1', '/deployments/x/chat/completions?api-version=1'],
  ])('to %s goes to %s', async (base, path) => {
    const { server, ask } = await start(hello, { base })
    await all(await ask())
    expect(server.asked.map((asked) => asked.path)).toEqual([path])
  })

  test.each([[KEY, `Bearer ${KEY}`], [undefined, undefined]])('with the key %s has the authorization %s', async (apiKey, authorization) => {
    const { server, ask } = await start(hello, apiKey === undefined ? {} : { apiKey })
    await all(await ask())
    expect(server.asked[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'ambit', 'accept-encoding': 'identity' })
    expect(server.asked[0]?.headers.authorization).toBe(authorization)
    expect(server.asked[0]?.body).toEqual({ model: 'x', messages: [{ role: 'user', content: 'Hello?' }], stream: true, stream_options: { include_usage: true } })
  })

  test('a connection is used again', async () => {
    const { server, ask } = await start(hello)
    for (let times = 0; times < 3; times += 1) await all(await ask())
    expect(server.connections()).toBe(1)
  })
})

describe('a refusal', () => {
  test.each<[code: number, body: unknown, message: string]>([
    [400, { error: { message: 'too long', type: 'invalid' } }, 'too long'],
    [401, { error: `no such key: ${KEY}` }, 'no such key: [key]'],
    [404, { object: 'error', message: 'no such model' }, 'no such model'],
    [422, { detail: 'a field is missing' }, 'a field is missing'],
    [404, '<html>Nobody here</html>', 'Not Found'],
    [500, null, 'Internal Server Error'],
    [503, { error: {} }, 'Service Unavailable'],
    [529, [], 'Status 529'],
  ])('%i with %o: %s', async (code, body, message) => {
    const { ask } = await start(status(code, body), { apiKey: KEY })
    const error = await failing(ask())
    expect(error).toMatchObject({ message, statusCode: code, isRetryable: code === 429 || code >= 500 })
    expect(JSON.stringify(error)).not.toContain(KEY)
  })

  test('its headers say when to ask again', async () => {
    const { ask } = await start(status(429, {}, { 'retry-after': '7' }))
    expect(failureOf(await failing(ask()))).toMatchObject({ retryable: true, providerFault: true, retryAfterMs: 7_000 })
  })

  test('no more of it is kept than an excerpt, and nothing of what was asked', async () => {
    const { ask } = await start(status(400, { error: { message: 'no', more: 'x'.repeat(50_000) } }), { apiKey: KEY })
    const error = await failing(ask({ prompt: [{ role: 'user', content: [{ type: 'text', text: 'A SECRET question' }] }] }))
    expect(error.message).toBe('no')
    expect(error.responseBody?.length).toBeLessThan(3_000)
    expect(JSON.stringify(error)).not.toContain('SECRET')
  })
})

describe('a 200 that is no stream of events', () => {
  test.each<[type: string, body: string, message: RegExp]>([
    ['text/html', '<html>Sign in</html>', /^The provider answered text\/html, and not a stream of events/],
    ['application/json', '{"error":{"message":"no such model"}}', /^no such model$/],
    ['application/json', '{"choices":[{"message":{"content":"Hello."}}]}', /^The provider answered application\/json, /],
    ['application/json', 'null', /^The provider answered application\/json, /],
  ])('%s %s', async (type, body, message) => {
    const { ask } = await start(answered(type, body))
    const error = await failing(ask())
    expect(error).toMatchObject({ message: expect.stringMatching(message) as string, statusCode: 200, isRetryable: false, responseBody: body })
  })

  test.each(['text/event-stream', 'text/event-stream; charset=utf-8', 'Text/Event-Stream', null])('%s is one', async (type) => {
    const { ask } = await start(answered(type, wireOf([{ content: 'Hello.' }])))
    expect((await all(await ask())).map((part) => part.type)).toEqual(['stream-start', 'response-metadata', 'text-start', 'text-delta', 'text-end', 'finish'])
  })
})

describe('the connection', () => {
  const endless: Answer = (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(dataOf(deltaChunk({ content: 'So far' })))
  }
  const watched = (answer: Answer) => {
    const closed = Promise.withResolvers<void>()
    return { closed: closed.promise, answer: ((response, ...rest) => {
      response.once('close', () => closed.resolve())
      answer(response, ...rest)
    }) satisfies Answer }
  }

  test('is closed by whoever cancels', async () => {
    const { closed, answer } = watched(endless)
    const { ask } = await start(answer)
    const reader = (await ask()).getReader()
    await reader.read()
    await reader.cancel()
    await expect(closed).resolves.toBeUndefined()
  })

  test('is closed by an abort, and the reader is told its reason', async () => {
    const { closed, answer } = watched(endless)
    const { ask } = await start(answer)
    const ending = new AbortController()
    const reader = (await ask({ abortSignal: ending.signal })).getReader()
    for (let text = ''; text === ''; ) {
      const { value } = await reader.read()
      if (value?.type === 'text-delta') text = value.delta
    }
    const reason = new Error('told to stop')
    ending.abort(reason)
    await expect(reader.read()).rejects.toBe(reason)
    await expect(closed).resolves.toBeUndefined()
  })

  test.each(['data: <html>\n\n', dataOf({ error: { message: 'boom' } }), dataOf({ choices: null })])('is closed by an event that is an error, as %o, and no more is read', async (event) => {
    const { closed, answer } = watched((response, ...rest) => {
      endless(response, ...rest)
      response.write(event + dataOf(deltaChunk({ content: 'more' })))
    })
    const { ask } = await start(answer)
    const parts = await all(await ask())
    expect(parts.map((part) => part.type)).toEqual(['stream-start', 'response-metadata', 'text-start', 'text-delta', 'error', 'text-end', 'finish'])
    expect(parts.at(-1)).toMatchObject({ finishReason: { unified: 'error' } })
    await expect(closed).resolves.toBeUndefined()
  })

  test('holds at most a thousand calls: each piece is compared with all of them', async () => {
    const many = Array.from({ length: 1_001 }, (_, index) => ({ index, id: `c${index}`, function: { name: 'rate' } }))
    for (const [count, type] of [[1_000, 'tool-calls'], [1_001, 'error']] as const) {
      const { ask } = await start(completion([{ tool_calls: many.slice(0, count) }], 'tool_calls'))
      expect((await all(await ask())).at(-1)).toMatchObject({ type: 'finish', finishReason: { unified: type } })
    }
  })

  test('is read as far as parts are asked for, and no further', async () => {
    let reads = 0
    const model = chatCompletionsModel('x', {
      baseURL: 'http://provider.test/v1',
      connection: async () => ({
        status: 200,
        headers: {},
        read: async () => {
          reads += 1
          return Buffer.from(dataOf(deltaChunk({ content: 'a' }), deltaChunk({ content: 'b' })))
        },
        words: async () => '',
        close: () => {},
      }),
    })
    const reader = (await model.doStream(ASKED)).stream.getReader()
    const readsAfter = async (parts: number) => {
      for (let part = 0; part < parts; part += 1) await reader.read()
      await nextTurn()
      return reads
    }
    // A start; then metadata, a text's start and two deltas; then two deltas with each read.
    expect([await readsAfter(1), await readsAfter(1), await readsAfter(3), await readsAfter(1), await readsAfter(1), await readsAfter(1)]).toEqual([0, 1, 1, 2, 2, 3])
    await reader.cancel()
  })
})

describe('ids of calls that have none', () => {
  const nameless = wireOf([calls(callPiece({ index: 0, name: 'rate' }, '{}')), calls(callPiece({ index: 1, name: 'rate' }, '{}'))], 'tool_calls')
  const idsIn = (parts: readonly Part[]) => parts.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []))

  test('are new in the conversation', async () => {
    const { ask } = await start(answered('text/event-stream', nameless))
    expect(idsIn(await all(await ask()))).toEqual(['call_1', 'call_2'])
    const call = { type: 'tool-call', toolCallId: 'call_1', toolName: 'rate', input: {} } as const
    expect(idsIn(await all(await ask({ prompt: [...ASKED.prompt, { role: 'assistant', content: [call] }] })))).toEqual(['call_2', 'call_3'])
  })
})

describe('an answer at once', () => {
  test('is the streamed one, collected', async () => {
    const { model } = await start(answered('text/event-stream', wireOf([{ reasoning: 'hm' }, { content: 'I ' }, { content: 'look.' }, calls(callPiece({ index: 0, id: 'a', name: 'rate' }, '{}'))], 'tool_calls')))
    expect(await model.doGenerate(ASKED)).toMatchObject({
      content: [{ type: 'reasoning', text: 'hm' }, { type: 'text', text: 'I look.' }, { type: 'tool-call', toolCallId: 'a', toolName: 'rate', input: '{}' }],
      finishReason: { unified: 'tool-calls', raw: 'tool_calls' },
      usage: { inputTokens: { total: 11 }, outputTokens: { total: 7 } },
      warnings: [],
    })
  })

  test('that breaks off is an error', async () => {
    const { model } = await start(answered('text/event-stream', dataOf(deltaChunk({ content: 'So far' }))))
    await expect(model.doGenerate(ASKED)).rejects.toThrow('without a finish reason')
  })
})
