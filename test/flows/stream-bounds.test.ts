import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit, Limits } from '../../src/index.ts'
import { toNodeListener } from '../../src/node.ts'
import { ACME, APOLLO, parseStream, question, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, must, post, readUntil, runOf, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

const half = says('Half, ').slice(0, 3)
const whole = says('whole.').slice(2)

describe.each(databaseKinds)('streams on $name', (kind) => {
  const stage = useStage(kind)

  /** Answers that go on until the gate is opened. */
  function begin(limits: Partial<Limits>) {
    const waiting = gate()
    const running = stage.start({ model: scriptedModel([...half, waiting.opened, ...whole]), limits, metrics: true })
    const ask = (who: PersonName, thread = freshThread(), path = APOLLO) => send(running.ambit, stage.world, who, `${path}/chat`, { body: question(thread, 'Go on.') })
    return { ...running, open: waiting.open, ask }
  }

  async function counts(ambit: Ambit): Promise<Readonly<Record<string, number>>> {
    const response = await ambit.fetch(new Request('http://ambit.test/metrics'))
    const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    return Object.fromEntries(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]))
  }

  test.each([
    ['a person', { userStreams: 2 }, ['bob', 'bob', 'bob'], 429, 'over_limit', 'user'],
    ['an organisation', { orgStreams: 2 }, ['bob', 'ada', 'bob'], 429, 'over_limit', 'org'],
    ['a node', { nodeStreams: 2 }, ['bob', 'gus', 'ada'], 503, 'unavailable', 'node'],
  ] as const)('%s has so many at a time; one more is refused before a run begins, and taken when another has gone', async (_, limits, people, status, code, bound) => {
    const { ambit, open, ask } = begin(limits)
    const places = { bob: APOLLO, ada: ACME, gus: '/v1/orgs/globex/projects/apollo' } as const
    const [first, second, third] = people
    const held = [await ask(first, freshThread(), places[first]), await ask(second, freshThread(), places[second])]
    expect(held.map((response) => response.status)).toEqual([200, 200])
    const thread = freshThread()
    const refused = await ask(third, thread, places[third])
    expect([refused.status, refused.headers.get('retry-after'), await refused.json()]).toEqual([status, '5', expect.objectContaining({ code, retry_after: 5 })])
    expect((await send(ambit, stage.world, third, `${places[third]}/threads/${thread}`)).status).toBe(404)
    expect(await counts(ambit)).toMatchObject({ ambit_streams_open: 2, [`ambit_streams_refused_total{bound="${bound}"}`]: 1 })
    await must(held[0]?.body).cancel()
    const taken = await ask(third, thread, places[third])
    expect(taken.status).toBe(200)
    open()
    await Promise.all([held[1]?.text(), taken.text()])
    expect(await counts(ambit)).toMatchObject({ ambit_streams_open: 0, 'ambit_streams_ended_total{end="left"}': 1, 'ambit_streams_ended_total{end="complete"}': 2 })
  })

  test('who may follow is asked before how many do; whoever follows again counts, and what is refused holds no place', async () => {
    const { ambit, open, ask } = begin({ userStreams: 2 })
    const thread = freshThread()
    const first = await ask('bob', thread)
    for (let again = 0; again < 3; again += 1) expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(thread, 'Another.') })).status).toBe(409)
    const second = await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`)
    const third = await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`)
    expect([second.status, third.status]).toEqual([200, 429])
    const statusOf = async (who: PersonName | null, path: string) => (await send(ambit, stage.world, who, path)).status
    expect(await statusOf(null, `${APOLLO}/chat/${thread}/stream`)).toBe(401)
    expect(await statusOf('gus', `${APOLLO}/chat/${thread}/stream`)).toBe(404)
    expect(await statusOf('bob', `${APOLLO}/chat/never/stream`)).toBe(204)
    open()
    expect(await Promise.all([first.text(), second.text()]).then(([one, two]) => one === two)).toBe(true)
    expect((await counts(ambit))['ambit_streams_open']).toBe(0)
  })

  test('an answer that nobody reads gives its place back, and goes on', async () => {
    const { ambit, lines, open, ask } = begin({ userStreams: 1, stallMs: 50 })
    const unread = await ask('bob')
    await logged(lines, 'the stream was reset')
    const thread = freshThread()
    const next = await ask('bob', thread)
    expect(next.status).toBe(200)
    await expect(unread.text()).rejects.toThrow('stalled')
    open()
    expect(said(parseStream(await next.text()).chunks)).toBe('Half, whole.')
    const run = must(unread.headers.get('x-resumable-stream-id'))
    await vi.waitFor(async () => expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'completed' }), { timeout: 10_000 })
    expect(await counts(ambit)).toMatchObject({ ambit_streams_open: 0, 'ambit_streams_ended_total{end="stalled"}': 1 })
  })

  test('a stream that is old is reset, and its reader takes the rest up', async () => {
    const { ambit, open, ask } = begin({ streamMs: 150 })
    const thread = freshThread()
    const reader = must((await ask('bob', thread)).body).getReader()
    const before = await readUntil(reader, 'Half, ')
    await expect(reader.read()).rejects.toThrow('expired')
    open()
    const { ids } = parseStream(before)
    const rest = await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`, { headers: { 'last-event-id': must(ids.at(-1)) } })
    expectSound(parseStream(before + (await rest.text())))
  })

  test('what a model says at once, however much, comes in events of less than a megabyte', async () => {
    const much = '\u0001'.repeat(300_000) + '🚀'.repeat(400_000)
    const { ambit } = stage.start({ model: scriptedModel(says(much)) })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    expect(said(streamed.chunks) === much).toBe(true)
    expect(Math.max(...streamed.text.split('\n\n').map((event) => Buffer.byteLength(event)))).toBeLessThan(1_000_000)
  })

  test('what is counted names nobody, and is shown to nobody where it is not switched on', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Hello.')), metrics: true })
    const thread = freshThread()
    const { ids } = await answerTo(stage, ambit, { thread, text: 'What is the launch date?' })
    const text = await (await ambit.fetch(new Request('http://ambit.test/metrics'))).text()
    const { ids: places, keys } = stage.world
    for (const secret of [thread, 'launch', ...Object.values(places), ...Object.values(keys), 'bob', 'acme', 'apollo', must(ids[0]?.split('.')[0])]) expect(text).not.toContain(secret)
    expect(await counts(ambit)).toMatchObject({
      ambit_runs_begun_total: 1, 'ambit_runs_ended_total{state="completed",code="none"}': 1,
      'ambit_model_calls_total{provider="test",outcome="completed"}': 1,
      'ambit_requests_total{route="POST /v1/orgs/:org/projects/:project/chat",status="200"}': 1,
      'ambit_store_seconds_count{handle="scoped"}': expect.any(Number),
    })
    const off = stage.start({ model: scriptedModel(says('Hello.')) })
    expect((await off.ambit.fetch(new Request('http://ambit.test/metrics'))).status).toBe(404)
  })

  test.runIf(kind.name === 'PGlite')('two hundred readers of one run get the same bytes', async () => {
    const { ambit, open } = begin({ userStreams: 300, orgStreams: 300 })
    const thread = freshThread()
    const first = await post(stage, ambit, { thread })
    const others = await Promise.all(Array.from({ length: 199 }, () => send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`)))
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([200]))
    const texts = Promise.all([first, ...others].map((response) => response.text()))
    open()
    const [one, ...rest] = (await texts).map((text) => text.replaceAll(': \n\n', ''))
    expectSound(parseStream(must(one)))
    expect(new Set(rest)).toEqual(new Set([one]))
  })

  test.runIf(kind.name === 'PGlite')('readers who do not read cost a piece each, are reset, and hold nobody up', async () => {
    const waiting = gate()
    const pieces = Array.from({ length: 80 }, () => 'x'.repeat(90_000)) // more than a socket takes unread
    const { ambit, lines } = stage.start({
      model: scriptedModel([...half, waiting.opened, ...says(...pieces).slice(2)]),
      limits: { userStreams: 50, stallMs: 2_000 }, metrics: true,
    })
    const sockets: Socket[] = []
    const server = createServer(toNodeListener(ambit)).on('connection', (socket) => sockets.push(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    })
    const thread = freshThread()
    const { port } = server.address() as AddressInfo
    const reading = await post(stage, ambit, { thread })
    const idle = Array.from({ length: 20 }, () => {
      const client = connect(port, '127.0.0.1').pause()
      client.write(`GET ${APOLLO}/chat/${thread}/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stage.world.keys.bob}\r\n\r\n`)
      onTestFinished(() => void client.destroy())
      return client
    })
    await vi.waitFor(async () => expect((await counts(ambit))['ambit_streams_open']).toBe(1 + idle.length), { timeout: 25_000 })
    waiting.open()
    let most = 0
    const watching = setInterval(() => (most = Math.max(most, ...sockets.map((socket) => socket.writableLength))), 5)
    const streamed = parseStream(await reading.text())
    expect(said(streamed.chunks)).toHaveLength('Half, '.length + 80 * 90_000)
    await vi.waitFor(async () => expect(await counts(ambit)).toMatchObject({ ambit_streams_open: 0, 'ambit_streams_ended_total{end="stalled"}': idle.length }), { timeout: 25_000 })
    clearInterval(watching)
    expect(most).toBeGreaterThan(0)
    expect(most).toBeLessThan(1_000_000)
    expect(lines.filter(({ msg }) => msg === 'the stream was reset')).toHaveLength(idle.length)
    await vi.waitFor(() => expect(sockets.filter(({ destroyed }) => !destroyed)).toEqual([]), { timeout: 25_000 })
  }, 60_000)

  test.runIf(kind.name === 'PGlite').each(['reset', 'half-close'] as const)('a reader who goes by %s is only a reader less', async (how) => {
    const { ambit, open, ask } = begin({})
    const server = createServer(toNodeListener(ambit)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const thread = freshThread()
    const { port } = server.address() as AddressInfo
    const first = await ask('bob', thread)
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.write(`GET ${APOLLO}/chat/${thread}/stream HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stage.world.keys.bob}\r\n\r\n`)
    let text = ''
    client.on('data', (bytes: Buffer) => (text += bytes.toString()))
    await vi.waitFor(() => expect(text).toContain('Half, '), { timeout: 10_000 })
    if (how === 'reset') client.resetAndDestroy()
    else client.end()
    await vi.waitFor(async () => expect(await counts(ambit)).toMatchObject({ ambit_streams_open: 1, 'ambit_streams_ended_total{end="left"}': 1 }), { timeout: 10_000 })
    open()
    expectSound(parseStream(await first.text()))
    expect(text).not.toContain('\r\n0\r\n\r\n')
    client.destroy()
    server.close()
    await once(server, 'close')
  })
})
