import { afterEach, describe, expect, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { takeTurn } from '../../src/lib/run/take-turn.ts'
import type { TurnParts } from '../../src/lib/run/take-turn.ts'
import type { ChatExecutionContext } from '../../src/lib/scope/chat-execution-context.ts'
import { refuse } from '../../src/lib/scope/refusal.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, assistantTexts, freshThread, messageId, messagesOf, must, read, readRest, readUntil, runIdOf, runOf, useStage, userTexts } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

const never = new Promise<never>(() => {})

describe.each(databaseKinds)('a message that comes while the thread is being answered, on $name', (kind) => {
  const stage = useStage(kind)

  function ask(ambit: Ambit, thread: string, text: string, extra: object = {}, who: PersonName = 'bob'): Promise<Response> {
    return send(ambit, stage.world, who, `${APOLLO}/chat`, { body: { ...question(thread, text, messageId(thread + text)), ...extra } })
  }

  async function asked(ambit: Ambit, thread: string, text: string, extra: object = {}, who: PersonName = 'bob'): Promise<{ run: string; response: Response }> {
    const response = await ask(ambit, thread, text, extra, who)
    expect(response.status).toBe(200)
    return { run: must(response.headers.get('x-resumable-stream-id')), response }
  }

  async function refused(response: Promise<Response>): Promise<Record<string, unknown>> {
    const { status, body } = await response.then(async (it) => ({ status: it.status, body: (await it.json()) as Record<string, unknown> }))
    expect([status, body['code']]).toEqual([409, 'conflict'])
    return body
  }

  /** The server id of a thread that everybody in the project sees. */
  async function shared(ambit: Ambit, thread: string): Promise<string> {
    const response = await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })
    return ((await response.json()) as { id: string }).id
  }

  async function eventsOf(threadId: string): Promise<string[]> {
    return stage.database.superuser.transaction('', async (sql) => {
      const { rows } = await sql.query<{ kind: string; run_id: string }>('select kind, run_id from ambit.events where thread_id = $1 order by number', [threadId])
      return rows.map((row) => `${row.kind} ${row.run_id}`)
    })
  }

  /** The nodes that own these runs, as they are stored. */
  async function ownersOf(ids: readonly string[]): Promise<string[]> {
    return stage.database.superuser.transaction('', async (sql) => {
      const { rows } = await sql.query<{ node_id: string }>('select node_id from ambit.runs where id = any($1::text[]) order by number', [ids])
      return rows.map((row) => row.node_id)
    })
  }

  describe('is refused', () => {
    test.each([
      ['where the path names the place', {}, APOLLO],
      ['below a base path', { basePath: '/api' }, `/api${APOLLO}`],
      ['where the host names the place', { target: async () => ({ org: 'acme', project: 'apollo' }) }, ''],
    ])('with the run and its stream, %s', async (_, options, prefix) => {
      const { opened, open } = gate()
      const { ambit } = stage.start({ model: scriptedModel([opened, ...says('Done.')]), ...options })
      const thread = freshThread()
      const post = (text: string) => send(ambit, stage.world, 'bob', `${prefix}/chat`, { body: question(thread, text) })
      const first = await post('One?')
      const problem = await refused(post('Two, then?'))
      expect(problem).toMatchObject({ run: first.headers.get('x-resumable-stream-id'), stream: `${prefix}/chat/${String(problem['thread'])}/stream` })
      const followed = await send(ambit, stage.world, 'bob', String(problem['stream']))
      open()
      expect((await readStream(followed)).text).toBe((await readStream(first)).text)
    })
  })

  describe('waits', () => {
    test('in order, each its own run, and is told what was answered before it', async () => {
      const { opened, open } = gate()
      const model = scriptedModel([opened, ...says('A1')], says('A2'), says('A3'))
      const { ambit } = stage.start({ model, node: 'here' })
      const thread = freshThread()
      const one = await asked(ambit, thread, 'Q1')
      const two = await asked(ambit, thread, 'Q2', { onActive: 'queue' })
      const three = await asked(ambit, thread, 'Q3', { onActive: 'queue' })
      const ids = [one.run, two.run, three.run]
      expect(await ownersOf(ids)).toEqual(['here', '', ''])
      const { thread_id: threadId } = await runOf(stage, ambit, one.run)
      expect(await Promise.all(ids.map(async (id) => (await runOf(stage, ambit, id)).state))).toEqual(['running', 'queued', 'queued'])
      const waiting = await messagesOf(stage, ambit, { thread })
      expect(waiting.map(({ metadata: { ambit: own } }) => [own.hidden, own.run?.state])).toEqual([
        [false, undefined], [false, 'running'], [false, undefined], [false, 'queued'], [false, undefined], [false, 'queued'],
      ])
      expect(waiting.map(({ metadata: { ambit: own } }) => own.parent_id)).toEqual([null, ...waiting.slice(0, -1).map(({ metadata: { ambit: own } }) => own.id)])
      expect(await eventsOf(threadId)).toEqual([`run_began ${one.run}`, `run_queued ${two.run}`, `run_queued ${three.run}`])
      const reader = must(three.response.body).getReader()
      const early = await readUntil(reader, '"type":"start"')
      expect(model.calls).toHaveLength(1)
      open()
      const answers = [await readStream(one.response), await readStream(two.response), parseStream(early + (await readRest(reader)))]
      for (const answer of answers) expectSound(answer)
      expect(answers.map(({ chunks }) => said(chunks))).toEqual(['A1', 'A2', 'A3'])
      expect(answers.map(runIdOf)).toEqual(ids)
      expect(userTexts(model.calls[2])).toEqual(['Q1', 'Q2', 'Q3'])
      expect(assistantTexts(model.calls[2])).toEqual(['A1', 'A2'])
      const told = await vi.waitFor(async () => {
        const events = await eventsOf(threadId)
        expect(events).toHaveLength(8)
        return events.filter((event) => !event.startsWith('run_queued'))
      })
      expect(told).toEqual(ids.flatMap((id) => [`run_began ${id}`, `run_ended ${id}`]))
    })

    test('and is followed word by word by whoever has waited for it', async () => {
      const { opened, open } = gate()
      const { ambit } = stage.start({ model: scriptedModel([opened, ...says('A1')], [...says('Half, ').slice(0, 3), never]) })
      const thread = freshThread()
      await asked(ambit, thread, 'Q1')
      const two = await asked(ambit, thread, 'Q2', { onActive: 'queue' })
      const reader = must(two.response.body).getReader()
      const early = await readUntil(reader, '"type":"start"')
      open()
      const streamed = parseStream(early + (await readUntil(reader, 'Half, ')))
      expect(streamed.chunks.map(({ type }) => type)).toEqual(['start', 'start-step', 'text-start', 'text-delta'])
      await reader.cancel()
    })

    test('as its own principal, whose rights are asked for again: who was removed meanwhile gets no answer, and the next one does', async () => {
      const { opened, open } = gate()
      const model = scriptedModel(says('Hello.'), [opened, ...says('To Bob.')], says('To Carol.'))
      const { ambit } = stage.start({ model })
      const thread = freshThread()
      await answerTo(stage, ambit, { thread, text: 'Hello?' })
      const id = await shared(ambit, thread)
      const bob = await asked(ambit, id, 'Bob asks.')
      const erin = await asked(ambit, id, 'Erin asks.', { onActive: 'queue' }, 'erin')
      const carol = await asked(ambit, id, 'Carol asks.', { onActive: 'queue' }, 'carol')
      await stage.database.superuser.transaction('', (sql) => sql.query("delete from ambit.memberships where person_id = 'erin'"))
      open()
      expect(said((await readStream(bob.response)).chunks)).toBe('To Bob.')
      expect(said((await readStream(carol.response)).chunks)).toBe('To Carol.')
      expect(await runOf(stage, ambit, erin.run)).toMatchObject({ state: 'failed', error_code: 'scope_changed', author_id: 'erin' })
      expect(await runOf(stage, ambit, carol.run)).toMatchObject({ state: 'completed', author_id: 'carol' })
      expect(model.calls).toHaveLength(3)
      await erin.response.body?.cancel()
    })

    test('as often as the limit says, and no more', async () => {
      const { opened, open } = gate()
      const { ambit } = stage.start({ model: scriptedModel([opened, ...says('Yes.')], says('Yes.')), limits: { queue: 2 } })
      const thread = freshThread()
      const first = await asked(ambit, thread, 'One?')
      const waiting = [await asked(ambit, thread, 'Two?', { onActive: 'queue' }), await asked(ambit, thread, 'Three?', { onActive: 'queue' })]
      expect(await refused(ask(ambit, thread, 'Four?', { onActive: 'queue' }))).toMatchObject({ run: first.run, detail: expect.stringContaining('2 messages wait') })
      expect(await messagesOf(stage, ambit, { thread })).toHaveLength(6)
      open()
      for (const { response } of [first, ...waiting]) expectSound(await readStream(response))
      await answerTo(stage, ambit, { thread, text: 'Four?' })
    })

    test('but an answer once more does not; an edit keeps its place', async () => {
      const { opened, open } = gate()
      const model = scriptedModel(says('A1'), [opened, ...says('A2')], says('A1b'))
      const { ambit } = stage.start({ model })
      const thread = freshThread()
      await answerTo(stage, ambit, { thread, text: 'Q1' })
      const second = await asked(ambit, thread, 'Q2')
      await refused(send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { id: thread, trigger: 'regenerate-message', onActive: 'queue' } }))
      const edit = await asked(ambit, thread, 'Q1b', { onActive: 'queue', messageId: messageId(`${thread}Q1`) })
      open()
      expect(said((await readStream(second.response)).chunks)).toBe('A2')
      expect(said((await readStream(edit.response)).chunks)).toBe('A1b')
      expect(userTexts(model.calls[2])).toEqual(['Q1b'])
    })

    test('behind the last in line, also where another branch was chosen meanwhile; or where it says', async () => {
      const { opened, open } = gate()
      const model = scriptedModel(says('A1'), says('A1b'), [opened, ...says('A2')], says('A3'), says('A4'))
      const { ambit } = stage.start({ model })
      const thread = freshThread()
      await answerTo(stage, ambit, { thread, text: 'Q1' })
      const [, answer] = await messagesOf(stage, ambit, { thread })
      await readStream((await asked(ambit, thread, 'Q1b', { messageId: messageId(`${thread}Q1`) })).response)
      const second = await asked(ambit, thread, 'Q2')
      const chosen = await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`, { method: 'PATCH', body: { head: must(answer).id } })
      expect(await chosen.json()).toMatchObject({ head: must(answer).id })
      const third = await asked(ambit, thread, 'Q3', { onActive: 'queue' })
      const fourth = await asked(ambit, thread, 'Q4', { onActive: 'queue', parentId: must(answer).id })
      open()
      for (const { response } of [second, third, fourth]) expectSound(await readStream(response))
      expect(userTexts(model.calls[3])).toEqual(['Q1b', 'Q2', 'Q3'])
      expect(userTexts(model.calls[4])).toEqual(['Q1', 'Q4'])
    })

    test('once, however often it is sent: the same run is followed while it waits', async () => {
      const { opened, open } = gate()
      const model = scriptedModel([opened, ...says('A1')], says('A2'))
      const { ambit } = stage.start({ model, limits: { userStreams: 50 } })
      const thread = freshThread()
      const first = await asked(ambit, thread, 'Q1')
      const posts = await Promise.all(Array.from({ length: 20 }, () => asked(ambit, thread, 'Q2', { onActive: 'queue' })))
      expect(new Set(posts.map(({ run }) => run)).size).toBe(1)
      expect(await messagesOf(stage, ambit, { thread })).toHaveLength(4)
      open()
      const texts = await Promise.all(posts.map(async ({ response }) => (await readStream(response)).text))
      expect(new Set(texts).size).toBe(1)
      expect(said((await readStream(first.response)).chunks)).toBe('A1')
      expect(model.calls).toHaveLength(2)
    })

    test('and can be stopped before its turn: the model never hears of it', async () => {
      const { opened, open } = gate()
      const model = scriptedModel([opened, ...says('A1')], says('A3'))
      const { ambit } = stage.start({ model })
      const thread = freshThread()
      const one = await asked(ambit, thread, 'Q1')
      const two = await asked(ambit, thread, 'Q2', { onActive: 'queue' })
      const three = await asked(ambit, thread, 'Q3', { onActive: 'queue' })
      const stop = await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST', body: { run: two.run } })
      expect([stop.status, await stop.json()]).toEqual([200, { run: two.run, state: 'stopped' }])
      expect((await readStream(two.response)).chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' })
      open()
      expect(said((await readStream(one.response)).chunks)).toBe('A1')
      expect(said((await readStream(three.response)).chunks)).toBe('A3')
      expect(userTexts(model.calls[1])).toEqual(['Q1', 'Q2', 'Q3'])
    })
  })

  describe('takes the place', () => {
    test('of what runs and of all that waits: each ends with abort, and only the new one is answered', async () => {
      const model = scriptedModel([...says('Half, ').slice(0, 3), never], says('Now.'))
      const { ambit } = stage.start({ model })
      const thread = freshThread()
      const one = await asked(ambit, thread, 'Q1')
      const two = await asked(ambit, thread, 'Q2', { onActive: 'queue' })
      const three = await asked(ambit, thread, 'Q3', { onActive: 'queue' })
      await vi.waitFor(() => expect(model.calls).toHaveLength(1))
      const last = await asked(ambit, thread, 'Q4', { onActive: 'interrupt' })
      expect(said((await readStream(last.response)).chunks)).toBe('Now.')
      for (const { response, run } of [one, two, three]) {
        expect((await readStream(response)).chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' })
        expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'stopped' })
      }
      expect(model.cancelled()).toBe(1)
      expect(model.calls).toHaveLength(2)
    })

    test('by an answer once more, too; where nothing runs, it is only asked', async () => {
      const model = scriptedModel([...says('Half, ').slice(0, 3), never], says('Again.'), says('More.'))
      const { ambit } = stage.start({ model })
      const thread = freshThread()
      const one = await asked(ambit, thread, 'Q1')
      const again = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { id: thread, trigger: 'regenerate-message', onActive: 'interrupt' } })
      expect(said((await readStream(again)).chunks)).toBe('Again.')
      expect((await readStream(one.response)).chunks.at(-1)?.type).toBe('abort')
      expect(said((await readStream((await asked(ambit, thread, 'Q2', { onActive: 'interrupt' })).response)).chunks)).toBe('More.')
    })
  })

  test('is treated as the thread says, which its author decides; the message may say otherwise', async () => {
    const { opened, open } = gate()
    const { ambit } = stage.start({ model: scriptedModel(says('Hello.'), [opened, ...says('A1')], says('A2')) })
    const thread = freshThread()
    await answerTo(stage, ambit, { thread, text: 'Hello?' })
    const id = await shared(ambit, thread)
    const patch = (who: PersonName, body: unknown) => send(ambit, stage.world, who, `${APOLLO}/threads/${id}`, { method: 'PATCH', body })
    expect(await read(stage, ambit, 'bob', `${APOLLO}/threads/${id}`)).toMatchObject({ on_active: 'reject' })
    expect((await patch('ada', { on_active: 'queue' })).status).toBe(403)
    expect((await patch('bob', { on_active: 'later' })).status).toBe(400)
    expect(await (await patch('bob', { on_active: 'queue' })).json()).toMatchObject({ on_active: 'queue' })
    expect((await eventsOf(id)).filter((event) => event.startsWith('thread_changed'))).toEqual(['thread_changed null', 'thread_changed null'])
    const first = await asked(ambit, thread, 'Q1')
    const second = await asked(ambit, thread, 'Q2')
    expect(await runOf(stage, ambit, second.run)).toMatchObject({ state: 'queued' })
    await refused(ask(ambit, thread, 'Q3', { onActive: 'reject' }))
    expect((await ask(ambit, thread, 'Q3', { onActive: 'later' })).status).toBe(400)
    open()
    for (const { response } of [first, second]) expectSound(await readStream(response))
  })

  test.runIf(kind.name === 'PostgreSQL')('waits and is answered once, also where two nodes take it', async () => {
    const { opened, open } = gate()
    const model = scriptedModel([opened, ...says('A1')], says('A2'))
    const [one, two] = [stage.start({ model }), stage.start({ model })]
    const thread = freshThread()
    const first = await asked(one.ambit, thread, 'Q1')
    const posts = await Promise.all([one, two, one, two, one, two].map(({ ambit }) => asked(ambit, thread, 'Q2', { onActive: 'queue' })))
    expect(new Set(posts.map(({ run }) => run)).size).toBe(1)
    open()
    const texts = await Promise.all(posts.map(async ({ response }) => (await readStream(response)).text))
    expect(new Set(texts).size).toBe(1)
    expect(said((await readStream(first.response)).chunks)).toBe('A1')
    expect(model.calls).toHaveLength(2)
  })
})

describe('to take the place of what cannot be stopped', () => {
  afterEach(() => void vi.restoreAllMocks())

  const inTheWay = { ...refuse('conflict', 'In the way.', { run: 'run_1' }), inTheWay: [{ id: 'run_1', thread_id: 'thr_1', message_id: 'msg_1', state: 'running' as const }] }
  const context = {} as ChatExecutionContext
  const command = { thread: 'thr_1', trigger: 'submit', message: { clientId: null, text: 'Now.' }, messageId: null, model: null } as const

  test('is tried for ten seconds, and then refused', async () => {
    let now = 0
    vi.spyOn(performance, 'now').mockImplementation(() => now)
    const stops: unknown[] = []
    const stop: TurnParts['stop'] = async (_, wanted) => {
      now += 2_500 // as long as a stop waits for its confirmation, and a little
      stops.push(wanted)
      return { ok: true, run: 'run_1', state: 'running' }
    }
    expect(await takeTurn({ open: async () => inTheWay, stop }, context, command)).toEqual(refuse('conflict', 'In the way.', { run: 'run_1' }))
    expect(stops).toEqual(Array.from({ length: 5 }, () => ({ thread: 'thr_1', runId: 'run_1' })))
  })

  test('goes on as soon as it is stopped after all', async () => {
    const states = ['running', 'stopped'] as const
    let tries = 0
    const stop: TurnParts['stop'] = async () => ({ ok: true, run: 'run_1', state: must(states[tries++]) })
    const done = refuse('forbidden', 'Opened.') // any answer but a conflict that names what is in the way
    expect(await takeTurn({ open: async () => (tries < 2 ? inTheWay : done), stop }, context, command)).toBe(done)
    expect(tries).toBe(2)
  })
})
