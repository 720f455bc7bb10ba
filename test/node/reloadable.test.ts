import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { apiKeys, createAmbit, createLog, embeddedStore, memoryJournal, reloadable } from '../../src/index.ts'
import type { Ambit, AmbitOptions } from '../../src/index.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { APP } from '../support/templates.ts'
import { freshThread, must, post, readRest, readUntil, runOf, useStage } from '../support/stage.ts'

const log = createLog({ level: 'silent' })

// PostgreSQL only: what is counted are its connections.
describe.each(databaseKinds.filter(({ name }) => name === 'PostgreSQL'))('reloadable on $name', (kind) => {
  const stage = useStage(kind)
  let names = 0
  const made: Ambit[] = []
  afterEach(async () => {
    await Promise.all(made.splice(0).map((ambit) => ambit.close({ graceMs: 0 })))
  })

  /** Evaluates a module again and again: each time another Ambit under the same name. */
  function module() {
    const name = `test-${(names += 1)}`
    return (scripts: Script[], options: Partial<AmbitOptions> = {}): Ambit => {
      const ambit = reloadable(name, createAmbit({ store: stage.database.source, authenticate: apiKeys(), log, model: scriptedModel(...scripts), ...options }))
      made.push(ambit)
      return ambit
    }
  }

  const connections = () =>
    stage.database.superuser.transaction('', async (sql) =>
      Number((await sql.query('select count(*) from pg_stat_activity where datname = current_database() and usename = $1', [APP.user])).rows[0]?.['count']))

  /** Keeps next to nothing in memory: who reads late is sent to the database. */
  const forgetful = () => ({ journal: memoryJournal({ keptBytes: 1 }) })
  const waits = (held: Promise<void>): Script => [...says('First. ').slice(0, 3), held, ...says('Second.').slice(2)]

  async function completed(ambit: Ambit, run: string): Promise<void> {
    await vi.waitFor(async () => expect(await runOf(stage, ambit, run)).toMatchObject({ state: 'completed' }), 5_000)
    await delay(500) // one that does not wait for its reader has closed long before
  }

  const ask = async (ambit: Ambit) => {
    const streamed = await readStream(await post(stage, ambit, { thread: freshThread() }))
    expectSound(streamed)
    return said(streamed.chunks)
  }

  test('twenty reloads hold the connections of one', async () => {
    const evaluate = module()
    const first = evaluate([says('0')])
    expect(await ask(first)).toBe('0')
    const before = await connections()
    for (let edit = 1; edit <= 20; edit += 1) {
      const latest = evaluate([says(String(edit))])
      expect([await ask(latest), await ask(first)]).toEqual([String(edit), String(edit)])
    }
    // What the newest opens beside the pool (for its lease, to hear other nodes) may not have been there yet when they were counted.
    await vi.waitFor(async () => expect(await connections()).toBeLessThanOrEqual(before + 3), 10_000)
    await first.close()
    await vi.waitFor(async () => expect(await connections()).toBe(0), 5_000)
  })

  test('one that was never opened costs nothing', async () => {
    const evaluate = module()
    for (let edit = 0; edit < 20; edit += 1) evaluate([says('x')])
    expect(await connections()).toBe(0)
    expect(await ask(evaluate([says('last')]))).toBe('last')
  })

  test('a running answer goes on to its end beside the next one', async () => {
    const evaluate = module()
    const held = gate()
    const old = evaluate([waits(held.opened)])
    const response = await post(stage, old, { thread: freshThread() })
    const reader = must(response.body).getReader()
    const before = await readUntil(reader, 'First. ')
    const next = evaluate([says('New.')])
    expect([await ask(next), await ask(old)]).toEqual(['New.', 'New.'])
    held.open()
    const streamed = parseStream(before + (await readRest(reader)))
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('First. Second.')
  })

  test('a slow reader gets the rest, though its run has ended and needs the database for it', async () => {
    const evaluate = module()
    const held = gate()
    const old = evaluate([waits(held.opened)], forgetful())
    const response = await post(stage, old, { thread: freshThread() })
    const reader = must(response.body).getReader()
    const before = await readUntil(reader, 'First. ')
    const next = evaluate([says('New.')])
    held.open()
    const run = must(parseStream(before).ids[0]?.split('.')[0])
    await completed(next, run)
    const streamed = parseStream(before + (await readRest(reader)))
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('First. Second.')
  })

  test('a question that was on its way is answered by who was asked', async () => {
    const evaluate = module()
    const reached = gate()
    const held = gate()
    const authenticate: AmbitOptions['authenticate'] = async (request, tools) => {
      reached.open()
      await held.opened
      return apiKeys()(request, tools)
    }
    const old = evaluate([says('Old.')], { authenticate })
    const asked = send(old, stage.world, 'bob', `${APOLLO}/chat`, { body: question(freshThread(), 'Go on.') })
    await reached.opened
    evaluate([says('New.')])
    held.open()
    const response = await asked
    expect(response.status).toBe(200)
    expect(said((await readStream(response)).chunks)).toBe('Old.')
  })

  test('without HTTP it is the same', async () => {
    const evaluate = module()
    const held = gate()
    const old = evaluate([waits(held.opened)], forgetful())
    const context = await old.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    const opened = await old.openRun(context, { thread: freshThread(), trigger: 'submit', message: { clientId: null, text: 'Go on.' }, messageId: null, model: null })
    if (!opened.ok) throw new Error(opened.detail)
    const frames = old.follow(context, opened.run)[Symbol.asyncIterator]()
    let text = ''
    while (!text.includes('First. ')) text += must((await frames.next()).value as { text: string } | undefined).text
    const next = evaluate([says('New.')])
    held.open()
    await completed(next, opened.run.id)
    for (let frame = await frames.next(); !frame.done; frame = await frames.next()) text += frame.value.text
    expect(said(parseStream(text).chunks)).toBe('First. Second.')
  })

  test('its end is the end of those that it replaced', async () => {
    const evaluate = module()
    const held = gate()
    const old = evaluate([waits(held.opened)])
    const answer = readStream(await post(stage, old, { thread: freshThread() }))
    evaluate([says('New.')])
    const closing = old.close().then(() => 'closed')
    expect(await Promise.race([closing, delay(200, 'waiting')])).toBe('waiting')
    held.open()
    expect(said((await answer).chunks)).toBe('First. Second.')
    expect(await closing).toBe('closed')
  })

  test('after its end, a new one under the name begins again', async () => {
    const evaluate = module()
    const old = evaluate([says('Old.')])
    await ask(old)
    await old.close()
    expect((await send(old, stage.world, 'bob', `${APOLLO}/threads`)).status).toBe(503)
    evaluate([says('New.')])
    expect(await ask(old)).toBe('New.')
  })
})

test('an embedded store, which only one can open, is opened by the next when the one before has let go', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ambit-reload-'))
  const [reached, held] = [gate(), gate()]
  const authenticate = async () => {
    reached.open()
    await held.opened
    return null
  }
  const evaluate = () => reloadable('embedded', createAmbit({ store: embeddedStore(directory), authenticate, log, model: 'offline' }))
  const first = evaluate()
  await first.start()
  const asked = first.fetch(new Request('http://ambit.test/v1/me'))
  await reached.opened
  evaluate() // replaced before it was ever opened
  const started = evaluate().start()
  setTimeout(held.open, 200) // by then, who does not wait was refused
  await expect(started).resolves.toBeUndefined()
  expect((await asked).status).toBe(401)
  await first.close()
  await rm(directory, { recursive: true })
})
