import { describe, expect, expectTypeOf, onTestFinished, test, vi } from 'vitest'
import { isAmbitError } from '../../src/client.ts'
import type { AmbitError, AmbitErrorCode } from '../../src/client.ts'
import type { RefusalCode } from '../../src/index.ts'
import { KINDS } from '../../src/lib/http/problem.ts'
import type { ProblemCode } from '../../src/lib/http/problem.ts'
import { databaseKinds } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, serve, useStage } from '../support/stage.ts'
import { openPage } from './page.ts'
import type { Page } from './page.ts'

async function errorOf(page: Page, thread = freshThread()): Promise<AmbitError> {
  const chat = page.chat(thread)
  await chat.sendMessage({ text: 'Hello?' })
  const { error } = chat
  if (!isAmbitError(error)) throw new Error('This is no refusal.', { cause: error })
  return error
}

test('the codes are the server’s, and three of the client', () => {
  expectTypeOf<AmbitErrorCode>().toEqualTypeOf<RefusalCode | 'internal' | 'unexpected_answer' | 'unreachable' | 'stream_lost'>()
  expectTypeOf<Exclude<AmbitErrorCode, ProblemCode>>().toEqualTypeOf<'unexpected_answer' | 'unreachable' | 'stream_lost'>()
})

describe.each(databaseKinds)('a refusal on $name is an error with its code', (kind) => {
  const stage = useStage(kind)
  const start = () => stage.start({ model: scriptedModel(says('Yes.')) }).ambit

  test('of who asks, where, and what', async () => {
    const ambit = start()
    for (const [options, expected] of [
      [{ headers: { authorization: 'Bearer nobody' } }, { code: 'unauthenticated', status: 401 }],
      [{ who: 'gus' }, { code: 'not_found', status: 404 }],
      [{ who: 'dave' }, { code: 'forbidden', status: 403 }],
      [{ body: { about: [{ type: 'no id at all', id: '' }] } }, { code: 'malformed', status: 400, facts: { pointer: '/about/0/type' } }],
      [{ org: 'a b/../c?', project: undefined }, { code: 'not_found', status: 404 }],
    ] as const) {
      const error = await errorOf(await openPage(stage, ambit, options as never))
      expect(error).toMatchObject({ name: 'AmbitError', ...expected })
      expect(error.requestId).toMatch(/^req_/)
      expect(error.message).toMatch(/\.$/)
    }
  })

  test('of a message that is too large', async () => {
    const page = await openPage(stage, start())
    const chat = page.chat(freshThread())
    await chat.sendMessage({ text: 'x'.repeat(200_000) })
    expect(chat.error).toMatchObject({ code: 'too_large', status: 413, facts: { limit: expect.any(Number), pointer: '/message' } })
  })

  test('of a thread that is being answered: by what', async () => {
    const waiting = gate()
    const model = scriptedModel([waiting.opened, ...says('Yes.')])
    const { ambit } = stage.start({ model })
    const page = await openPage(stage, ambit)
    const thread = freshThread()
    const first = page.chat(thread).sendMessage({ text: 'First?' })
    await vi.waitFor(() => expect(model.calls.length).toBe(1))
    const error = await errorOf(page, thread)
    expect(error).toMatchObject({ code: 'conflict', status: 409, run: expect.stringMatching(/^run_/), thread: expect.stringMatching(/^thr_/), retryAfterS: undefined })
    waiting.open()
    await first
  })

  test('of a server that is closing: how long to wait', async () => {
    const ambit = start()
    const page = await openPage(stage, ambit)
    await ambit.close({ graceMs: 0 })
    expect(await errorOf(page)).toMatchObject({ code: 'unavailable', status: 503, retryAfterS: expect.any(Number) })
  })

  test('of an id that would be a step in the path: nothing is asked', async () => {
    const page = await openPage(stage, start())
    for (const id of ['.', '..']) {
      await expect(page.transport.reconnectToStream({ chatId: id })).rejects.toMatchObject({ code: 'malformed' })
      await expect(page.transport.stop(id)).rejects.toMatchObject({ code: 'malformed' })
    }
    expect(page.sent).toEqual([])
  })
})

describe('an answer as it stands', () => {
  const stage = useStage(must(databaseKinds[0]))
  const problem = (status: number, value: unknown, headers: Readonly<Record<string, string>> = {}) =>
    new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/problem+json; charset=utf-8', ...headers } })

  test.each(Object.keys(KINDS) as ProblemCode[])('a problem with the code %s', async (code) => {
    const { status } = KINDS[code]
    const facts = { type: 'urn:x', title: 'T', status, code, detail: 'Do this.', request_id: 'req_1', retry_after: 7, run: 'r', thread: 't', limit: 3 }
    const error = await errorOf(await openPage(stage, { fetch: async () => problem(status, facts) }))
    expect(error).toMatchObject({ code, status, message: 'Do this.', requestId: 'req_1', retryAfterS: 7, run: 'r', thread: 't', facts: { limit: 3 } })
  })

  test.each([
    ['a proxy’s page', () => new Response('<h1>Bad gateway</h1>', { status: 502, headers: { 'content-type': 'text/html', 'retry-after': '3' } }), { status: 502, retryAfterS: 3 }],
    ['a page where a stream should be', () => new Response('<h1>Sign in</h1>', { headers: { 'content-type': 'text/html' } }), { status: 200 }],
    ['JSON where a stream should be', () => Response.json({ ok: true }), { status: 200 }],
    ['nothing where a stream should be', () => new Response(null, { status: 204 }), { status: 204 }],
    ['a problem of somebody else', () => problem(429, { title: 'Too many requests' }), { status: 429 }],
    ['a code that is not known yet', () => problem(402, { code: 'out_of_money', detail: 'Wait until Monday.', limit: 5 }), { status: 402, message: 'Wait until Monday.' }],
    ['a problem that is no JSON', () => new Response('{"code":', { status: 500, headers: { 'content-type': 'application/problem+json' } }), { status: 500 }],
    ['a problem that is no object', () => problem(500, null), { status: 500 }],
  ])('%s', async (_, answer, expected) => {
    const error = await errorOf(await openPage(stage, { fetch: async () => answer() }))
    expect(error).toMatchObject({ code: 'unexpected_answer', ...expected })
    expect(error.message).not.toContain('<')
  })

  test('nobody there', async () => {
    const served = await serve({ fetch: async () => new Response() })
    await served.close()
    const error = await errorOf(await openPage(stage, { fetch: async () => new Response() }, { url: served.url }))
    expect(error).toMatchObject({ code: 'unreachable', status: 0, cause: expect.any(TypeError) })
  })

  test.each([
    ['no JSON', 'data: {"type":\n\n'],
    ['no chunk', 'data: null\n\n'],
    ['no type', 'data: {"text":"a"}\n\n'],
  ])('a stream that holds %s', async (_, text) => {
    const answer = () => new Response(text, { headers: { 'content-type': 'text/event-stream' } })
    expect(await errorOf(await openPage(stage, { fetch: async () => answer() }))).toMatchObject({ code: 'unexpected_answer', status: 200 })
  })

  test('a chunk of a type that is not known passes', async () => {
    const chunks = [{ type: 'start', messageId: 'm1' }, { type: 'of-tomorrow', any: 1 }, { type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Hi' }, { type: 'text-end', id: '0' }, { type: 'finish' }]
    const text = `${chunks.map((chunk, index) => `id: r.1.${index}\ndata: ${JSON.stringify(chunk)}\n\n`).join('')}data: [DONE]\n\n`
    const page = await openPage(stage, { fetch: async () => new Response(text, { headers: { 'content-type': 'text/event-stream' } }) })
    const chat = page.chat(freshThread())
    await chat.sendMessage({ text: 'Hello?' })
    expect([chat.error, chat.lastMessage?.parts]).toEqual([undefined, [{ type: 'text', text: 'Hi', state: 'done' }]])
  })

  test('nothing is waited for after [DONE]: a connection that stays open is closed', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode('data: {"type":"finish"}\n\ndata: [DONE]\n\ndata: {"type":"abort"}\n\n')),
      cancel: () => {
        cancelled = true
      },
    })
    const page = await openPage(stage, { fetch: async () => new Response() }, { fetch: async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }) })
    const chunks: unknown[] = []
    for await (const chunk of must(await page.transport.reconnectToStream({ chatId: 'c' }))) chunks.push(chunk)
    expect([chunks, cancelled]).toEqual([[{ type: 'finish' }], true])
  })

  test('what a proxy that drops Last-Event-ID lets come again is given once', async () => {
    const chunks = [{ type: 'start', messageId: 'm1' }, { type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Once' }, { type: 'text-end', id: '0' }, { type: 'finish' }]
    const events = chunks.map((chunk, index) => `id: r.1.${index + 1}\ndata: ${JSON.stringify(chunk)}\n\n`)
    const answers = [events.slice(0, 3), events.slice(0, 2), [...events, 'data: [DONE]\n\n']]
    const page = await openPage(stage, { fetch: async () => new Response(answers.shift()?.join(''), { headers: { 'content-type': 'text/event-stream' } }) })
    const stream = must(await page.transport.reconnectToStream({ chatId: 'c' }))
    const given: unknown[] = []
    for await (const chunk of stream) given.push(chunk)
    expect([given, page.sent.length]).toEqual([chunks, 3])
  })

  test.for([['no JSON', '<html>'], ['half of it', '{"messages":[']])('an answer of the right type that holds %s is told, too', async ([, text]) => {
    const page = await openPage(stage, { fetch: async () => new Response(text, { headers: { 'content-type': 'application/json', 'x-request-id': 'r1' } }) })
    const error = { name: 'AmbitError', code: 'unexpected_answer', status: 200, requestId: 'r1' }
    await expect(page.transport.stop('c')).rejects.toMatchObject(error)
    await expect(page.transport.load('c')).rejects.toMatchObject(error)
  })

  test('a page of a proxy that breaks off is told as one', async () => {
    const broken = () => new ReadableStream({ start: (controller) => controller.error(new TypeError('terminated')) })
    const page = await openPage(stage, { fetch: async () => new Response() }, { fetch: async () => new Response(broken(), { status: 502, headers: { 'content-type': 'text/html' } }) })
    await expect(page.transport.load('c')).rejects.toMatchObject({ name: 'AmbitError', code: 'unexpected_answer', status: 502 })
  })

  test('an event without an end is an error when it is too large, and the connection is closed', async () => {
    let cancelled = false
    const piece = new TextEncoder().encode('x'.repeat(1_000_000))
    const body = () =>
      new ReadableStream<Uint8Array>({
        pull: (controller) => controller.enqueue(piece),
        cancel: () => {
          cancelled = true
        },
      })
    const page = await openPage(stage, { fetch: async () => new Response() }, { fetch: async () => new Response(body(), { headers: { 'content-type': 'text/event-stream' } }) })
    onTestFinished(() => expect(cancelled).toBe(true))
    expect(await errorOf(page)).toMatchObject({ code: 'unexpected_answer', message: 'The stream holds an event of more than 10000000 characters. Load the messages again.' })
  })
})
