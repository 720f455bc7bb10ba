import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import type { ScopeEvent } from '../../src/lib/wire/scope-event.ts'
import { ACME, APOLLO, ZEPHYR, parseStream, readStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, post, read, readRest, runIdOf, serve, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

/** On a machine that has much to do, too. */
const eventually = <T>(check: () => T) => vi.waitFor(check, 15_000)

describe.each(databaseKinds)('events of a scope on $name', (kind) => {
  const stage = useStage(kind)

  /** Follows until the test is over, or `stop`. */
  async function follow(ambit: Ambit, who: PersonName, path = APOLLO, lastEventId?: string) {
    const response = await send(ambit, stage.world, who, `${path}/events`, { headers: { ...(lastEventId !== undefined && { 'last-event-id': lastEventId }) } })
    expect(response.status).toBe(200)
    const reader = must(response.body).getReader()
    const decoder = new TextDecoder()
    const got = { text: '', ended: 'not' }
    const reading = (async () => {
      try {
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) got.text += decoder.decode(piece.value, { stream: true })
        got.ended = 'cleanly'
      } catch {
        got.ended = 'broken'
      }
    })()
    const stop = async () => {
      if (got.ended === 'not') await reader.cancel() // else its Ambit was closed before it
      await reading
    }
    onTestFinished(stop)
    const parsed = () => parseStream(got.text) as unknown as { readonly ids: readonly string[]; readonly chunks: readonly ScopeEvent[] }
    return {
      response, got, reading, stop,
      ids: () => parsed().ids,
      of: (thread: string) => parsed().chunks.flatMap((event) => (event.thread === thread ? [event.type] : [])),
      events: () => parsed().chunks,
    }
  }

  const threadOf = async (ambit: Ambit, thread: string, path = APOLLO) => (await read<{ id: string }>(stage, ambit, 'bob', `${path}/threads/${thread}`)).id
  const share = async (ambit: Ambit, thread: string, shared: boolean) =>
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`, { method: 'PATCH', body: { shared } })).status).toBe(200)

  test('a second tab is told what begins, ends and changes, with ids and nothing else', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('A secret.')) })
    const tab = await follow(ambit, 'bob')
    const thread = freshThread()
    const streamed = await answerTo(stage, ambit, { thread, text: 'What is it?' })
    const id = await threadOf(ambit, thread)
    await share(ambit, thread, true)
    await eventually(() => expect(tab.of(id)).toEqual(['run_began', 'run_ended', 'thread_changed']))
    const run = runIdOf(streamed)
    const at = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\.\d{6}Z$/) as unknown
    expect(tab.events()).toEqual([
      { type: 'run_began', thread: id, run, at },
      { type: 'run_ended', thread: id, run, at },
      { type: 'thread_changed', thread: id, at },
    ])
    expect(tab.got.text).toMatch(/^: \n\nid: \S+\ndata: \{/)
    expect(tab.ids()).toEqual(tab.events().map((event) => event.at)) // a number would count what others do, too
    expect(tab.got.text).not.toMatch(/event:|\r|null|secret|What is it/)
    expect(Object.fromEntries(tab.response.headers)).toMatchObject({
      'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no',
    })
    expect(tab.response.headers.get('x-vercel-ai-ui-message-stream')).toBeNull()
  })

  test('a colleague is told of a thread from the moment at which it is shared, strangers and other scopes never', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const colleague = await follow(ambit, 'dave')
    const others = [await follow(ambit, 'gus', '/v1/orgs/globex/projects/apollo'), await follow(ambit, 'ada', ZEPHYR), await follow(ambit, 'ada', ACME)]
    const own = await follow(ambit, 'bob')
    const thread = freshThread()
    await answerTo(stage, ambit, { thread })
    const id = await threadOf(ambit, thread)
    await eventually(() => expect(own.of(id)).toEqual(['run_began', 'run_ended']))
    await share(ambit, thread, true)
    await eventually(() => expect(colleague.of(id)).toEqual(['thread_changed']))
    await answerTo(stage, ambit, { thread, text: 'And?' })
    await eventually(() => expect(colleague.of(id)).toEqual(['thread_changed', 'run_began', 'run_ended']))
    await share(ambit, thread, false)
    await answerTo(stage, ambit, { thread, text: 'And now?' })
    await eventually(() => expect(own.of(id)).toHaveLength(8))
    expect(colleague.of(id)).toHaveLength(3)
    for (const other of others) expect(other.events()).toEqual([])
  })

  test('who comes back is told what was missed, and who cannot be is told to load again', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const first = await follow(ambit, 'bob')
    const thread = freshThread()
    await answerTo(stage, ambit, { thread })
    const id = await threadOf(ambit, thread)
    await eventually(() => expect(first.of(id)).toHaveLength(2))
    await first.stop()
    await share(ambit, thread, true)
    const last = must(first.ids().at(-1))
    const back = await follow(ambit, 'bob', APOLLO, last)
    await eventually(() => expect(back.of(id).at(-1)).toBe('thread_changed'))
    const status = async (who: PersonName, lastEventId: string, path = APOLLO) => {
      const response = await send(ambit, stage.world, who, `${path}/events`, { headers: { 'last-event-id': lastEventId } })
      await response.body?.cancel()
      return response.status
    }
    const ownThread = freshThread()
    await answerTo(stage, ambit, { thread: ownThread })
    const secret = await threadOf(ambit, ownThread)
    await eventually(() => expect(back.of(secret)).toHaveLength(2))
    const secretId = must(back.ids().at(-1))
    expect(await status('bob', secretId)).toBe(200)
    const shifted = (minutes: number) => new Date(Date.parse(secretId) + minutes * 60_000).toISOString().replace('Z', '000Z')
    expect(await status('bob', shifted(-50))).toBe(200)
    for (const unknown of [shifted(-61), shifted(10), '1971-01-01T00:00:00.000000Z', '9999-12-31T23:59:59.999999Z']) expect([unknown, await status('bob', unknown)]).toEqual([unknown, 410])
    const noTimes = [
      'nonsense', '', '0', '42', secretId.slice(0, -1), secretId.replace(/\d{3}Z$/, 'Z'), secretId.replace('Z', '+00:00'), `${secretId} `.repeat(2), '2026-02-30T00:00:00.000000Z',
      '2026-01-01T24:00:00.000000Z', '0000-01-01T00:00:00.000000Z', '1 hour ago',
    ]
    for (const bad of noTimes) expect([bad, await status('bob', bad)]).toEqual([bad, 400])
  })

  test('whoever comes back with a time of somebody else is told what he may see since then, and no more', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const own = await follow(ambit, 'bob')
    const [secret, open] = [freshThread(), freshThread()]
    await answerTo(stage, ambit, { thread: secret })
    await answerTo(stage, ambit, { thread: open })
    await share(ambit, open, true)
    const [secretId, openId] = [await threadOf(ambit, secret), await threadOf(ambit, open)]
    await eventually(() => expect(own.of(openId)).toHaveLength(3))
    const time = must(own.ids()[0])
    const colleague = await follow(ambit, 'dave', APOLLO, time)
    const others = [await follow(ambit, 'gus', '/v1/orgs/globex/projects/apollo', time), await follow(ambit, 'ada', ZEPHYR, time), await follow(ambit, 'bob', ACME, time)]
    await eventually(() => expect(colleague.of(openId)).toEqual(['run_began', 'run_ended', 'thread_changed']))
    await share(ambit, open, false)
    await share(ambit, open, true)
    await eventually(() => expect(colleague.of(openId).length).toBeGreaterThan(3))
    expect(colleague.of(secretId)).toEqual([])
    for (const other of others) expect(other.events()).toEqual([])
  })

  test('it is a stream like others: kept alive in silence, counted, and gone with its reader or its server', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel(says('Yes.')), limits: { heartbeatMs: 20, userStreams: 2 } })
    const served = await serve(ambit)
    onTestFinished(() => served.close())
    const headers = { authorization: `Bearer ${stage.world.keys.bob}` }
    const going = new AbortController()
    const open = () => fetch(`${served.url}${APOLLO}/events`, { headers, signal: going.signal })
    const [first, second] = await Promise.all([open(), open()])
    const third = await open()
    expect([first.status, second.status, third.status]).toEqual([200, 200, 429])
    await third.body?.cancel()
    const reader = must(first.body).getReader()
    let beats = ''
    while (beats.length < 12) beats += new TextDecoder().decode((await reader.read()).value)
    expect(beats).toMatch(/^(: \n\n)+$/)
    going.abort()
    await eventually(() => expect(lines.filter(({ msg }) => msg === 'the reader has gone')).toHaveLength(2))
    const [again, other] = await Promise.all([send(ambit, stage.world, 'bob', `${APOLLO}/events`), send(ambit, stage.world, 'bob', `${APOLLO}/events`)])
    expect([again.status, other.status]).toEqual([200, 200]) // their places are free
    await Promise.all([again.body?.cancel(), other.body?.cancel()])
    const rest = await send(ambit, stage.world, 'bob', `${APOLLO}/events`)
    const cut = readRest(must(rest.body).getReader())
    const broken = cut.catch(String)
    await ambit.close({ graceMs: 0 })
    expect(await broken).toMatch(/without a terminal one|after calling end/) // cut, whatever it was doing at that moment
  })

  test('many events at once reach a reader whole, and a run that is under way is told before it ends', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([waiting.opened, ...says('Yes.')]) })
    const tab = await follow(ambit, 'bob')
    const thread = freshThread()
    const response = await post(stage, ambit, { thread })
    const id = await threadOf(ambit, thread)
    await eventually(() => expect(tab.of(id)).toEqual(['run_began']))
    waiting.open()
    await readStream(response)
    await Promise.all(Array.from({ length: 30 }, (_, n) => send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`, { method: 'PATCH', body: { title: `Title ${n}` } })))
    await eventually(() => expect(tab.of(id)).toHaveLength(32))
    expect(tab.ids()).toEqual(tab.ids().toSorted())
  })

  test.skipIf(kind.name === 'PGlite' /* one process */)('what another node commits is told within about a second', async () => {
    const [here, there] = [1, 2].map(() => stage.start({ model: scriptedModel(says('Yes.')) }).ambit)
    const tab = await follow(must(here), 'bob')
    const thread = freshThread()
    await answerTo(stage, must(there), { thread })
    const id = await threadOf(must(there), thread)
    await eventually(() => expect(tab.of(id)).toEqual(['run_began', 'run_ended']))
  })
})
