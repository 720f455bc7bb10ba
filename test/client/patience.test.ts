import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import type { AmbitTransportOptions } from '../../src/client.ts'
import { ambitTransport } from '../../src/client.ts'

// What stands between two attempts is time, and here nothing else does: the clock is the test's, and so are the answers.

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const HALF = 'id: r.1.1\ndata: {"type":"start","messageId":"m1"}\n\n'
const half = () => new Response(HALF, { headers: { 'content-type': 'text/event-stream' } })
const away = () => Promise.reject(new TypeError('Failed to fetch'))

/** A broken answer, and what the attempts to take it up are answered with. */
async function begin(answers: readonly (() => Response | Promise<Response>)[], reconnect: AmbitTransportOptions['reconnect'] = {}) {
  const asked: (string | null)[] = []
  const transport = ambitTransport({
    url: '/api/ambit',
    reconnect,
    async fetch(_, init) {
      const answer = answers[Math.min(asked.length, answers.length - 1)] ?? away
      asked.push(new Headers(init.headers).get('last-event-id'))
      return answer()
    },
  })
  const leaving = new AbortController()
  const stream = await transport.reconnectToStream({ chatId: 'c', abortSignal: leaving.signal })
  const outcome = (async () => {
    try {
      for await (const chunk of stream ?? []) void chunk
      return 'whole'
    } catch (error) {
      return error
    }
  })()
  await vi.advanceTimersByTimeAsync(0)
  return { asked, outcome, leaving }
}

/** How long it waited before each attempt. */
async function delays(asked: readonly unknown[], count: number): Promise<number[]> {
  const waited: number[] = []
  for (let ms = 0; waited.length < count; ms += 125) {
    const before = asked.length
    await vi.advanceTimersByTimeAsync(125)
    if (asked.length > before) {
      waited.push(ms + 125)
      ms = -125
    }
  }
  return waited
}

test.each([[1, [250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000, 8_000]], [0, [125, 250, 500, 1_000, 2_000, 4_000, 4_000, 4_000, 4_000, 4_000]]])('waits from a quarter of a second to eight, doubled, a half of it by chance (%d), ten times', async (chance, expected) => {
  vi.spyOn(Math, 'random').mockReturnValue(chance)
  const { asked, outcome } = await begin([half, away])
  expect(await delays(asked, 10)).toEqual(expected)
  await expect(outcome).resolves.toMatchObject({ code: 'stream_lost' })
  expect(asked).toEqual([null, ...Array.from({ length: 10 }, () => 'r.1.1')])
  expect(vi.getTimerCount()).toBe(0)
})

test('waits as long as it is asked to, and from the beginning after each new event', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const busy = () => new Response(null, { status: 503, headers: { 'retry-after': '20' } })
  const more = (text: string) => () => new Response(text, { headers: { 'content-type': 'text/event-stream' } })
  const { asked, outcome } = await begin([
    half, away, busy, more(': \n\n'), more('id: r.1.2\ndata: {"type":"start-step"}\n\n'), away, more('id: r.1.3\ndata: {"type":"finish"}\n\n'),
  ])
  expect(await delays(asked, 6)).toEqual([250, 500, 20_000, 2_000, 250, 500])
  await expect(outcome).resolves.toBe('whole')
  expect(asked).toEqual([null, 'r.1.1', 'r.1.1', 'r.1.1', 'r.1.1', 'r.1.2', 'r.1.2'])
})

test('is set by who makes the transport, down to none at all', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const set = await begin([half, away], { tries: 3, firstDelayMs: 1_000, maxDelayMs: 1_500 })
  expect(await delays(set.asked, 3)).toEqual([1_000, 1_500, 1_500])
  await expect(set.outcome).resolves.toMatchObject({ code: 'stream_lost' })
  const none = await begin([half], { tries: 0 })
  await expect(none.outcome).resolves.toMatchObject({ code: 'stream_lost' })
  expect(none.asked.length).toBe(1)
})

test('a connection on which nothing comes, not even a heartbeat, counts as broken', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const silent = () => new Response(new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode(HALF)) }), { headers: { 'content-type': 'text/event-stream' } })
  const { asked, outcome } = await begin([silent, () => new Response('id: r.1.2\ndata: {"type":"finish"}\n\n', { headers: { 'content-type': 'text/event-stream' } })])
  await vi.advanceTimersByTimeAsync(44_999)
  expect(asked.length).toBe(1)
  await vi.advanceTimersByTimeAsync(1 + 250)
  await expect(outcome).resolves.toBe('whole')
  expect(asked).toEqual([null, 'r.1.1'])
  expect(vi.getTimerCount()).toBe(0)
})

test('[DONE] without an end is no end', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(1)
  const done = () => new Response(`${HALF}data: [DONE]\n\n`, { headers: { 'content-type': 'text/event-stream' } })
  const { asked, outcome } = await begin([done, () => new Response('id: r.1.2\ndata: {"type":"finish"}\n\ndata: [DONE]\n\n', { headers: { 'content-type': 'text/event-stream' } })])
  await vi.advanceTimersByTimeAsync(250)
  await expect(outcome).resolves.toBe('whole')
  expect(asked).toEqual([null, 'r.1.1'])
})

test('an abort ends the waiting, and leaves no timer', async () => {
  const { asked, outcome, leaving } = await begin([half, away])
  expect(vi.getTimerCount()).toBe(1)
  leaving.abort()
  await expect(outcome).resolves.toMatchObject({ name: 'AbortError' })
  await vi.advanceTimersByTimeAsync(0)
  expect(asked.length).toBe(2) // the second is the stop
  expect(vi.getTimerCount()).toBe(0)
})

test('a stop before the first answer waits ten seconds for it, and then leaves', async () => {
  const signals: (AbortSignal | null | undefined)[] = []
  const transport = ambitTransport({
    url: '/api/ambit',
    fetch: (_, { signal }) => {
      signals.push(signal)
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error))
      })
    },
  })
  const leaving = new AbortController()
  const message = { id: 'm', role: 'user' as const, parts: [{ type: 'text' as const, text: 'Go on.' }] }
  const sending = transport.sendMessages({ chatId: 'c', messages: [message], trigger: 'submit-message', messageId: undefined, abortSignal: leaving.signal })
  await vi.advanceTimersByTimeAsync(0)
  leaving.abort()
  await expect(sending).rejects.toMatchObject({ name: 'AbortError' })
  await vi.advanceTimersByTimeAsync(9_999)
  expect(signals.map((signal) => signal?.aborted)).toEqual([false])
  await vi.advanceTimersByTimeAsync(1)
  expect(signals.map((signal) => signal?.aborted)).toEqual([true])
  expect(vi.getTimerCount()).toBe(0)
})

test('who leaves before a chat is taken up stops nothing, also if the answer comes all the same', async () => {
  const answered = Promise.withResolvers<Response>()
  const asked: string[] = []
  const transport = ambitTransport({
    url: '/api/ambit',
    fetch: (url) => {
      asked.push(url)
      return answered.promise
    },
  })
  const leaving = new AbortController()
  const resuming = transport.reconnectToStream({ chatId: 'c', abortSignal: leaving.signal })
  await vi.advanceTimersByTimeAsync(0)
  leaving.abort()
  await expect(resuming).rejects.toMatchObject({ name: 'AbortError' })
  answered.resolve(new Response(HALF, { headers: { 'content-type': 'text/event-stream', 'x-resumable-stream-id': 'r' } }))
  await vi.advanceTimersByTimeAsync(0)
  expect(asked).toEqual(['/api/ambit/chat/c/stream'])
})

test('a stream that is cancelled while it waits lets go of its connection at once', async () => {
  const signals: AbortSignal[] = []
  const transport = ambitTransport({
    url: '/api/ambit',
    async fetch(_, { signal }) {
      if (signal) signals.push(signal)
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(new TextEncoder().encode(HALF))
          signal?.addEventListener('abort', () => controller.error(signal.reason))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  const reader = (await transport.reconnectToStream({ chatId: 'c' }))?.getReader()
  expect((await reader?.read())?.value).toMatchObject({ type: 'start' })
  const waiting = reader?.read()
  await reader?.cancel()
  expect([await waiting, signals.map(({ aborted }) => aborted)]).toEqual([{ done: true, value: undefined }, [true]])
  expect(vi.getTimerCount()).toBe(0)
})

test('a message that waits for a stop to come through can be given up at once', async () => {
  const never = () => new Promise<Response>(() => {})
  const transport = ambitTransport({ url: '/api/ambit', fetch: async (url) => (url.endsWith('/stop') ? never() : half()) })
  const send = (abortSignal: AbortSignal) =>
    transport.sendMessages({ trigger: 'submit-message', chatId: 'c', messageId: undefined, messages: [{ id: 'u1', role: 'user', parts: [{ type: 'text', text: 'Hello?' }] }], abortSignal })
  const [first, second] = [new AbortController(), new AbortController()]
  await send(first.signal)
  first.abort()
  await vi.advanceTimersByTimeAsync(0)
  const outcome = send(second.signal).catch((error: unknown) => error)
  second.abort()
  await expect(outcome).resolves.toMatchObject({ name: 'AbortError' })
})

test('what onStopFailed throws refuses no later message', async () => {
  const thrown: unknown[] = []
  const onThrown = (error: unknown) => thrown.push(error)
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException').on('uncaughtException', onThrown)
  onTestFinished(() => {
    process.off('uncaughtException', onThrown)
    for (const other of others) process.on('uncaughtException', other)
  })
  const transport = ambitTransport({
    url: '/api/ambit',
    fetch: async (url) => (url.endsWith('/stop') ? away() : half()),
    onStopFailed: () => {
      throw new Error('a bug of the page')
    },
  })
  const message = { id: 'u1', role: 'user', parts: [{ type: 'text', text: 'Hello?' }] } as const
  const send = (abortSignal?: AbortSignal) =>
    transport.sendMessages({ trigger: 'submit-message', chatId: 'c', messageId: undefined, messages: [{ ...message, parts: [...message.parts] }], abortSignal })
  const leaving = new AbortController()
  await send(leaving.signal)
  leaving.abort()
  await vi.advanceTimersByTimeAsync(0)
  expect(thrown).toMatchObject([{ message: 'a bug of the page' }])
  await expect(send()).resolves.toBeInstanceOf(ReadableStream)
})

test('a stop that is not answered is told after ten seconds', async () => {
  const transport = ambitTransport({
    url: '/api/ambit',
    fetch: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error))
      }),
  })
  const outcome = transport.stop('c').catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await outcome).toMatchObject({ name: 'AmbitError', code: 'unreachable', message: 'The server does not answer. The run may go on: stop it again.' })
  expect(vi.getTimerCount()).toBe(0)
})

test('a token that cannot be had is an attempt that failed', async () => {
  let fresh = 0
  const transport = ambitTransport({
    url: '/api/ambit',
    headers: async () => ((fresh += 1) === 2 ? Promise.reject(new Error('away')) : { authorization: `Bearer ${fresh}` }),
    fetch: async (_, init) => (new Headers(init.headers).get('authorization') === 'Bearer 3' ? new Response('data: {"type":"finish"}\n\n', { headers: { 'content-type': 'text/event-stream' } }) : half()),
  })
  const reader = (await transport.reconnectToStream({ chatId: 'c' }))?.getReader()
  const types = [(await reader?.read())?.value?.type]
  const next = reader?.read()
  await vi.advanceTimersByTimeAsync(1_000)
  types.push((await next)?.value?.type)
  expect([types, fresh]).toEqual([['start', 'finish'], 3])
})
