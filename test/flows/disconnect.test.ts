import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { APOLLO, parseStream, question, readStream, said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, messagesOf, must, readRest, readUntil, runIdOf, runOf, serve, useStage } from '../support/stage.ts'

describe.each(databaseKinds)('a reader who goes, on $name', (kind) => {
  const stage = useStage(kind)

  async function open(ambit: Ambit) {
    const served = await serve(ambit)
    onTestFinished(() => served.close())
    const headers = { authorization: `Bearer ${stage.world.keys.bob}`, 'content-type': 'application/json' }
    return {
      port: served.port,
      headers,
      post: (thread: string, signal?: AbortSignal) =>
        fetch(`${served.url}${APOLLO}/chat`, { method: 'POST', headers, body: JSON.stringify(question(thread, 'Go on.', 'q1')), ...(signal && { signal }) }),
      resume: (thread: string, lastEventId?: string) =>
        fetch(`${served.url}${APOLLO}/chat/${thread}/stream`, { headers: { ...headers, ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) } }),
    }
  }

  test('an aborted fetch leaves the run running to its end, stored whole', async () => {
    const waiting = gate()
    const model = scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)])
    const { ambit, lines } = stage.start({ model })
    const server = await open(ambit)
    const thread = freshThread()
    const going = new AbortController()
    const response = await server.post(thread, going.signal)
    const early = await readUntil(must(response.body).getReader(), 'Half, ')
    const run = runIdOf(parseStream(early))
    going.abort()
    expect(await logged(lines, 'the reader has gone')).toMatchObject({ org_slug: 'acme', project_slug: 'apollo', run_id: run })
    expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'running' })
    expect(model.calls[0]?.abortSignal?.aborted).toBe(false)
    waiting.open()
    await vi.waitFor(async () => expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'completed' }))
    const stored = must((await messagesOf(stage, ambit, { thread })).at(-1))
    expect(stored.parts).toEqual([{ type: 'step-start' }, { type: 'text', text: 'Half, whole.', state: 'done' }])
    const again = await readStream(await server.post(thread))
    expectSound(again)
    expect(again.text.startsWith(early)).toBe(true)
    expect(model.calls).toHaveLength(1)
    expect(model.cancelled()).toBe(0)
  })

  test('a socket that is reset is the same', async () => {
    const waiting = gate()
    const { ambit, lines } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const server = await open(ambit)
    const thread = freshThread()
    const body = JSON.stringify(question(thread, 'Go on.', 'q1'))
    const socket = connect(server.port, '127.0.0.1')
    const headers = Object.entries({ host: 'x', ...server.headers, 'content-length': String(Buffer.byteLength(body)) })
    socket.write(`POST ${APOLLO}/chat HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`)
    let text = ''
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
      text += String(bytes)
      if (text.includes('Half, ')) break
    }
    socket.resetAndDestroy()
    await once(socket, 'close')
    const { run_id: run } = await logged(lines, 'the reader has gone')
    waiting.open()
    await vi.waitFor(async () => expect(await runOf(stage, ambit, String(run))).toMatchObject({ state: 'completed' }))
    expect(said((await answerTo(stage, ambit, { thread, text: 'More?' })).chunks)).toContain('Half, ')
  })

  test('two readers of one run read the same bytes, also when one came late and one left', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const server = await open(ambit)
    const thread = freshThread()
    const first = must((await server.post(thread)).body).getReader()
    const early = await readUntil(first, 'Half, ')
    const late = must((await server.resume(thread)).body).getReader()
    const leaves = must((await server.resume(thread)).body).getReader()
    const lateEarly = await readUntil(late, 'Half, ')
    await readUntil(leaves, 'Half, ')
    await leaves.cancel()
    waiting.open()
    const [one, two] = await Promise.all([readRest(first), readRest(late)])
    expect(lateEarly + two).toBe(early + one)
    expectSound(parseStream(early + one))
  })

  test('a reader who comes back with the id of any event gets exactly the rest', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const server = await open(ambit)
    const thread = freshThread()
    const first = must((await server.post(thread)).body).getReader()
    const early = await readUntil(first, 'Half, ')
    const { ids } = parseStream(early)
    expect(ids.length).toBeGreaterThan(2)
    const back = await Promise.all(ids.map((id) => server.resume(thread, id)))
    waiting.open()
    const whole = early + (await readRest(first))
    for (const [index, response] of back.entries()) {
      const after = `id: ${must(ids[index])}\n`
      const rest = whole.slice(whole.indexOf('\n\n', whole.indexOf(after)) + 2)
      expect((await response.text()).replace(/^: \n\n/, '')).toBe(rest)
    }
  })

  test('an id that is none, or of another attempt, is refused; with nothing running there is nothing to come back to', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([waiting.opened, ...says('Yes.')]) })
    const server = await open(ambit)
    const thread = freshThread()
    const response = await server.post(thread)
    const run = must(response.headers.get('x-resumable-stream-id'))
    const statuses = await Promise.all(['nonsense', '', `${run}.0.1`, `${run}.2.1`, 'run_other.1.1'].map(async (id) => (await server.resume(thread, id)).status))
    expect(statuses).toEqual([400, 400, 400, 409, 409])
    waiting.open()
    const { ids } = await readStream(response)
    expect((await server.resume(thread, must(ids[1]))).status).toBe(204)
  })

  test('a stream over a socket that breaks off is no clean end', async () => {
    const served = await serve({
      fetch: async () =>
        new Response(
          new ReadableStream<Uint8Array>({
            pull(controller) {
              controller.enqueue(new TextEncoder().encode(': \n\n'))
              controller.error(new Error('broken'))
            },
          }),
        ),
    })
    onTestFinished(() => served.close())
    const response = await fetch(served.url)
    await expect(response.text()).rejects.toThrow('terminated')
  })
})
