import type { UIMessageChunk } from 'ai'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { AmbitTransport } from '../../src/client.ts'
import { APOLLO, parseStream, send } from '../support/client.ts'
import type { CutPlan, CuttingProxy } from '../support/cutting-proxy.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { searchedKinds } from '../support/databases.ts'
import { expectQuiet, listResources } from '../support/leak-check.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, runOf, serve, useStage } from '../support/stage.ts'
import { openPage, textOf } from './page.ts'
import type { Page } from './page.ts'

const WORDS = Array.from({ length: 12 }, (_, index) => `Wort ${index} – äöü 🚀 \n\ndata: [DONE]\n\n`)

function ask(transport: AmbitTransport, chatId: string, abortSignal?: AbortSignal): Promise<ReadableStream<UIMessageChunk>> {
  const message = { id: `${chatId}-q`, role: 'user' as const, parts: [{ type: 'text' as const, text: 'Go on.' }] }
  return transport.sendMessages({ chatId, messages: [message], trigger: 'submit-message', messageId: undefined, abortSignal })
}

async function read(stream: ReadableStream<UIMessageChunk>): Promise<readonly UIMessageChunk[]> {
  const chunks: UIMessageChunk[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return chunks
}

describe.each(searchedKinds)('a connection that breaks in mid-answer, on $name', (kind) => {
  const stage = useStage(kind)

  /** A page whose connections are cut by the plan. */
  async function open(ambit: Parameters<typeof serve>[0], plan: (connection: number) => CutPlan | null, options: Parameters<typeof openPage>[2] = {}): Promise<Page & { readonly proxy: CuttingProxy }> {
    const served = await serve(ambit)
    onTestFinished(() => served.close())
    const proxy = await startCuttingProxy(served, plan)
    onTestFinished(() => proxy.close())
    return { ...(await openPage(stage, ambit, { url: proxy.url, ...options })), proxy }
  }

  /** What was said, from its start, as a retry of the same message gets it. */
  async function whole(ambit: Parameters<typeof send>[0], chatId: string) {
    const body = { id: chatId, message: { id: `${chatId}-q`, role: 'user', parts: [{ type: 'text', text: 'Go on.' }] } }
    return parseStream(await (await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body })).text())
  }

  test.each(['reset', 'end'] as const)('once, at any place of an answer (%s): no chunk doubled, none missing', async (how) => {
    const { ambit } = stage.start({ model: scriptedModel(says(...WORDS)) })
    const untouched = await open(ambit, () => null)
    expect(JSON.stringify(await read(await ask(untouched.transport, freshThread())))).toContain('🚀')
    const length = must(untouched.proxy.answered[0])
    const header = 500
    for (let afterBytes = header; afterBytes < length; afterBytes += 61) {
      const page = await open(ambit, (connection) => (connection === 0 ? { afterBytes, how } : null))
      const thread = freshThread()
      const chunks = await read(await ask(page.transport, thread))
      expect([afterBytes, chunks]).toEqual([afterBytes, (await whole(ambit, thread)).chunks])
    }
  })

  test('again and again, while the model speaks', async () => {
    const gates = WORDS.map(() => gate())
    const { ambit } = stage.start({ model: scriptedModel(says(...WORDS).flatMap((part, index) => (gates[index - 2] ? [must(gates[index - 2]).opened, part] : [part]))) })
    const page = await open(ambit, (connection) => ({ afterBytes: 1_000, how: connection % 2 === 0 ? 'reset' : 'end' }))
    const thread = freshThread()
    const chat = page.chat(thread)
    const asked = chat.sendMessage({ text: 'Go on.' })
    for (const [index, { open: speak }] of gates.entries()) {
      speak()
      await vi.waitFor(() => expect(textOf(chat.lastMessage)).toBe(WORDS.slice(0, index + 1).join('')))
    }
    await asked
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, WORDS.join('')])
    expect(page.proxy.answered.length).toBeGreaterThan(2)
    const resumed = page.sent.slice(1)
    expect(resumed.every(({ method, lastEventId }) => method === 'GET' && lastEventId !== null)).toBe(true)
    expect(new Set(resumed.map(({ lastEventId }) => lastEventId)).size).toBeGreaterThan(1)
  })

  test('before its first event, and the answer has ended meanwhile: the same message asks again', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Whole.')) })
    const headed = await open(ambit, () => null, {
      async fetch(url, init) {
        const response = await fetch(url, init)
        if (headed.sent.length > 1) return response
        await response.text()
        return new Response(new ReadableStream({ pull: (controller) => controller.error(new TypeError('network error')) }), response)
      },
    })
    const thread = freshThread()
    expect(await read(await ask(headed.transport, thread))).toEqual((await whole(ambit, thread)).chunks)
    expect(headed.sent.map(({ method }) => method)).toEqual(['POST', 'POST'])
  })

  test('before its first event, of a regeneration: the run is found again, and another one is not taken for it', async () => {
    for (const [name, outcome] of [['x-resumable-stream-id', [undefined, 'Two.']], ['x-of-another', [expect.objectContaining({ code: 'stream_lost' }), 'Go on.']]] as const) {
      const waiting = gate()
      const { ambit } = stage.start({ model: scriptedModel(says('One.'), [waiting.opened, ...says('Two.')]) })
      let answered = 0
      const page = await open(ambit, () => null, {
        async fetch(url, init) {
          const response = await fetch(url, init)
          answered += 1
          if (page.sent.length !== 2) return response
          await response.body?.cancel()
          const headers = { 'content-type': 'text/event-stream', 'x-resumable-stream-id': response.headers.get(name) ?? 'run_other' }
          return new Response(null, { headers })
        },
      })
      const chat = page.chat(freshThread())
      await chat.sendMessage({ text: 'Go on.' })
      const again = chat.regenerate()
      await vi.waitFor(() => expect(answered).toBe(3))
      waiting.open()
      await again
      expect([chat.error, textOf(chat.lastMessage)]).toEqual(outcome)
      expect(page.sent.map(({ method, lastEventId }) => [method, lastEventId])).toEqual([['POST', null], ['POST', null], ['GET', null]])
    }
  })

  test('and stays away: after its tries the error says so, and the run goes on', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const page = await open(ambit, (connection) => (connection === 0 ? null : { afterBytes: 10, how: 'reset' }))
    const thread = freshThread()
    const chat = page.chat(thread)
    const asked = chat.sendMessage({ text: 'Go on.' })
    await vi.waitFor(() => expect(textOf(chat.messages.at(-1))).toBe('Half, '))
    page.proxy.cut()
    await asked
    expect(chat.status).toBe('error')
    expect(chat.error).toMatchObject({
      name: 'AmbitError', code: 'stream_lost', status: 0, cause: { code: 'unreachable' },
      message: 'The connection broke, and the rest of the answer could not be had. It is kept: load the messages of this chat again.',
    })
    expect(page.sent.length).toBe(1 + 4)
    waiting.open()
    const run = must(must(page.sent[1]).lastEventId?.split('.')[0])
    await vi.waitFor(async () => expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'completed' }))
  })

  test('a refusal of the rest is what the lost stream tells, with its own as the cause', async () => {
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), new Promise<never>(() => {})]) })
    for (const [status, retryAfter] of [[401, '0'], [404, '0'], [409, '0'], [503, '3600']] as const) {
      const page = await open(ambit, () => null, {
        fetch: async (url, init) => (page.sent.length === 1 ? fetch(url, init) : new Response('<h1>no</h1>', { status, headers: { 'retry-after': retryAfter } })),
      })
      const chat = page.chat(freshThread())
      const asked = chat.sendMessage({ text: 'Go on.' })
      await vi.waitFor(() => expect(textOf(chat.messages.at(-1))).toBe('Half, '))
      page.proxy.cut()
      await asked
      expect(page.sent.length).toBe(2)
      expect(chat.error).toMatchObject({ code: 'stream_lost', status, retryAfterS: Number(retryAfter), cause: { code: 'unexpected_answer', status } })
    }
  })

  test.each([408, 429, 500, 502, 503, 504])('a refusal of the rest that passes (%i) is waited for', async (status) => {
    const { ambit } = stage.start({ model: scriptedModel(says('Whole.')) })
    const page = await open(ambit, (connection) => (connection === 0 ? { afterBytes: 700, how: 'reset' } : null), {
      fetch: async (url, init) => (page.sent.length === 2 ? new Response(null, { status }) : fetch(url, init)),
    })
    const chat = page.chat(freshThread())
    await chat.sendMessage({ text: 'Go on.' })
    expect([chat.error, textOf(chat.lastMessage), page.sent.length]).toEqual([undefined, 'Whole.', 3])
  })

  test('a stop while it waits for the connection ends the waiting at once, and the run', async () => {
    const model = scriptedModel([...says('Half, ').slice(0, 3), new Promise<never>(() => {})])
    const { ambit } = stage.start({ model })
    const page = await open(ambit, () => null, { reconnect: { firstDelayMs: 1_000_000, maxDelayMs: 1_000_000 } })
    const before = listResources()
    const chat = page.chat(freshThread())
    const asked = chat.sendMessage({ text: 'Go on.' })
    await vi.waitFor(() => expect(textOf(chat.messages.at(-1))).toBe('Half, '))
    page.proxy.cut()
    await vi.waitFor(() => expect(listResources().get('Timeout') ?? 0).toBeGreaterThan(before.get('Timeout') ?? 0))
    await chat.stop()
    await asked
    await vi.waitFor(() => expect(model.cancelled()).toBe(1))
    expect([chat.status, chat.error, page.sent.map(({ path }) => path.split('/').at(-1))]).toEqual(['ready', undefined, ['chat', 'stop']])
    await ambit.close({ graceMs: 0 })
    await expectQuiet(before, 10_000) // `fetch` keeps an idle connection for 4 s
  })

  test('a stream that is read without a chat ends with the reason of its abort', async () => {
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), new Promise<never>(() => {})]) })
    const page = await open(ambit, () => null)
    const leaving = new AbortController()
    const stream = await ask(page.transport, freshThread(), leaving.signal)
    const rest = read(stream)
    leaving.abort(new Error('enough'))
    await expect(rest).rejects.toThrow('enough')
    await vi.waitFor(() => expect(page.sent.length).toBe(2))
  })

  test('an abort after the end is none', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Whole.')) })
    const page = await open(ambit, () => null)
    const late = new AbortController()
    const thread = freshThread()
    expect((await read(await ask(page.transport, thread, late.signal))).at(-1)).toMatchObject({ type: 'finish' })
    expect(await page.transport.reconnectToStream({ chatId: thread, abortSignal: late.signal })).toBeNull()
    late.abort()
    await page.transport.stop(thread)
    expect(page.sent.map(({ method }) => method)).toEqual(['POST', 'GET', 'POST'])
    await expect(ask(page.transport, thread, late.signal)).rejects.toThrow('aborted')
    expect(page.sent.length).toBe(3)
  })
})
