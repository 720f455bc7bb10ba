import { describe, expect, test } from 'vitest'
import type { Ambit, EmbeddedStore } from '../../src/index.ts'
import type { Database } from '../../src/lib/store/database.ts'
import { APOLLO, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, must, post, read, readRest, readUntil, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

interface Reachable extends EmbeddedStore {
  /** Whether it can be opened, and answers once it is open. */
  up: boolean
  readonly opened: number
}

function reachable({ superuser }: TestDatabase, up: boolean): Reachable {
  const unless = <T>(work: () => Promise<T>): Promise<T> => (store.up ? work() : Promise.reject(new Error('Nobody answers there.')))
  const database: Database = { transaction: (preamble, work) => unless(() => superuser.transaction(preamble, work)), close: async () => {} }
  let opened = 0
  const store: Reachable = {
    up,
    get opened() {
      return opened
    },
    open: () => unless(async () => ((opened += 1), database)),
  }
  return store
}

describe.each(databaseKinds)('health on $name', (kind) => {
  const stage = useStage(kind)

  async function health(ambit: Ambit): Promise<unknown[]> {
    return Promise.all(['live', 'ready'].map(async (name) => {
      const response = await ambit.fetch(new Request(`http://ambit.test/health/${name}`))
      return [response.status, await response.json()]
    }))
  }
  const LIVE = [200, { status: 'live' }]
  const READY = [200, { status: 'ready' }]
  const NOT_READY = [503, { status: 'not_ready' }]

  test('lives without a store, and is ready when the store can be opened', async () => {
    const store = reachable(stage.database, false)
    const { ambit, lines } = stage.start({ store, model: scriptedModel(says('Hello.')) })
    for (let turn = 0; turn < 2; turn += 1) expect(await health(ambit)).toEqual([LIVE, NOT_READY])
    expect(await logged(lines, 'not ready')).toMatchObject({ cause: { message: 'Nobody answers there.' } })
    const failed = await send(ambit, stage.world, 'bob', '/v1/me')
    expect([failed.status, await failed.text()]).toEqual([500, expect.not.stringContaining('Nobody answers')])
    store.up = true
    expect(await health(ambit)).toEqual([LIVE, READY])
    expect(store.opened).toBe(1)
    await answerTo(stage, ambit, { thread: freshThread() })
  })

  test('is not ready while an open store does not answer', async () => {
    const store = reachable(stage.database, true)
    const { ambit, lines } = stage.start({ store, model: scriptedModel(says('Hello.')) })
    expect(await health(ambit)).toEqual([LIVE, READY])
    expect(lines.filter(({ msg }) => msg === 'request')).toEqual([]) // asked every few seconds, by everybody
    store.up = false
    expect(await health(ambit)).toEqual([LIVE, NOT_READY])
    expect(lines.filter(({ msg }) => msg === 'request')).toMatchObject([{ route: 'GET /health/ready', status: 503 }])
    store.up = true
    expect(await health(ambit)).toEqual([LIVE, READY])
    expect(store.opened).toBe(1)
  })

  test('lives and is not ready while it closes, and when it has closed; a closed one opens no store', async () => {
    const store = reachable(stage.database, true)
    const waiting = gate()
    const { ambit } = stage.start({ store, model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const reader = must((await post(stage, ambit, { thread: freshThread() })).body).getReader()
    await readUntil(reader, 'Half, ')
    expect(await health(ambit)).toEqual([LIVE, READY])
    let closed = false
    const closing = ambit.close({ graceMs: 20_000 }).then(() => (closed = true))
    expect(await health(ambit)).toEqual([LIVE, NOT_READY])
    expect(closed).toBe(false)
    waiting.open()
    await readRest(reader)
    await closing
    expect(await health(ambit)).toEqual([LIVE, NOT_READY])
    expect(store.opened).toBe(1)
  })
})

describe.each(databaseKinds)('a change of a thread on $name', (kind) => {
  const stage = useStage(kind)

  async function begin() {
    const { ambit } = stage.start({ model: scriptedModel(says('Hello.')) })
    const thread = freshThread()
    await answerTo(stage, ambit, { thread, text: 'Hello!' })
    return { ambit, path: `${APOLLO}/threads/${thread}` }
  }

  test.each([
    ['a NUL', 'one\u0000two', 'one two'],
    ['control characters', '\u0007one\u001b[31m\ttwo\u007f', 'one [31m two'],
    ['a lone surrogate', 'one\ud83dtwo', 'one\ufffdtwo'],
    ['300 characters', 'x'.repeat(300), 'x'.repeat(80)],
    ['a pair that the 80th character cuts', `${'x'.repeat(79)}😀`, `${'x'.repeat(79)}\ufffd`],
    ['many lines', '\n one \r\ntwo', 'one'],
  ])('a title with %s is one that can be kept and shown', async (_, title, kept) => {
    const { ambit, path } = await begin()
    const response = await send(ambit, stage.world, 'bob', path, { method: 'PATCH', body: { title } })
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ title: kept })])
    expect(await read(stage, ambit, 'bob', path)).toMatchObject({ title: kept })
  })

  test.each([['nothing', ''], ['spaces', ' \t \u00a0 '], ['lines', '\n\n\r\n'], ['a NUL', '\u0000'], ['NULs and spaces', ' \u0000 \u0001 ']])('a title of only %s is refused, and the old one stays', async (_, title) => {
    const { ambit, path } = await begin()
    const response = await send(ambit, stage.world, 'bob', path, { method: 'PATCH', body: { title } })
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'malformed', pointer: '/title' })])
    expect(await read(stage, ambit, 'bob', path)).toMatchObject({ title: 'Hello!' })
  })
})

describe.each(databaseKinds)('a malformed body on $name', (kind) => {
  const stage = useStage(kind)

  const BODIES = {
    PATCH: ['{', '', '[]', 'null', '{}', '{"title":5}', '{"title":" "}', '{"shared":"yes"}', '"\u{fffd}'],
    stop: ['{', '', '[]', 'null', '{"run":1}', '{"run":"a b"}'],
  } as const

  /** Own, somebody's private one, unknown; a project and an organisation that are not the sender's, and ones that never were. */
  function addresses(own: string, foreign: string): readonly string[] {
    return [own, foreign, 'never'].flatMap((thread) =>
      [APOLLO, '/v1/orgs/acme', '/v1/orgs/acme/projects/zephyr', '/v1/orgs/acme/projects/never', '/v1/orgs/globex', '/v1/orgs/never'].map((place) => `${place} ${thread}`))
  }

  test.each(['PATCH', 'stop'] as const)('of a %s is 400 whatever the target, the same bytes; without a credential 401', async (what) => {
    const { ambit } = stage.start({ model: scriptedModel(says('Hello.')) })
    const [own, alias] = [freshThread(), freshThread()]
    await answerTo(stage, ambit, { thread: own, text: 'Hello!' })
    await answerTo(stage, ambit, { who: 'ada', thread: alias, text: 'Hello!' })
    const { id: foreign } = await read<{ id: string }>(stage, ambit, 'ada', `${APOLLO}/threads/${alias}`)
    const ask = async (who: PersonName | null, address: string, body: string) => {
      const [place, thread] = address.split(' ')
      const path = what === 'PATCH' ? `${place}/threads/${thread}` : `${place}/chat/${thread}/stop`
      const headers = { 'content-type': 'application/json', 'x-request-id': 'same', ...(who && { authorization: `Bearer ${stage.world.keys[who]}` }) }
      const response = await ambit.fetch(new Request(`http://ambit.test${path}`, { method: what === 'PATCH' ? 'PATCH' : 'POST', body, headers }))
      return { status: response.status, body: await response.text() }
    }
    for (const body of BODIES[what]) {
      const [first, ...others] = await Promise.all(addresses(own, foreign).map((address) => ask('bob', address, body)))
      expect([body, first?.status]).toEqual([body, 400])
      expect(JSON.parse(must(first).body)).toMatchObject({ code: 'malformed' })
      expect(new Set(others.map((other) => JSON.stringify(other)))).toEqual(new Set([JSON.stringify(first)]))
      expect(await ask('dave', `${APOLLO} ${own}`, body)).toEqual(first) // who may only read
    }
    const refused = await Promise.all(addresses(own, foreign).map((address) => ask(null, address, '{')))
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401))
    expect(new Set(refused.map(({ body }) => body)).size).toBe(1)
    // A body that fits is told apart by its target again.
    const fits = what === 'PATCH' ? '{"title":"Hi"}' : '{}'
    expect((await ask('bob', `${APOLLO} ${own}`, fits)).status).toBe(200)
    expect((await ask('bob', `/v1/orgs/globex ${own}`, fits)).status).toBe(404)
    expect((await ask('dave', `${APOLLO} ${own}`, fits)).status).toBe(403)
  })
})
