import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { ACME, APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { plantAnswer } from '../support/plant-answer.ts'
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
      ask: (thread: string, text: string) => fetch(`${served.url}${APOLLO}/chat`, { method: 'POST', headers, body: JSON.stringify(question(thread, text)) }),
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
    expect(lines.filter(({ msg }) => msg === 'the stream was broken off')).toEqual([])
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

  test('an id that is none, of another attempt, or of no run of this thread is refused', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([waiting.opened, ...says('Yes.')]) })
    const server = await open(ambit)
    const thread = freshThread()
    const response = await server.post(thread)
    const run = must(response.headers.get('x-resumable-stream-id'))
    const statuses = await Promise.all(['nonsense', '', `${run}.0.1`, `${run}.2.1`, 'run_other.1.1'].map(async (id) => (await server.resume(thread, id)).status))
    expect(statuses).toEqual([400, 400, 400, 409, 404])
    waiting.open()
    await readStream(response)
    expect((await server.resume(thread)).status).toBe(204)
    expect((await server.resume(thread, 'run_other.1.1')).status).toBe(404)
  })

  test('an answer that ends while its reader is away is not lost: the rest comes after any event of it, also when the next is under way', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel(says('One, ', 'two.'), [waiting.opened, ...says('Next.')]) })
    const server = await open(ambit)
    const thread = freshThread()
    const whole = await (await server.post(thread)).text()
    const { ids } = parseStream(whole)
    const [run, , last] = must(ids.at(-1)).split('.')
    const expectTheRest = async () => {
      for (const id of ids.slice(0, -1)) {
        const response = await server.resume(thread, id)
        expect([id, response.status, response.headers.get('x-resumable-stream-id')]).toEqual([id, 200, run])
        const after = whole.indexOf(`id: ${id}\n`)
        const rest = whole.slice(whole.indexOf('\n\n', after) + 2)
        expect((await response.text()).replace(/^: \n\n/, '')).toBe(rest)
      }
      expect((await server.resume(thread, ids.at(-1))).status).toBe(204)
      const refused = await Promise.all([`${run}.1.${Number(last) + 1}`, `${run}.2.1`].map((id) => server.resume(thread, id)))
      expect(refused.map(({ status }) => status)).toEqual([409, 409])
    }
    await expectTheRest()
    const next = await server.ask(thread, 'And?')
    await expectTheRest()
    waiting.open()
    expect(said((await readStream(next)).chunks)).toBe('Next.')
    const other = freshThread()
    await readStream(await server.post(other))
    expect((await server.resume(other, ids[0])).status).toBe(404)
  })

  test('an ended answer that read what its reader may not see is not there, to the byte', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const { world } = stage
    const zephyr = must(world.ids['acme/zephyr'])
    const planted = await plantAnswer(stage.database.handles, world.rows('acme', 'ada'), { projectId: '*', shared: true, reads: ['*', zephyr], question: 'Asked?', answer: 'Answered.' })
    const ask = async (who: 'bob' | 'carol', run: string) => {
      const response = await send(ambit, world, who, `${ACME}/chat/${planted.threadId}/stream`, { headers: { 'last-event-id': `${run}.1.1`, 'x-request-id': 'same' } })
      const headers = Object.fromEntries(response.headers)
      if (response.status === 200) await response.body?.cancel()
      return { status: response.status, headers }
    }
    expect((await ask('carol', planted.runId)).status).toBe(204) // it is its last
    expect(await ask('bob', planted.runId)).toEqual(await ask('bob', 'run_nothing'))
    expect((await ask('bob', planted.runId)).status).toBe(404)
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
