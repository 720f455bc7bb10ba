import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import type { Tool } from '../../src/index.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { expectSound } from '../support/grammar.ts'
import { rowsOf } from '../support/left-behind.ts'
import { callsTools, gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, messageId, must, post, readRest, readUntil, runOf, useStage } from '../support/stage.ts'

const never = new Promise<never>(() => {})
const half = (...rest: Parameters<typeof scriptedModel>) => scriptedModel([...says('Half, ').slice(0, 3), never], ...rest)

// Nodes of one process, each with its own connections, on PostgreSQL alone: what they know of each other, they know by the database.
describe.each(databaseKinds.filter(({ name }) => name === 'PostgreSQL'))('two nodes on $name', (kind) => {
  const stage = useStage(kind)

  const state = async (run: string) => must((await rowsOf(stage, 'runs', run))[0])
  const runIdOf = (response: Response) => must(response.headers.get('x-resumable-stream-id'))

  test('a reader at the other node gets what is committed, and the rest as it comes', async () => {
    const [first, second] = [gate(), gate()]
    const model = scriptedModel(callsTools(['count', {}]), [first.opened, ...says('The end.')])
    const count: Tool<never, Record<string, never>> = { name: 'count', description: 'Counts.', input: z.object({}), effect: 'read', run: () => second.opened.then(() => 7) }
    const a = stage.start({ model, tools: [count] })
    const b = stage.start({ model: scriptedModel(says('x')) })
    const thread = freshThread()
    const asked = await post(stage, a.ambit, { thread })
    const followed = must((await send(b.ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stream`)).body).getReader()
    const early = await readUntil(followed, 'tool-input-available')
    second.open()
    const middle = await readUntil(followed, 'finish-step')
    first.open()
    const whole = await readStream(asked)
    expect((early + middle + (await readRest(followed))).replaceAll(': \n\n', '')).toBe(whole.text.replaceAll(': \n\n', ''))
  })

  test('a stop at the other node ends the answer here', async () => {
    const model = half()
    const a = stage.start({ model })
    const b = stage.start({ model: scriptedModel(says('x')) })
    await b.ambit.start()
    const thread = freshThread()
    const asked = await post(stage, a.ambit, { thread })
    const reader = must(asked.body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const stop = () => send(b.ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST' })
    const stopped = await stop()
    expect([stopped.status, await stopped.json()]).toEqual([200, { run: runIdOf(asked), state: 'stopped' }])
    expect(model.cancelled()).toBe(1)
    const streamed = parseStream(early + (await readRest(reader)))
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' })
    const before = await rowsOf(stage, 'frames', runIdOf(asked))
    expect(await (await stop()).json()).toEqual({ run: null, state: 'idle' })
    expect(await rowsOf(stage, 'frames', runIdOf(asked))).toEqual(before)
  })

  test('a drain hands over what does not end in time: the other node goes on, and a reader that was cut reads on there', async () => {
    const a = stage.start({ model: half() })
    const b = stage.start({ model: scriptedModel(says('Whole.')) })
    await b.ambit.start()
    const thread = freshThread()
    const asked = await post(stage, a.ambit, { thread })
    const reader = must(asked.body).getReader()
    const early = parseStream(await readUntil(reader, 'Half, '))
    await Promise.all([a.ambit.close({ graceMs: 0 }), expect(readRest(reader)).rejects.toThrow('without a terminal one')])
    const run = runIdOf(asked)
    const rest = await readStream(await send(b.ambit, stage.world, 'bob', `${APOLLO}/runs/${run}/events`, { headers: { 'last-event-id': must(early.ids.at(-1)) } }))
    expect(rest.chunks[0]).toEqual({ type: 'reset-step' })
    expect(said(rest.chunks)).toBe('Whole.')
    expect(rest.done).toBe(true)
    const replay = await readStream(await send(b.ambit, stage.world, 'bob', `${APOLLO}/runs/${run}/events`))
    expectSound(replay)
    expect(said(replay.chunks)).toBe('Whole.')
    expect(await state(run)).toMatchObject({ state: 'completed', fence: 2 })
  })

  test('a node that loses its lease lets its runs go; a reader that stays sees the answer made again, and nothing mixed', async () => {
    const proxy = await startFaultProxy(String(stage.database.source))
    onTestFinished(() => proxy.close())
    const cut = stage.start({ store: proxy.through(String(stage.database.source)), model: half(says('Whole.')), leaseMs: 1_000 })
    const thread = freshThread()
    const asked = await post(stage, cut.ambit, { thread })
    const reader = must(asked.body).getReader()
    const early = await readUntil(reader, 'Half, ')
    proxy.hang()
    await vi.waitFor(() => expect(cut.lines.map(({ msg }) => msg)).toContain('the lease of this node has ended: it drives nothing until it has taken a new one'), { timeout: 10_000 })
    await proxy.refuse()
    const b = stage.start({ model: scriptedModel(says('Whole.')) })
    await b.ambit.start()
    const run = runIdOf(asked)
    await vi.waitFor(async () => expect(await state(run)).toMatchObject({ state: 'completed' }), { timeout: 10_000 })
    await proxy.pass()
    // Its own store was away, so it may have been cut: then it is short, and not mixed.
    const streamed = parseStream(early + (await readRest(reader).catch(() => '')))
    expect(streamed.chunks.some(({ type }) => type === 'reset-step')).toBe(streamed.done)
    const rest = await readStream(await send(b.ambit, stage.world, 'bob', `${APOLLO}/runs/${run}/events`, { headers: { 'last-event-id': must(parseStream(early).ids.at(-1)) } }))
    expect(rest.chunks.map(({ type }) => type)).toEqual(['reset-step', 'text-start', 'text-delta', 'text-end', 'finish-step', 'finish'])
  })

  test('a pool that is busy with requests does not cost a node its lease', async () => {
    const busy = stage.start({ model: scriptedModel(says('x')), connections: 1, leaseMs: 1_000 })
    await busy.ambit.start()
    const [held, free] = [gate(), gate()]
    const locking = stage.database.superuser.transaction('', async (sql) => {
      await sql.query('lock table ambit.threads in access exclusive mode')
      held.open()
      await free.opened
    })
    await held.opened
    // The one connection waits 2 s for the lock, twice; everything else of the requests' waits behind it.
    const waiting = [1, 2].map(() => send(busy.ambit, stage.world, 'bob', `${APOLLO}/threads`))
    expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([503, 503])
    free.open()
    await locking
    expect(busy.lines.map(({ msg }) => msg)).not.toContain('the lease of this node has ended: it drives nothing until it has taken a new one')
  })

  test('a door that drives nothing: a worker does, also what was asked while there was none', async () => {
    const door = stage.start({ model: scriptedModel(says('Not here.')), drive: 'elsewhere' })
    const worker = stage.start({ model: scriptedModel(says('At work.')), drive: 'elsewhere' })
    const [early, late] = [freshThread(), freshThread()]
    const asked = await post(stage, door.ambit, { thread: early })
    expect(await runOf(stage, door.ambit, runIdOf(asked))).toMatchObject({ state: 'running' })
    await worker.ambit.start({ drive: 'here' })
    for (const response of [asked, await post(stage, door.ambit, { thread: late })]) {
      const streamed = await readStream(response)
      expectSound(streamed)
      expect(said(streamed.chunks)).toBe('At work.')
    }
    await worker.ambit.close()
    const orphan = await post(stage, door.ambit, { thread: freshThread() })
    const thread = must((await rowsOf(stage, 'runs', runIdOf(orphan)))[0])['thread_id']
    const stopped = await send(door.ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST' })
    expect(await stopped.json()).toMatchObject({ state: 'stopped' })
    expectSound(await readStream(orphan))
  })

  test('two posts of one message, at two nodes at once, are one run', async () => {
    const model = scriptedModel(says('Once.'))
    const nodes = [stage.start({ model }), stage.start({ model })]
    await Promise.all(nodes.map(({ ambit }) => ambit.start()))
    const thread = freshThread()
    const body = question(thread, 'Go on.', messageId(thread))
    const answers = await Promise.all([0, 1, 0, 1, 0, 1].map((node) => send(must(nodes[node]).ambit, stage.world, 'bob', `${APOLLO}/chat`, { body })))
    const streams = await Promise.all(answers.map(readStream))
    expect(new Set(streams.map(({ text }) => text.replaceAll(': \n\n', ''))).size).toBe(1)
    expect(model.calls).toHaveLength(1)
  })
})
