import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Ambit, ChatCommand } from '../../src/index.ts'
import { apiKeys, parseCursor } from '../../src/index.ts'
import { join } from '../../src/lib/directory/create-place.ts'
import { deleteMembership } from '../../src/lib/store/directory-rows.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import type { LogLine } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { holding } from '../support/held-store.ts'
import { rowsOf } from '../support/left-behind.ts'
import { expectQuiet, listResources } from '../support/leak-check.ts'
import type { Resources } from '../support/leak-check.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, messagesOf, must, runIdOf, runOf, useStage } from '../support/stage.ts'

const never = new Promise<never>(() => {})

describe.each(databaseKinds)('a question while it closes, on $name', (kind) => {
  const stage = useStage(kind)

  /** Nothing is open, and nobody says anything any more. */
  async function expectSilence(before: Resources, lines: readonly LogLine[], told: number): Promise<void> {
    await expectQuiet(before)
    await nextTurn()
    expect(lines.slice(told).map((line) => line.msg)).toEqual([])
  }

  const ask = (ambit: Ambit, thread: string) => send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(thread, 'Go on.') })

  test('that was being opened is waited for, answered and recorded', async () => {
    const store = holding(stage.database, 'insert into ambit.runs')
    const { ambit } = stage.start({ store, model: scriptedModel(says('Whole.')) })
    const thread = freshThread()
    const asked = ask(ambit, thread)
    await store.held
    let closed = false
    const closing = ambit.close({ graceMs: 20_000 }).then(() => (closed = true))
    expect((await ask(ambit, freshThread())).status).toBe(503)
    await Promise.race([closing, delay(100)]) // one that waits for nothing is over long before
    expect(closed).toBe(false)
    store.letGo()
    const response = await asked
    expect(response.status).toBe(200)
    const streamed = await readStream(response)
    await closing
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('Whole.')
    const next = stage.start({ model: scriptedModel(says('x')) })
    expect(await runOf(stage, next.ambit, runIdOf(streamed))).toMatchObject({ state: 'completed' })
  })

  test('that was being opened when the grace was over is handed over like those that ran already', async () => {
    const before = listResources()
    const store = holding(stage.database, 'insert into ambit.runs')
    const { ambit, lines } = stage.start({ store, model: scriptedModel([...says('Half, ').slice(0, 3), never]) })
    const thread = freshThread()
    const asked = ask(ambit, thread)
    await store.held
    const closing = ambit.close({ graceMs: 0 })
    await delay(20) // a timer of 0 ms that was set before has fired
    store.letGo()
    const response = await asked
    expect(response.status).toBe(200)
    await Promise.all([expect(response.text()).rejects.toThrow('without a terminal one'), closing])
    const told = lines.length
    await expectSilence(before, lines, told)
    const next = stage.start({ model: scriptedModel(says('Now.')) })
    const run = must((await messagesOf(stage, next.ambit, { thread })).at(-1)).metadata.ambit.run
    expect(run?.id).toBe(response.headers.get('x-resumable-stream-id'))
    expect(said((await readStream(await send(next.ambit, stage.world, 'bob', `${APOLLO}/runs/${run?.id}/events`))).chunks)).toBe('Now.')
  })

  test('that waits in line stays there: what it waited for is answered, and it is nobody’s until another process takes it', async () => {
    const before = listResources()
    const { opened, open } = gate()
    const model = scriptedModel([opened, ...says('First.')], [...says('Half, ').slice(0, 3), never])
    const { ambit, lines } = stage.start({ model })
    const thread = freshThread()
    const first = await ask(ambit, thread)
    const second = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { ...question(thread, 'And then?'), onActive: 'queue' } })
    const closing = ambit.close({ graceMs: 20_000 })
    open()
    expect(said((await readStream(first)).chunks)).toBe('First.')
    await Promise.all([expect(second.text()).rejects.toThrow('without a terminal one'), closing])
    expect(model.calls).toHaveLength(1)
    await expectSilence(before, lines, lines.length)
    const run = must(second.headers.get('x-resumable-stream-id'))
    expect(await rowsOf(stage, 'runs', run)).toMatchObject([{ state: 'queued', fence: 1 }])
    const next = stage.start({ model: scriptedModel(says('Now.')) })
    expect(said((await readStream(await send(next.ambit, stage.world, 'bob', `${APOLLO}/runs/${run}/events`))).chunks)).toBe('Now.')
  })

  test('that stood between the door and its run is refused, and leaves nothing', async () => {
    const before = listResources()
    const [held, release] = [gate(), gate()]
    const keys = apiKeys()
    const model = scriptedModel(says('Hello.'))
    const { ambit, lines } = stage.start({
      model,
      async authenticate(request, tools) {
        const who = await keys(request, tools)
        held.open()
        await release.opened
        return who
      },
    })
    const thread = freshThread()
    const asked = ask(ambit, thread)
    await held.opened
    const closing = ambit.close({ graceMs: 0 })
    await delay(20)
    release.open()
    const response = await asked
    await closing
    expect([response.status, await response.json()]).toEqual([503, expect.objectContaining({ code: 'unavailable', retry_after: 5 })])
    expect(model.calls).toEqual([])
    await expectSilence(before, lines, lines.length)
    const next = stage.start({ model: scriptedModel(says('x')) })
    expect((await send(next.ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`)).status).toBe(404)
  })

  test('many at once: each is refused or answered with one terminal chunk, and what was begun is recorded', async () => {
    const before = listResources()
    const { ambit, lines } = stage.start({ model: scriptedModel(says('One ', 'two.')) })
    await ambit.start()
    const begin = async (thread = freshThread()) => {
      const response = await ask(ambit, thread)
      return { thread, status: response.status, streamed: response.status === 200 ? await readStream(response) : null }
    }
    const first = await begin()
    const asked = []
    for (let index = 0; index < 12; index += 1) {
      asked.push(begin())
      await nextTurn() // each stands a little further on its way than the next
    }
    const closing = ambit.close({ graceMs: 20_000 })
    const last = await begin()
    await closing
    const told = lines.length
    const answers = [first, ...(await Promise.all(asked)), last]
    expect([first.status, last.status]).toEqual([200, 503])
    expect(answers.filter(({ status }) => status !== 200 && status !== 503)).toEqual([])
    for (const { streamed } of answers) if (streamed) expectSound(streamed)
    // Whoever had not been told yet is told; nothing else happens.
    await expectQuiet(before)
    await nextTurn()
    expect(lines.slice(told).filter((line) => !line.msg.startsWith('request'))).toEqual([])
    const next = stage.start({ model: scriptedModel(says('x')) })
    const recorded = await Promise.all(answers.map(async ({ thread, streamed }) =>
      streamed ? (await runOf(stage, next.ambit, runIdOf(streamed))).state : (await send(next.ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`)).status))
    expect(recorded).toEqual(answers.map(({ streamed }) => (streamed ? 'completed' : 404)))
  })
})

describe.each(databaseKinds)('an entry without HTTP, on $name', (kind) => {
  const stage = useStage(kind)
  const command = (thread: string): ChatCommand => ({ thread, trigger: 'submit', message: { clientId: null, text: 'Go on.' }, messageId: null, model: null })

  async function begin() {
    const model = scriptedModel(says('Hello.'))
    const { ambit } = stage.start({ model })
    const context = await ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    return { ambit, model, context }
  }

  test('asks again: a context that was resolved before the person left opens no run', async () => {
    const { ambit, model, context } = await begin()
    const membership = { orgId: must(stage.world.ids['acme']), projectId: '*' }
    const thread = freshThread()
    await stage.database.handles.operator((sql) => deleteMembership(sql, { ...membership, personId: 'bob' }))
    expect(await ambit.openRun(context, command(thread))).toMatchObject({ ok: false, code: 'not_found' })
    await stage.database.handles.operator((sql) => join(sql, { ...membership, role: 'viewer', person: { id: 'bob', name: 'bob' } }))
    expect(await ambit.openRun(context, command(thread))).toMatchObject({ ok: false, code: 'forbidden' })
    await stage.database.handles.operator((sql) => join(sql, { ...membership, role: 'member', person: { id: 'bob', name: 'bob' } }))
    expect(model.calls).toEqual([])
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`)).status).toBe(404)
    expect(await ambit.openRun(context, command(thread))).toMatchObject({ ok: true })
  })

  test('follows from a cursor of its own run only', async () => {
    const { ambit, context } = await begin()
    const [one, two] = [await ambit.openRun(context, command(freshThread())), await ambit.openRun(context, command(freshThread()))]
    if (!one.ok || !two.ok) throw new Error('Both were to be opened.')
    let text = ''
    for await (const frame of ambit.follow(context, one.run)) text += frame.text
    const cursor = must(parseCursor(must(parseStream(text).ids[1])))
    const follow = async (run: typeof one.run): Promise<string[]> => {
      const texts: string[] = []
      for await (const frame of ambit.follow(context, run, cursor)) texts.push(frame.text)
      return texts
    }
    await expect(follow(two.run)).rejects.toThrow('This cursor is of another run.')
    expect((await follow(one.run)).join('')).toBe(text.slice(text.indexOf(`id: ${cursor.runId}.${cursor.fence}.3`)))
  })
})
