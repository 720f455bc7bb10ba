import type { ServerResponse } from 'node:http'
import { Readable, pipeline } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import type { Limits, Tool } from '../../src/index.ts'
import { chatCompletions, completion, deltaChunk } from '../support/chat-completions.ts'
import { APOLLO, parseStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { answerTo, freshThread, logged, messagesOf, must, post, readRest, readUntil, runIdOf, runOf, useStage } from '../support/stage.ts'
import { gate } from '../support/scripted-model.ts'
import { events, eventText, startUpstream, status } from '../support/upstream.ts'
import type { Answer } from '../support/upstream.ts'

const KEY = 'sk-SECRET-4711'
const ERROR = 'The model could not answer. Try again in a moment.'
const SILENT = 'The model fell silent. Ask again.'
const now = completion([{ content: 'Now.' }], 'stop')
const soFar = eventText(deltaChunk({ content: 'So far' }))

/** The head and these texts, and then whatever `then` does; nothing: it hangs. */
function streams(texts: readonly string[], then: (response: ServerResponse) => void = () => {}): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    for (const text of texts) response.write(text)
    // Not before the last byte is out: a reset would take it back.
    response.write(': \n\n', () => void then(response))
  }
}

const reset = (response: ServerResponse) => void response.socket?.resetAndDestroy()
const rate = {
  name: 'rate', description: 'The exchange rate.', input: z.object({ of: z.string() }), effect: 'read', run: ({ of }: { of: string }) => ({ of, rate: 1.25 }),
} as Tool<never>
const callDelta = (index: number, id: string, text: string) => ({ tool_calls: [{ index, id, type: 'function', function: { name: 'rate', arguments: text } }] })

interface Fault {
  readonly name: string
  readonly answer: Answer
  readonly says?: string
  readonly words?: string
  readonly code?: string
  readonly limits?: Partial<Limits>
  /** In the log. */
  readonly cause?: string
}

const faults: readonly Fault[] = [
  { name: 'garbage in the stream', answer: streams([soFar, 'data: {"choices": <SECRET-DOCUMENT>\n\n'], (response) => void response.end()), says: 'So far', cause: 'The provider sent what is no JSON.' },
  { name: 'JSON of another protocol', answer: streams([soFar, 'data: {"SECRET-DOCUMENT":[]}\n\n'], (response) => void response.end()), says: 'So far', cause: 'The provider sent JSON that is not of its protocol.' },
  { name: 'an end without a finish', answer: events([deltaChunk({ content: 'So far' })]), says: 'So far', cause: 'without a finish' },
  { name: 'a reset in mid-stream', answer: streams([soFar], reset), says: 'So far', cause: 'ECONNRESET' },
  { name: 'a half-closed connection', answer: streams([soFar], (response) => void response.socket?.end()), says: 'So far', cause: 'ECONNRESET' },
  { name: '400', answer: status(400, { error: { message: 'too long' } }), cause: 'too long' },
  { name: 'HTML with 200', answer: (response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>SECRET-DOCUMENT</html>'), cause: 'text/html, and not a stream of events' },
  { name: 'HTML with 404', answer: (response) => void response.writeHead(404, { 'content-type': 'text/html' }).end('<html>Nobody here</html>'), cause: 'Not Found' },
  { name: 'no answer at all', answer: () => {}, words: SILENT, code: 'model_idle', limits: { modelFirstMs: 100 } },
  { name: 'a head and no more', answer: streams([]), words: SILENT, code: 'model_idle', limits: { modelFirstMs: 100 } },
  { name: 'silence in mid-stream', answer: streams([soFar]), says: 'So far', words: SILENT, code: 'model_idle', limits: { modelIdleMs: 100 } },
  { name: 'a text that never ends', answer: dripping, says: 'drip ', words: 'The model took too long. Ask again, with a smaller question.', code: 'model_slow', limits: { modelMs: 150 } },
  { name: 'an empty answer', answer: completion([], 'stop'), words: 'The model gave no answer. Ask again.', code: 'model_empty' },
  { name: 'arguments that are never closed', answer: events([deltaChunk({ content: 'So far' }), deltaChunk(callDelta(0, 'call_x', '{"of":"EU'))]), says: 'So far', cause: 'without a finish' },
]

function dripping(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const drip = setInterval(() => response.write(eventText(deltaChunk({ content: 'drip ' }))), 20)
  response.once('close', () => clearInterval(drip))
}

describe.each(databaseKinds)('a provider’s server that fails, on $name', (kind) => {
  const stage = useStage(kind)

  async function start(answers: readonly Answer[], limits: Partial<Limits> = {}) {
    const server = await chatCompletions(...answers)
    onTestFinished(() => server.close())
    const providers = { 'openai-compatible': { apiKey: KEY, baseURL: server.baseURL } }
    return { server, ...stage.start({ model: 'openai-compatible:x', providers, tools: [rate], limits: { modelRetryMs: 1, ...limits } }) }
  }

  test.each(faults)('$name: what was said stays, one error, its cause in the log, and then it goes on', async (fault) => {
    const { server, ambit, lines } = await start([fault.answer, now], { stepRetries: 0, ...fault.limits })
    const thread = freshThread()
    const streamed = await answerTo(stage, ambit, { thread })
    expectSound(streamed)
    expect(said(streamed.chunks)).toContain(fault.says ?? '')
    expect(streamed.chunks.filter((chunk) => chunk.type === 'error')).toEqual([{ type: 'error', errorText: fault.words ?? ERROR }])
    expect(streamed.text).not.toMatch(/SECRET|127\.0\.0\.1|ECONN/)
    const run = await runOf(stage, ambit, runIdOf(streamed))
    expect(run).toMatchObject({ state: 'failed', error_code: fault.code ?? 'model_error' })
    const line = await logged(lines, 'the run failed')
    expect(line).toMatchObject({ org_slug: 'acme', project_slug: 'apollo', run_id: run.id, code: fault.code ?? 'model_error' })
    expect(JSON.stringify(line['cause'])).toContain(fault.cause ?? fault.words)
    expect(JSON.stringify(lines)).not.toContain('SECRET')
    expect(server.asked).toHaveLength(1)
    expect(said((await answerTo(stage, ambit, { thread, text: 'And now?' })).chunks)).toBe('Now.')
  })

  test.each(faults.filter(({ says, code }) => says !== undefined && code !== 'model_slow'))('$name: what was said is dropped and said anew', async (fault) => {
    const { server, ambit, lines } = await start([fault.answer, now], fault.limits)
    const thread = freshThread()
    await answerTo(stage, ambit, { thread })
    const replay = await answerTo(stage, ambit, { thread })
    expectSound(replay)
    expect(said(replay.chunks)).toBe('Now.')
    expect((await messagesOf(stage, ambit, { thread })).at(-1)?.parts).toEqual([{ type: 'step-start' }, { type: 'text', text: 'Now.', state: 'done' }])
    expect(server.asked).toHaveLength(2)
    await logged(lines, 'the model broke off: what it said is dropped, and it is asked again')
  })

  test('a reader who has heard it is told to forget, once for each time', async () => {
    const heard = gate()
    const breaks: Answer = streams([soFar], (response) => void heard.opened.then(() => reset(response)))
    const { server, ambit } = await start([breaks, streams([soFar], reset), now])
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'So far')
    heard.open()
    const streamed = parseStream(early + (await readRest(reader)))
    const forgot = streamed.chunks.findIndex(({ type }) => type === 'reset-step')
    const fences = streamed.ids.map((id) => id.split('.')[1])
    expect(streamed.chunks.slice(0, forgot).map(({ type }) => type)).toEqual(['start', 'start-step', 'text-start', 'text-delta'])
    expect(said(streamed.chunks.slice(forgot))).toBe('So far') // what was said the second time stays: it is not asked a third time
    expect(fences).toEqual(fences.map((_, index) => (index < forgot ? '1' : '2')))
    expect(streamed.chunks.filter(({ type }) => type === 'reset-step')).toHaveLength(1)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: ERROR })
    const replay = await answerTo(stage, ambit, { thread })
    expectSound(replay)
    expect(said(replay.chunks)).toBe('So far')
    expect(server.asked).toHaveLength(2)
  })

  test.each<[name: string, ...first: Answer[]]>([
    ['429', status(429, { error: { message: 'slow down' } })],
    ['500 and 503', status(500, { error: { message: 'boom' } }), status(503, {})],
    ['529', status(529, {})],
    ['a reset before the head', (response) => reset(response)],
    ['a reset before the first word', streams([eventText(deltaChunk({ role: 'assistant' }))], reset)],
    ['an error that says when', status(429, {}, { 'retry-after-ms': '5' })],
    ['an error that says the second', status(503, {}, { 'retry-after': '0' })],
    ['an error that says the date', status(503, {}, { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:49:37 GMT' })],
  ])('%s, and then an answer: nobody hears of the first try but the log', async (_, ...first) => {
    const { server, ambit, lines } = await start([...first, now])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.map((chunk) => chunk.type)).toEqual(['start', 'start-step', 'text-start', 'text-delta', 'text-end', 'finish-step', 'finish'])
    expect(said(streamed.chunks)).toBe('Now.')
    expect(server.asked).toHaveLength(first.length + 1)
    const told = lines.filter((line) => line.msg.includes('is tried again'))
    expect(told.map((line) => [line['level'], line['org_slug'], line['tries']])).toEqual(first.map((__, at) => [40, 'acme', at + 1]))
    expect(JSON.stringify(lines)).not.toContain(KEY)
  })

  test.each<[name: string, answer: Answer, asked: number]>([
    ['429 for ever', status(429, {}), 3],
    ['500 for ever', status(500, {}), 3],
    ['a wait that is too long', status(429, {}, { 'retry-after': '31' }), 1],
    ['a date that is too far', status(503, {}, { date: 'Sun, 06 Nov 1994 08:49:37 GMT', 'retry-after': 'Sun, 06 Nov 1994 08:50:37 GMT' }), 1],
    ['401', status(401, {}), 1],
  ])('%s: one error', async (_, answer, asked) => {
    const { server, ambit } = await start([answer])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: ERROR })
    expect(server.asked).toHaveLength(asked)
  })

  test('a stop ends the wait for the next try', async () => {
    const { server, ambit, lines } = await start([status(500, {}), now], { modelRetryMs: 20_000 })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    await logged(lines, 'the model call failed before its first word and is tried again')
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST' })).status).toBe(200)
    const streamed = parseStream(await readRest(reader))
    expectSound(streamed)
    expect(streamed.chunks.at(-1)?.type).toBe('abort')
    expect(server.asked).toHaveLength(1)
  })

  test('a stop closes a connection that has not answered yet', async () => {
    const asked = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    const { ambit } = await start([(response) => {
      response.once('close', () => closed.resolve())
      asked.resolve()
    }])
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    await asked.promise
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST' })).status).toBe(200)
    await closed.promise
    expect(parseStream(await readRest(reader)).chunks.at(-1)?.type).toBe('abort')
  })

  test('an event of 50 MB is not read to its end', async () => {
    let written = 0
    function* event() {
      yield 'data: {"choices":[{"index":0,"delta":{"content":"'
      for (const piece = 'x'.repeat(64_000); written < 50_000_000; written += piece.length) yield piece
      yield '"}}]}\n\n'
    }
    const cut = Promise.withResolvers<void>()
    const { ambit, lines } = await start([(response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      pipeline(Readable.from(event()), response, () => cut.resolve())
    }])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: ERROR })
    await cut.promise
    // Beyond the bound: only what the sockets of both sides hold.
    expect(written).toBeLessThan(20_000_000)
    expect(JSON.stringify(await logged(lines, 'the run failed'))).toContain('an event of more than 4000000 bytes')
  })

  test('one byte at a time: every letter of it', async () => {
    const text = 'Zürich – 1,25 €, 🙂'
    const { ambit } = await start([async (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.socket?.setNoDelay(true)
      const bodies = [...[...text].map((letter) => deltaChunk({ content: letter })), deltaChunk({}, 'stop')]
      for (const byte of Buffer.from(`${bodies.map(eventText).join('')}data: [DONE]\r\n\r\n`)) {
        response.write(Buffer.of(byte))
        await nextTurn()
      }
      response.end()
    }])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe(text)
    expect(streamed.chunks.at(-1)?.type).toBe('finish')
  })

  test('arguments that are never closed in an answer that is whole: the model is told', async () => {
    const { server, ambit } = await start([completion([callDelta(0, 'call_x', '{"of":"EU')], 'tool_calls'), now])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks).toContainEqual(expect.objectContaining({ type: 'tool-input-error', toolName: 'rate', errorText: 'The arguments are not JSON.' }))
    expect(said(streamed.chunks)).toBe('Now.')
    const told = server.asked[1]?.body['messages'] as { role: string }[]
    expect(told.at(-1)).toEqual({ role: 'tool', tool_call_id: 'call_x', content: 'The arguments are not JSON.' })
  })

  test('the same call id twice in one answer: two calls, each with its own answer', async () => {
    const { server, ambit } = await start([completion([callDelta(0, 'call_x', '{"of":"EUR"}'), callDelta(1, 'call_x', '{"of":"USD"}')], 'tool_calls'), now])
    const thread = freshThread()
    const streamed = await answerTo(stage, ambit, { thread })
    expectSound(streamed)
    const outputs = streamed.chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? [chunk] : []))
    expect(outputs.map((chunk) => chunk.output)).toEqual([{ of: 'EUR', rate: 1.25 }, { of: 'USD', rate: 1.25 }])
    expect(new Set(outputs.map((chunk) => chunk.toolCallId)).size).toBe(2)
    const told = (must(server.asked[1]).body['messages'] as { role: string; content: unknown }[]).filter((message) => message.role === 'tool')
    expect(told.map((message) => message.content)).toEqual(['{"of":"EUR","rate":1.25}', '{"of":"USD","rate":1.25}'])
    const parts = must((await messagesOf(stage, ambit, { thread })).at(-1)).parts.filter((part) => part['type'] === 'dynamic-tool')
    expect(parts.map((part) => part['state'])).toEqual(['output-available', 'output-available'])
  })

  test.each<[name: string, usage: unknown]>([['none', undefined], ['null', null], ['nothing in it', {}]])('no usage (%s) is unknown, and not 0', async (_, usage) => {
    const { ambit } = await start([completion([{ content: 'Now.' }], 'stop', usage)])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    const run = await runOf(stage, ambit, runIdOf(streamed))
    expect(run.steps.map((step) => step.usage)).toEqual([{ inputTokens: {}, outputTokens: {} }])
  })

  test('a redirect is not followed, and the key stays here', async () => {
    const elsewhere = await startUpstream(now)
    onTestFinished(() => elsewhere.close())
    const { ambit, lines } = await start([(response) => void response.writeHead(307, { location: `${elsewhere.origin}/v1/chat/completions` }).end()])
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: ERROR })
    expect(elsewhere.asked).toEqual([])
    expect(JSON.stringify(await logged(lines, 'the run failed'))).toContain('Redirects are not followed')
  })

  test('nobody at that address: tried again, and then one error', async () => {
    const server = await startUpstream()
    await server.close()
    const providers = { 'openai-compatible': { baseURL: `${server.origin}/v1` } }
    const { ambit, lines } = stage.start({ model: 'openai-compatible:x', providers, limits: { modelRetryMs: 1 } })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: ERROR })
    await vi.waitFor(() => expect(lines.filter((line) => line.msg.includes('is tried again'))).toHaveLength(2))
    expect(JSON.stringify(await logged(lines, 'the run failed'))).toContain('ECONNREFUSED')
  })
})
