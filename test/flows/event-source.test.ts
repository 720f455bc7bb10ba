import { EventSource } from 'eventsource'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { ambitTransport } from '../../src/client.ts'
import { APOLLO, parseStream, send } from '../support/client.ts'
import type { Streamed } from '../support/client.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, post, runIdOf, serve, useStage } from '../support/stage.ts'

// The published EventSource at `GET …/runs/{run}/events`: it comes back by itself whenever its connection ends, with the id of
// the last event that came whole, and stops at the first answer that is not 200.

const WORDS = Array.from({ length: 12 }, (_, index) => `Word ${index} – äöü 🚀 \n\ndata: [DONE]\n\n`)

/** Else an EventSource waits three seconds before each time that it comes back. */
function comingBackSoon(): TransformStream<Uint8Array, Uint8Array> {
  return new TransformStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('retry: 1\n\n')) })
}

/** A connection that breaks behind so many whole events, and in the middle of the next. */
function brokenAfter(events: number): TransformStream<Uint8Array, Uint8Array> {
  let left = events
  return new TransformStream({
    transform(piece, controller) {
      for (let at = piece.indexOf(10); at >= 0; at = piece.indexOf(10, at + 1)) {
        if (piece[at + 1] !== 100 || piece[at + 2] !== 97) continue // the line that begins with "data"
        left -= 1
        if (left >= 0) continue
        controller.enqueue(piece.subarray(0, at + 8))
        return controller.error(new Error('cut'))
      }
      controller.enqueue(piece)
    },
  })
}

describe.each(databaseKinds)('an EventSource on $name', (kind) => {
  const stage = useStage(kind)

  interface Heard {
    readonly events: { readonly id: string; readonly data: string }[]
    readonly source: EventSource
    /** The statuses with which it was answered. */
    readonly statuses: number[]
    readonly closed: Promise<number | undefined>
  }

  /** `cutAfter`: its connection breaks after so many events, each time. */
  function listen(url: string, cutAfter = Infinity): Heard {
    const events: { id: string; data: string }[] = []
    const statuses: number[] = []
    const source = new EventSource(url, {
      async fetch(input, init) {
        const response = await fetch(input, { ...init, headers: { ...init.headers, authorization: `Bearer ${stage.world.keys.bob}` } })
        statuses.push(response.status)
        if (!response.body) return response
        return new Response(response.body.pipeThrough(comingBackSoon()).pipeThrough(brokenAfter(cutAfter)), response)
      },
    })
    onTestFinished(() => source.close())
    source.addEventListener('message', ({ data, lastEventId }) => events.push({ id: String(lastEventId), data: String(data) }))
    const closed = Promise.withResolvers<number | undefined>()
    source.addEventListener('error', ({ code }) => {
      if (source.readyState === source.CLOSED) closed.resolve(code)
    })
    return { events, source, statuses, closed: closed.promise }
  }

  const asHeard = ({ ids, chunks }: Streamed) => [...ids.map((id, index) => ({ id, data: JSON.stringify(chunks[index]) })), { id: must(ids.at(-1)), data: '[DONE]' }]

  async function behindProxy(ambit: Ambit, afterBytes: number) {
    const served = await serve(ambit)
    onTestFinished(() => served.close())
    const proxy = await startCuttingProxy(served, (connection) => ({ afterBytes, how: connection % 2 === 0 ? 'reset' : 'end' }))
    onTestFinished(() => proxy.close())
    return proxy
  }

  test.each([1, 3])('of an ended run, broken after every %d events: every event once, the same bytes, and it stops at 204', async (cutAfter) => {
    const { ambit } = stage.start({ model: scriptedModel(says(...WORDS)) })
    const whole = await answerTo(stage, ambit, { thread: freshThread() })
    const served = await serve(ambit)
    onTestFinished(() => served.close())
    const { events, statuses, closed } = listen(`${served.url}${APOLLO}/runs/${runIdOf(whole)}/events`, cutAfter)
    expect(await closed).toBe(204)
    expect(events.filter(({ data }) => data !== '[DONE]')).toEqual(asHeard(whole).slice(0, -1))
    expect(statuses.length).toBeGreaterThanOrEqual(whole.ids.length / cutAfter)
  })

  test.each([900])('of an ended run, cut after every %d bytes: every event once, the same bytes, and it stops at 204', async (afterBytes) => {
    const { ambit } = stage.start({ model: scriptedModel(says(...WORDS)) })
    const whole = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(whole)
    const proxy = await behindProxy(ambit, afterBytes)
    const { events, statuses, closed } = listen(`${proxy.url}${APOLLO}/runs/${runIdOf(whole)}/events`)
    expect(await closed).toBe(204)
    expect(events.filter(({ data }) => data !== '[DONE]')).toEqual(asHeard(whole).slice(0, -1))
    expect(statuses.slice(0, -1)).toEqual(statuses.slice(0, -1).map(() => 200))
    expect(statuses.length).toBeGreaterThan(2)
  })

  test('of a run under way, cut again and again while the model speaks', async () => {
    const gates = WORDS.map(() => gate())
    const { ambit } = stage.start({ model: scriptedModel(says(...WORDS).flatMap((part, index) => (gates[index - 2] ? [must(gates[index - 2]).opened, part] : [part]))) })
    const thread = freshThread()
    const first = await post(stage, ambit, { thread })
    const run = must(first.headers.get('x-resumable-stream-id'))
    const proxy = await behindProxy(ambit, 900)
    const { events, closed } = listen(`${proxy.url}${APOLLO}/runs/${run}/events`)
    for (const [index, { open }] of gates.entries()) {
      open()
      await vi.waitFor(() => expect(events.filter(({ data }) => data.includes('text-delta'))).toHaveLength(index + 1), { timeout: 10_000 })
    }
    expect(await closed).toBe(204)
    expect(events.filter(({ data }) => data !== '[DONE]')).toEqual(asHeard(parseStream(await first.text())).slice(0, -1))
    expect(proxy.answered.length).toBeGreaterThan(2)
  })

  test('of a run whose attempt was dropped: it is told so once, and every later reader gets what was kept', async () => {
    const [breaking, going] = [gate(), gate()]
    const { ambit } = stage.start({ model: scriptedModel([...says('No, wa').slice(0, 3), breaking.opened], [going.opened, ...says('Right.')]) })
    const thread = freshThread()
    const first = await post(stage, ambit, { thread })
    const run = must(first.headers.get('x-resumable-stream-id'))
    const proxy = await behindProxy(ambit, 10_000)
    const { events, closed } = listen(`${proxy.url}${APOLLO}/runs/${run}/events`)
    await vi.waitFor(() => expect(events.some(({ data }) => data.includes('No, wa'))).toBe(true), { timeout: 10_000 })
    proxy.cut()
    breaking.open()
    going.open()
    expect(await closed).toBe(204)
    const said = events.map(({ data }) => data).join('\n')
    expect(said.split('"reset-step"')).toHaveLength(2)
    expect(said.indexOf('Right.')).toBeGreaterThan(said.indexOf('"reset-step"'))
    const kept = parseStream(await (await send(ambit, stage.world, 'bob', `${APOLLO}/runs/${run}/events`)).text())
    expectSound(kept)
    expect(kept.text).not.toContain('No, wa')
    const resetAt = events.findIndex(({ data }) => data.includes('"reset-step"'))
    const after = events.slice(resetAt + 1).filter(({ data }) => data !== '[DONE]')
    expect(after).toEqual(asHeard(kept).slice(0, -1).slice(-after.length))
    await first.body?.cancel()
  })

  test.each([300])('the transport of ambit/client, cut after every %d bytes of an answer: the same chunks', async (bytes) => {
    const { ambit } = stage.start({ model: scriptedModel(says(...WORDS)) })
    const proxy = await behindProxy(ambit, 500 + bytes)
    const thread = freshThread()
    const transport = ambitTransport({
      url: proxy.url, org: 'acme', project: 'apollo', reconnect: { firstDelayMs: 1, maxDelayMs: 4, tries: 20 },
      headers: { authorization: `Bearer ${stage.world.keys.bob}` },
    })
    const message = { id: `${thread}-q`, role: 'user' as const, parts: [{ type: 'text' as const, text: 'Go on.' }] }
    const stream = await transport.sendMessages({ chatId: thread, messages: [message], trigger: 'submit-message', messageId: undefined, abortSignal: undefined })
    const chunks: unknown[] = []
    for await (const chunk of stream) chunks.push(chunk)
    const runs = (await (await send(ambit, stage.world, 'bob', `${APOLLO}/runs`)).json()) as { readonly runs: readonly { readonly id: string }[] }
    const whole = parseStream(await (await send(ambit, stage.world, 'bob', `${APOLLO}/runs/${must(runs.runs[0]).id}/events`)).text())
    expectSound(whole)
    expect(chunks).toEqual(whole.chunks)
    expect(proxy.answered.length).toBeGreaterThan(3)
  })
})
