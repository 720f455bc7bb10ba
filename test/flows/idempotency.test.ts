import { describe, expect, onTestFinished, test } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { requestKey } from '../../src/lib/run/once-per-key.ts'
import { deleteOldKeys } from '../../src/lib/store/idempotency-rows.ts'
import { ACME, APOLLO, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, messagesOf, must, runIdOf, runOf, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

interface Sent {
  readonly who?: PersonName
  readonly path?: string
  readonly body?: unknown
}

let keys = 0
const freshKey = () => `key-${(keys += 1)}`

/** A question without an id: nothing but the key says that it is the same. */
const asking = (thread: string, text = 'Why?') => ({ id: thread, message: { role: 'user', parts: [{ type: 'text', text }] } })
const again = (thread: string) => ({ id: thread, trigger: 'regenerate-message' })

test('what was asked is known again by a version that takes more, in another order', () => {
  const hash = (asked: unknown) => requestKey('POST /chat', 'k', asked).bodyHash
  const asked = { thread: 't', model: null, about: [{ type: 'doc', id: '1' }], message: { clientId: null, text: 'Why?' } }
  expect(hash({ message: { text: 'Why?' }, later: null, about: [{ id: '1', type: 'doc' }], thread: 't' })).toBe(hash(asked))
  expect(hash({ ...asked, message: { clientId: null, text: 'null' } })).not.toBe(hash(asked))
  expect(hash(asked)).toBe('85ae03a4578586ed198ba06b35803fa394f9d345758ba9ab8a282f9172071be5')
})

describe.each(databaseKinds)('a request with an Idempotency-Key, on $name', (kind) => {
  const stage = useStage(kind)

  function post(ambit: Ambit, key: string, { who = 'bob', path = `${APOLLO}/chat`, body }: Sent): Promise<Response> {
    return send(ambit, stage.world, who, path, { method: 'POST', headers: { 'idempotency-key': key }, ...(body !== undefined && { body }) })
  }

  async function followed(ambit: Ambit, key: string, sent: Sent): Promise<{ run: string; text: string }> {
    const response = await post(ambit, key, sent)
    expect(response.status).toBe(200)
    return { run: must(response.headers.get('x-resumable-stream-id')), text: (await readStream(response)).text }
  }

  async function refused(response: Promise<Response>): Promise<{ status: number; code: unknown }> {
    const { status, body } = await response.then(async (it) => ({ status: it.status, body: (await it.json()) as Record<string, unknown> }))
    return { status, code: body['code'] }
  }

  const look = (text: string, ...values: unknown[]) =>
    stage.database.superuser.transaction('', async (sql) => (await sql.query<Record<string, unknown>>(text, values)).rows)

  test('is the same run when it is sent again: a question, and an answer once more', async () => {
    const model = scriptedModel(says('First.'), says('Second.'), says('Third.'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const [one, two] = [freshKey(), freshKey()]
    const first = await followed(ambit, one, { body: asking(thread) })
    expect(await followed(ambit, one, { body: asking(thread) })).toEqual(first)
    const second = await followed(ambit, two, { body: again(thread) })
    expect(await followed(ambit, two, { body: again(thread) })).toEqual(second)
    expect(await followed(ambit, one, { body: asking(thread) })).toEqual(first)
    expect(model.calls).toHaveLength(2)
    expect(await messagesOf(stage, ambit, { thread })).toHaveLength(3)
    const [row] = await look('select * from ambit.idempotency_keys where key = $1', one)
    expect(row).toMatchObject({ author_id: 'bob', request: 'POST /chat', run_id: first.run, body_hash: expect.stringMatching(/^[0-9a-f]{64}$/) })
  })

  test('is the same run while it runs, however many come in the same moment', async () => {
    const { opened, open } = gate()
    const model = scriptedModel(says('First.'), [opened, ...says('Second.')])
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    await answerTo(stage, ambit, { thread })
    const key = freshKey()
    const posts = await Promise.all(Array.from({ length: 20 }, () => post(ambit, key, { body: again(thread) })))
    open()
    const texts = await Promise.all(posts.map(async (response) => (await readStream(response)).text))
    expect(posts.map(({ status }) => status)).toEqual(posts.map(() => 200))
    expect(new Set(texts).size).toBe(1)
    expect(model.calls).toHaveLength(2)
    expect(await messagesOf(stage, ambit, { thread })).toHaveLength(3)
  })

  test.runIf(kind.name === 'PostgreSQL')('is the same run on two nodes, and begins one thread', async () => {
    const model = scriptedModel(says('Once.'))
    const nodes = [stage.start({ model }), stage.start({ model })]
    const key = freshKey()
    const body = { message: asking('').message }
    const posts = await Promise.all(Array.from({ length: 20 }, (_, n) => followed(must(nodes[n % 2]).ambit, key, { body })))
    expect(new Set(posts.map(({ run, text }) => run + text)).size).toBe(1)
    expect(model.calls).toHaveLength(1)
  })

  test('is the run of the message that it sends once more, under a key of its own', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Once.')) })
    const thread = freshThread()
    const body = question(thread, 'Why?', 'm1')
    const [one, two] = [freshKey(), freshKey()]
    const first = await followed(ambit, one, { body })
    expect(await followed(ambit, two, { body })).toEqual(first)
    expect(await look('select run_id from ambit.idempotency_keys where key = any($1::text[])', [one, two])).toEqual([{ run_id: first.run }, { run_id: first.run }])
  })

  test.each([
    ['text', (thread: string) => asking(thread, 'Why not?')],
    ['thread', () => asking(freshThread())],
    ['trigger', again],
    ['model', (thread: string) => ({ ...asking(thread), model: 'test:scripted' })],
    ['place', (thread: string) => ({ ...asking(thread), parentId: 'msg_1' })],
    ['patience', (thread: string) => ({ ...asking(thread), onActive: 'queue' })],
  ])('is refused with another %s, and nothing is written', async (_, other) => {
    const model = scriptedModel(says('Once.'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const key = freshKey()
    const first = await followed(ambit, key, { body: asking(thread) })
    expect(await refused(post(ambit, key, { body: other(thread) }))).toEqual({ status: 422, code: 'idempotency_mismatch' })
    expect(await messagesOf(stage, ambit, { thread })).toHaveLength(2)
    expect(await followed(ambit, key, { body: asking(thread) })).toEqual(first)
  })

  test('is its sender’s alone, in its place alone', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const key = freshKey()
    const thread = freshThread()
    const senders = [['bob', APOLLO], ['ada', APOLLO], ['ada', ACME], ['gus', '/v1/orgs/globex/projects/apollo']] as const
    const runs = await Promise.all(senders.map(async ([who, path]) => (await followed(ambit, key, { who, path: `${path}/chat`, body: asking(thread, who + path) })).run))
    expect(new Set(runs).size).toBe(4)
    const stop = await post(ambit, key, { path: `${APOLLO}/chat/${thread}/stop` })
    expect([stop.status, await stop.json()]).toEqual([200, { run: null, state: 'idle' }])
  })

  test.each([['none', ''], ['a space', 'a b'], ['no ASCII', 'ä'], ['256 bytes', 'k'.repeat(256)]])('that is none (%s) is refused; 255 bytes are one', async (_, key) => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const thread = freshThread()
    for (const path of [`${APOLLO}/chat`, `${APOLLO}/chat/${thread}/stop`]) {
      expect(await refused(post(ambit, key, { path, body: path.endsWith('stop') ? {} : asking(thread) }))).toEqual({ status: 400, code: 'malformed' })
    }
    await followed(ambit, freshKey().padEnd(255, '~'), { body: asking(thread) })
  })

  test('stands for a day: then it is new, and what is older is thrown away', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const thread = freshThread()
    const [old, young] = [freshKey(), freshKey()]
    const age = (key: string, time: string) => look(`update ambit.idempotency_keys set created_at = now() - interval '${time}' where key = $1`, key)
    const first = await followed(ambit, old, { body: asking(thread) })
    const other = await followed(ambit, young, { body: asking(thread, 'Other?') })
    await age(old, '24 hours 1 second')
    await age(young, '23 hours 59 minutes')
    const second = await followed(ambit, old, { body: asking(thread, 'New?') })
    expect(second.run).not.toBe(first.run)
    expect(await followed(ambit, old, { body: asking(thread, 'New?') })).toEqual(second)
    expect(await followed(ambit, young, { body: asking(thread, 'Other?') })).toEqual(other)
    await age(old, '25 hours')
    expect(await stage.database.handles.sweeper(deleteOldKeys)).toBe(1)
    expect(await look('select key from ambit.idempotency_keys where key = any($1::text[])', [old, young])).toEqual([{ key: young }])
  })

  test('that were kept long enough go a part at a time, the oldest first', async () => {
    const insert = `insert into ambit.idempotency_keys (org_id, project_id, author_id, request, key, body_hash, created_at)
      select 'acme', 'apollo', 'nobody', 'POST /chat', 'aged-' || h, 'hash', now() - make_interval(hours => h) from unnest(array[26, 30, 28, 23]) h`
    await stage.database.superuser.transaction('', (sql) => sql.query(insert))
    onTestFinished(async () => void (await look("delete from ambit.idempotency_keys where author_id = 'nobody'")))
    const drop = () => stage.database.handles.sweeper((sql) => deleteOldKeys(sql, 2))
    const left = async () => (await look("select key from ambit.idempotency_keys where author_id = 'nobody' order by created_at")).map((row) => (row as { readonly key: string }).key)
    expect(await drop()).toBe(2)
    expect(await left()).toEqual(['aged-26', 'aged-23'])
    expect([await drop(), await drop()]).toEqual([1, 0])
    expect(await left()).toEqual(['aged-23'])
  })

  test('that is refused leaves nothing behind: the same one is served as soon as it can be', async () => {
    const { opened, open } = gate()
    const { ambit } = stage.start({ model: scriptedModel([opened, ...says('First.')], says('Second.')) })
    const thread = freshThread()
    const first = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: asking(thread) })
    const key = freshKey()
    expect(await refused(post(ambit, key, { body: asking(thread, 'Again?') }))).toEqual({ status: 409, code: 'conflict' })
    expect(await refused(post(ambit, key, { path: `${APOLLO}/chat/never/stop` }))).toEqual({ status: 404, code: 'not_found' })
    expect(await look('select 1 from ambit.idempotency_keys where key = $1', key)).toEqual([])
    open()
    await readStream(first)
    const { run } = await followed(ambit, key, { body: asking(thread, 'Again?') })
    expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'completed' })
  })

  test('to stop hits the run that it hit first, and never the next one', async () => {
    const never = new Promise<never>(() => {})
    const { opened, open } = gate()
    const model = scriptedModel([...says('Half, ').slice(0, 3), never], [opened, ...says('Whole.')])
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const [key, idle] = [freshKey(), freshKey()]
    const path = `${APOLLO}/chat/${thread}/stop`
    const first = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: asking(thread) })
    const stopped = { run: first.headers.get('x-resumable-stream-id'), state: 'stopped' }
    for (let times = 0; times < 2; times += 1) expect(await (await post(ambit, key, { path })).json()).toEqual(stopped)
    expect(await (await post(ambit, idle, { path })).json()).toEqual({ run: null, state: 'idle' })
    const second = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: asking(thread, 'And now?') })
    expect(await (await post(ambit, key, { path })).json()).toEqual(stopped)
    expect(await (await post(ambit, idle, { path })).json()).toEqual({ run: null, state: 'idle' })
    expect(await refused(post(ambit, key, { path, body: { run: second.headers.get('x-resumable-stream-id') } }))).toEqual({ status: 422, code: 'idempotency_mismatch' })
    open()
    const streamed = await readStream(second)
    expect([said(streamed.chunks), (await runOf(stage, ambit, runIdOf(streamed))).state]).toEqual(['Whole.', 'completed'])
    await readStream(first)
  })

  test('shows no answer that its sender may no longer see', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Secret.')) })
    const thread = freshThread()
    const key = freshKey()
    const { run } = await followed(ambit, key, { path: `${ACME}/chat`, body: asking(thread) })
    await look(`update ambit.read_sets set projects = $2::jsonb where run_id = $1`, run, JSON.stringify([stage.world.ids['acme/zephyr']]))
    expect(await refused(post(ambit, key, { path: `${ACME}/chat`, body: asking(thread) }))).toEqual({ status: 404, code: 'not_found' })
  })
})
