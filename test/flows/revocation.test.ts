import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Directory, Place } from '../../src/index.ts'
import { revokeKey } from '../../src/lib/store/key-rows.ts'
import { createKey } from '../../src/lib/identity/api-key.ts'
import { toNodeListener } from '../../src/node.ts'
import { ACME, APOLLO, ZEPHYR, parseStream, question, readStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, logged, must, post, readRest, readUntil, runIdOf, useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'
import type { PersonName } from '../support/world.ts'

/** On a machine that has much to do, too. */
const eventually = <T>(check: () => T) => vi.waitFor(check, 15_000)

const BROKEN = 'The frames ended without a terminal one.'
const CHANGED = { type: 'error', errorText: 'What you may see here changed while this was being answered. Ask again.' }

describe.each(databaseKinds)('a right that is taken away on $name', (kind) => {
  const stage = useStage(kind)
  const held = () => {
    const waiting = gate()
    return { waiting, model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) }
  }
  const begin = (limits: { readonly scopeMs?: number } = {}) => {
    const { waiting, model } = held()
    return { waiting, model, ...stage.start({ model, limits: { scopeMs: 100, ...limits } }) }
  }
  const superuser = (text: string, values: readonly unknown[]) => stage.database.superuser.transaction('', (sql) => sql.query(text, values))
  const orgId = () => must(stage.world.ids['acme'])

  /** Takes somebody's membership away, and gives it back when the test is over. */
  async function remove(person: PersonName, place: '*' | 'acme/zephyr'): Promise<() => Promise<unknown>> {
    const projectId = place === '*' ? '*' : must(stage.world.ids[place])
    const key = [orgId(), projectId, person]
    const { rows } = await stage.database.superuser.transaction('', (sql) =>
      sql.query<{ role: string }>('delete from ambit.memberships where org_id = $1 and project_id = $2 and person_id = $3 returning role', key),
    )
    return () => superuser('insert into ambit.memberships (org_id, project_id, person_id, role) values ($1, $2, $3, $4)', [...key, must(rows[0]).role])
  }

  const stateOf = async (runId: string) => {
    const { rows } = await stage.database.superuser.transaction('', (sql) =>
      sql.query<{ state: string; error_code: string | null }>('select state, error_code from ambit.runs where id = $1', [runId]),
    )
    return rows[0]
  }

  test('a member who is removed in mid-answer: the run ends with one error, which its author still hears', async () => {
    const { ambit, waiting, lines } = begin()
    const reader = must((await post(stage, ambit, { thread: freshThread() })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const giveBack = await remove('bob', '*')
    const streamed = parseStream(early + (await readRest(reader)))
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual(CHANGED)
    expect(await stateOf(runIdOf(streamed))).toEqual({ state: 'failed', error_code: 'scope_changed' })
    expect(await logged(lines, 'the run was ended')).toMatchObject({ code: 'scope_changed', lost: 'access' })
    waiting.open()
    await giveBack()
  })

  test('a viewer from now on: the same', async () => {
    const { ambit, waiting, lines } = begin()
    const reader = must((await post(stage, ambit, { thread: freshThread() })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const as = (role: string) => superuser("update ambit.memberships set role = $2 where org_id = $1 and project_id = '*' and person_id = 'bob'", [orgId(), role])
    await as('viewer')
    const streamed = parseStream(early + (await readRest(reader)))
    expect(streamed.chunks.at(-1)).toEqual(CHANGED)
    expect(await logged(lines, 'the run was ended')).toMatchObject({ lost: 'role' })
    await as('member')
    waiting.open()
  })

  test('chat that is switched off: the run ends with the word for that', async () => {
    const { ambit, waiting } = begin()
    const reader = must((await post(stage, ambit, { thread: freshThread() })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const switchTo = (on: boolean) => superuser('update ambit.settings set ai_enabled = $2 where org_id = $1', [orgId(), on])
    await switchTo(false)
    const streamed = parseStream(early + (await readRest(reader)))
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: 'AI chat is switched off here. An admin of the organisation can switch it on.' })
    expect(await stateOf(runIdOf(streamed))).toMatchObject({ error_code: 'ai_unavailable' })
    await switchTo(true)
    waiting.open()
  })

  test('a reader of a shared thread who loses the project is cut, and so is who follows its events; the run goes on', async () => {
    const { ambit, waiting, lines } = begin()
    const thread = freshThread()
    const authors = await post(stage, ambit, { who: 'ada', path: ZEPHYR, thread })
    const { id } = (await (await send(ambit, stage.world, 'ada', `${ZEPHYR}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })).json()) as { id: string }
    const readers = await Promise.all([`${ZEPHYR}/chat/${id}/stream`, `${ZEPHYR}/events`].map((path) => send(ambit, stage.world, 'carol', path)))
    expect(readers.map(({ status }) => status)).toEqual([200, 200])
    const [answer, events] = readers.map(({ body }) => must(body).getReader())
    await readUntil(must(answer), 'Half, ')
    const giveBack = await remove('carol', 'acme/zephyr')
    await Promise.all([answer, events].map((reader) => expect(readRest(must(reader))).rejects.toThrow(BROKEN)))
    expect(lines.filter(({ msg }) => msg === 'the stream was broken off')).toHaveLength(2)
    expect((await send(ambit, stage.world, 'carol', `${ZEPHYR}/chat/${id}/stream`)).status).toBe(404)
    waiting.open()
    const whole = await readStream(authors)
    expectSound(whole)
    expect(whole.chunks.at(-1)).toMatchObject({ type: 'finish' })
    await giveBack()
  })

  test('a reader who reads nothing is cut as soon, and not when it is found to be slow', async () => {
    const model = scriptedModel(says(...Array.from({ length: 80 }, () => 'x'.repeat(90_000)))) // more than a socket takes unread
    const { ambit, lines } = stage.start({ model, limits: { scopeMs: 100, stallMs: 600_000 }, metrics: true })
    const thread = freshThread()
    await readStream(await post(stage, ambit, { who: 'ada', path: ZEPHYR, thread }))
    const { id } = (await (await send(ambit, stage.world, 'ada', `${ZEPHYR}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })).json()) as { id: string }
    const { runs } = (await (await send(ambit, stage.world, 'ada', `${ZEPHYR}/runs`)).json()) as { runs: readonly { id: string; thread_id: string }[] }
    const run = must(runs.find(({ thread_id }) => thread_id === id)).id

    const sockets: Socket[] = []
    const server = createServer(toNodeListener(ambit)).on('connection', (socket) => sockets.push(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    })
    const client = connect((server.address() as AddressInfo).port, '127.0.0.1').pause()
    onTestFinished(() => void client.destroy())
    client.write(`GET ${ZEPHYR}/runs/${run}/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${stage.world.keys.carol}\r\n\r\n`)
    await eventually(() => expect(sockets[0]?.writableNeedDrain).toBe(true))

    const giveBack = await remove('carol', 'acme/zephyr')
    await eventually(() => expect(sockets[0]?.destroyed).toBe(true))
    expect(lines.filter(({ msg }) => msg === 'the stream was broken off')).toEqual([expect.objectContaining({ end: 'cut', run_id: run })])
    expect(await (await ambit.fetch(new Request('http://ambit.test/metrics'))).text()).toContain('ambit_streams_ended_total{end="cut"} 1')
    await giveBack()
  })

  test('a reader of a scope’s events who reads nothing more is cut as well', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel(says('x')), limits: { scopeMs: 100, stallMs: 600_000 } })
    const response = await send(ambit, stage.world, 'carol', `${ZEPHYR}/events`)
    const events = must(response.body).getReader()
    onTestFinished(() => events.cancel().catch(() => {})) // it is broken by then
    await events.read()
    const first = events.read()
    await readStream(await post(stage, ambit, { who: 'carol', path: ZEPHYR, thread: freshThread() }))
    await first
    const giveBack = await remove('carol', 'acme/zephyr')
    await eventually(() => expect(lines.filter(({ msg }) => msg === 'the stream was broken off')).toEqual([expect.objectContaining({ end: 'cut' })]))
    await giveBack()
  })

  test('a project that an answer has read: its author’s run ends, and a reader who loses the project is cut', async () => {
    const { ambit, waiting, lines } = begin()
    const thread = freshThread()
    const authors = must((await post(stage, ambit, { who: 'ada', path: ACME, thread })).body).getReader()
    const early = await readUntil(authors, 'Half, ')
    const runId = runIdOf(parseStream(early))
    await send(ambit, stage.world, 'ada', `${ACME}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })
    const { id } = (await (await send(ambit, stage.world, 'ada', `${ACME}/threads/${thread}`)).json()) as { id: string }
    const carols = must((await send(ambit, stage.world, 'carol', `${ACME}/chat/${id}/stream`)).body).getReader()
    await readUntil(carols, 'Half, ')
    const giveCarol = await remove('carol', 'acme/zephyr')
    await expect(readRest(carols)).rejects.toThrow(BROKEN)
    expect(await stateOf(runId)).toMatchObject({ state: 'running' })
    const giveAda = await remove('ada', 'acme/zephyr')
    expect(parseStream(early + (await readRest(authors))).chunks.at(-1)).toEqual(CHANGED)
    expect(await logged(lines, 'the run was ended')).toMatchObject({ lost: 'read_project' })
    waiting.open()
    await giveCarol()
    await giveAda()
  })

  test('a key that is revoked or expires ends the runs that it started and cuts their readers; another key of the same person goes on', async () => {
    const { ambit, waiting, lines } = begin()
    const mint = () => stage.database.handles.operator((sql) => createKey(sql, { orgId: orgId(), personId: 'bob', expiresInDays: null }, newId))
    const ask = async (key: string) => {
      const body = JSON.stringify(question(freshThread(), 'Go on.'))
      const response = await ambit.fetch(
        new Request(`http://ambit.test${APOLLO}/chat`, { method: 'POST', body, headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } }),
      )
      const reader = must(response.body).getReader()
      return { reader, early: await readUntil(reader, 'Half, ') }
    }
    const events = async (key: string) =>
      must((await ambit.fetch(new Request(`http://ambit.test${APOLLO}/events`, { headers: { authorization: `Bearer ${key}` } }))).body).getReader()
    const [revoked, expires, stays] = [await mint(), await mint(), await mint()]
    const [one, two, three] = [await ask(revoked), await ask(expires), await ask(stays)]
    const [cut, goesOn] = [await events(revoked), await events(stays)]
    const prefixOf = (key: string) => key.slice('ambit_'.length, 'ambit_'.length + 12)
    await stage.database.handles.operator((sql) => revokeKey(sql, prefixOf(revoked)))
    await superuser('update ambit.api_keys set expires_at = now() where prefix = $1', [prefixOf(expires)])
    for (const { reader, early } of [one, two]) expect(parseStream(early + (await readRest(reader))).chunks.at(-1)).toEqual(CHANGED)
    await expect(readRest(cut)).rejects.toThrow(BROKEN)
    await eventually(() => expect(lines.filter(({ msg }) => msg === 'the run was ended').map(({ lost }) => lost)).toEqual(['credential', 'credential']))
    waiting.open()
    expect(parseStream(three.early + (await readRest(three.reader))).chunks.at(-1)).toMatchObject({ type: 'finish' })
    await readUntil(goesOn, 'run_ended')
    await goesOn.cancel()
  })

  const place: Place = { id: 'host-1', slug: 'acme', name: 'Acme' }
  const asBob = async () => ({ subject: 'bob', kind: 'person' as const })

  test('many runs of one person are one question, and where its version stays the directory is not asked for the projects again', async () => {
    const asked = { bob: 0, carol: 0 }
    let listed = 0
    const directory: Directory = {
      async access({ subject }) {
        asked[subject as keyof typeof asked] += 1
        return { role: 'member', org: place, version: 'v1' }
      },
      async projects() {
        listed += 1
        return []
      },
    }
    const { waiting, model } = held()
    const { ambit } = stage.start({ model, directory, authenticate: asBob, limits: { scopeMs: 100 } })
    const open = async (subject: string) => {
      const context = await ambit.resolveChatScope({ subject, kind: 'person' }, { org: 'acme' })
      if (!context.ok) throw new Error(context.code)
      return ambit.openRun(context, { thread: null, trigger: 'submit', message: { clientId: null, text: 'Go on.' }, messageId: null, model: null })
    }
    // Carol's one run is the clock: what is asked for her is asked once a turn.
    const runs = await Promise.all([open('carol'), ...Array.from({ length: 20 }, () => open('bob'))])
    expect(runs.filter(({ ok }) => ok)).toHaveLength(21)
    await eventually(() => expect(model.calls).toHaveLength(21))
    const before = { ...asked, listed }
    await eventually(() => expect(asked.carol - before.carol).toBeGreaterThan(3))
    expect(Math.abs(asked.bob - before.bob - (asked.carol - before.carol))).toBeLessThanOrEqual(1)
    expect(listed).toBe(before.listed)
    waiting.open()
    await eventually(async () => {
      for (const run of runs) expect(run.ok && (await stateOf(run.run.id))?.state).toBe('completed')
    })
  })

  test('a directory that hangs or fails cuts nobody', async () => {
    let state: 'answers' | 'hangs' | 'fails' = 'answers'
    let asked = 0
    const hanging = Promise.withResolvers<null>()
    const directory: Directory = {
      async access() {
        asked += 1
        if (state === 'hangs') return hanging.promise
        if (state === 'fails') throw new Error('the directory is away')
        return { role: 'member', org: place }
      },
      projects: async () => [],
    }
    const { waiting, model } = held()
    const { ambit, lines } = stage.start({ model, directory, authenticate: asBob, limits: { scopeMs: 50 } })
    const reader = must((await post(stage, ambit, { path: ACME, thread: freshThread() })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const warned = () => lines.filter(({ msg }) => msg === 'a scope in use could not be asked for again; what uses it goes on').length
    state = 'fails'
    await eventually(() => expect(warned()).toBe(2)) // of the run and of its reader
    const before = asked
    state = 'hangs'
    await eventually(() => expect(asked).toBeGreaterThanOrEqual(before + 2))
    waiting.open()
    expect(parseStream(early + (await readRest(reader))).chunks.at(-1)).toMatchObject({ type: 'finish' })
    hanging.resolve(null)
  })
})
