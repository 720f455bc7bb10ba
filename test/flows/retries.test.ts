import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import type { TestAmbit } from '../support/client.ts'
import { APOLLO, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, messageId, must, runOf, useStage, userTexts } from '../support/stage.ts'

const MODEL = 'test:scripted'

interface Sent {
  readonly thread?: string
  readonly extra?: object
  readonly key?: string
}

describe.each(databaseKinds)('while a model’s provider fails, on $name', (kind) => {
  const stage = useStage(kind)
  let ahead = 0
  afterEach(() => void (ahead = 0))

  /** As if so much time had gone by. */
  function pass(ms: number): void {
    const real = performance.now.bind(performance)
    if (ahead === 0) {
      const spy = vi.spyOn(performance, 'now').mockImplementation(() => real() + ahead)
      onTestFinished(() => spy.mockRestore())
    }
    ahead += ms
  }

  /** Another provider answers as far as anybody knows: the scope is open. Nobody asks it. */
  function start(waiting: Promise<unknown> = Promise.resolve(), allowedModels = ['openai-compatible:y']) {
    const model = scriptedModel((call) => {
      const text = userTexts(call).at(-1)
      if (text === 'Fail.') return [Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })]
      return text === 'Wait.' ? [waiting, ...says('Waited.')] : says('Now.')
    })
    const providers = { 'openai-compatible': { baseURL: 'http://127.0.0.1:9/v1' } }
    // A lease outlives the time that is passed.
    return { ...stage.start({ model, allowedModels, providers, limits: { modelRetries: 0 }, leaseMs: 600_000 }), model }
  }

  const ask = ({ ambit }: TestAmbit, text: string, { thread = freshThread(), extra = {}, key }: Sent = {}) =>
    send(ambit, stage.world, 'bob', `${APOLLO}/chat`, {
      body: { ...question(thread, text, messageId(thread + text)), model: MODEL, ...extra },
      ...(key !== undefined && { headers: { 'idempotency-key': key } }),
    })

  async function fail(running: TestAmbit): Promise<void> {
    for (let time = 0; time < 5; time += 1) expect((await readStream(await ask(running, 'Fail.'))).chunks.at(-1)?.type).toBe('error')
  }

  async function expectUnavailable(asked: Promise<Response>): Promise<void> {
    const response = await asked
    expect([response.status, await response.json()]).toEqual([503, expect.objectContaining({ code: 'ai_unavailable', retry_after: 30 })])
  }

  async function followed(asked: Promise<Response>): Promise<{ readonly run: string; readonly text: string }> {
    const response = await asked
    expect(response.status).toBe(200)
    return { run: must(response.headers.get('x-resumable-stream-id')), text: (await response.text()).replaceAll(': \n\n', '') }
  }

  const statusOf = async (asked: Promise<Response>) => {
    const response = await asked
    await response.text()
    return response.status
  }

  test('what was begun before is followed: by its message, and by its key; what is new is refused, and leaves nothing', async () => {
    const running = start()
    const [byMessage, byKey, key] = [freshThread(), freshThread(), `retry-${kind.name}`]
    const asKeyed = (text = 'Why?') => ask(running, text, { thread: byKey, key, extra: { messages: undefined, message: { role: 'user', parts: [{ type: 'text', text }] } } })
    const first = await followed(ask(running, 'Go on.', { thread: byMessage }))
    const second = await followed(asKeyed())
    await fail(running)
    const calls = running.model.calls.length
    expect(await followed(ask(running, 'Go on.', { thread: byMessage }))).toEqual(first)
    expect(await followed(asKeyed())).toEqual(second)
    expect(await statusOf(asKeyed('Why not?'))).toBe(422)
    const [thread, newKey] = [freshThread(), `new-${kind.name}`]
    await expectUnavailable(ask(running, 'Go on.', { thread, key: newKey }))
    await expectUnavailable(ask(running, 'And now?', { thread: byMessage }))
    expect((await send(running.ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`)).status).toBe(404)
    const { rows } = await stage.database.superuser.transaction('', (sql) => sql.query('select 1 from ambit.idempotency_keys where key = $1', [newKey]))
    expect([rows, running.model.calls.length]).toEqual([[], calls])
    pass(31_000)
    expect(said((await readStream(await ask(running, 'Go on.', { thread, key: newKey }))).chunks)).toBe('Now.')
  })

  test('so do those of all: the same, also without HTTP', async () => {
    const running = start(undefined, [])
    const context = await running.ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    const thread = freshThread()
    const open = (text: string) =>
      running.ambit.openRun(context, { thread, trigger: 'submit', message: { clientId: messageId(thread + text), text }, messageId: null, model: null })
    const first = await followed(ask(running, 'Go on.', { thread }))
    await fail(running)
    expect(await followed(ask(running, 'Go on.', { thread }))).toEqual(first)
    expect(await open('Go on.')).toMatchObject({ ok: true, run: { id: first.run } })
    await expectUnavailable(ask(running, 'And now?', { thread }))
    expect(await open('And now?')).toMatchObject({ ok: false, code: 'ai_unavailable' })
    const again = await running.ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    expect(again).toMatchObject({ ok: false, code: 'ai_unavailable' })
  })

  test('what waits in line is taken: its turn comes later', async () => {
    const { opened, open } = gate()
    const running = start(opened)
    const thread = freshThread()
    const active = await ask(running, 'Wait.', { thread })
    await vi.waitFor(() => expect(running.model.calls).toHaveLength(1))
    await fail(running)
    const queued = await ask(running, 'And then?', { thread, extra: { onActive: 'queue' } })
    expect(queued.status).toBe(200)
    const run = must(queued.headers.get('x-resumable-stream-id'))
    expect(await runOf(stage, running.ambit, run)).toMatchObject({ state: 'queued', model: MODEL })
    open()
    expect(said((await readStream(active)).chunks)).toBe('Waited.')
    expect(said((await readStream(queued)).chunks)).toBe('Now.')
  })

  test('what would be refused stops nothing; and who is told of the active run is told of that', async () => {
    const { opened, open } = gate()
    const running = start(opened)
    const thread = freshThread()
    const active = await ask(running, 'Wait.', { thread })
    await vi.waitFor(() => expect(running.model.calls).toHaveLength(1))
    await fail(running)
    await expectUnavailable(ask(running, 'Instead.', { thread, extra: { onActive: 'interrupt' } }))
    const refused = await ask(running, 'Too.', { thread })
    expect([refused.status, await refused.json()]).toEqual([409, expect.objectContaining({ run: active.headers.get('x-resumable-stream-id') })])
    open()
    expect(said((await readStream(active)).chunks)).toBe('Waited.')
  })

  test('the one try of a half-open circuit is for who begins: whoever comes to nothing gives it back', async () => {
    const { opened, open } = gate()
    const running = start(opened)
    const [done, busy] = [freshThread(), freshThread()]
    await followed(ask(running, 'Go on.', { thread: done, key: `spent-${kind.name}` }))
    const active = await ask(running, 'Wait.', { thread: busy })
    await fail(running)
    await stage.database.superuser.transaction('', (sql) => sql.query(`alter table ambit.message_contents add constraint refused check (parts not like '%Unwelcome%') not valid`))
    onTestFinished(() => void stage.database.superuser.transaction('', (sql) => sql.query('alter table ambit.message_contents drop constraint refused')))
    pass(31_000)
    const comings: (readonly [status: number, text: string, sent?: Sent])[] = [
      [200, 'Go on.', { thread: done }],
      [422, 'Other.', { key: `spent-${kind.name}` }],
      [409, 'Too.', { thread: busy }],
      [404, 'Below.', { thread: done, extra: { parentId: 'msg_never' } }],
      [500, 'Unwelcome.', { thread: done }],
      [500, 'Unwelcome.'],
    ]
    for (const [status, text, sent] of comings) expect([text, await statusOf(ask(running, text, sent))]).toEqual([text, status])
    const queued = await ask(running, 'And then?', { thread: busy, extra: { onActive: 'queue' } })
    expect(queued.status).toBe(200)
    const trial = await ask(running, 'Wait.')
    expect(trial.status).toBe(200)
    await expectUnavailable(ask(running, 'Go on.'))
    open()
    for (const response of [active, queued, trial]) expect((await readStream(response)).chunks.at(-1)).toMatchObject({ type: 'finish' })
  })
})
