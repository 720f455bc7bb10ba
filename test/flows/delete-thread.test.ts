import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import type { ScopeEvent } from '../../src/lib/wire/scope-event.ts'
import { listTenantTables } from '../support/catalogue.ts'
import { ACME, APOLLO, ZEPHYR, parseStream, question, readStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { callsTools, gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, post, read, runIdOf, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

interface Named {
  readonly id: string
  readonly title: string
}

const eventually = <T>(check: () => T) => vi.waitFor(check, 15_000)

describe.each(databaseKinds)('threads that are deleted, on $name', (kind) => {
  const stage = useStage(kind)
  const call = (ambit: Ambit, who: PersonName, path: string, method?: 'POST' | 'PATCH' | 'DELETE', body?: unknown) =>
    send(ambit, stage.world, who, path, { ...(method && { method }), ...(body !== undefined && { body }) })
  const threadOf = async (ambit: Ambit, thread: string) => (await read<Named>(stage, ambit, 'bob', `${APOLLO}/threads/${thread}`)).id
  const share = async (ambit: Ambit, thread: string) => expect((await call(ambit, 'bob', `${APOLLO}/threads/${thread}`, 'PATCH', { shared: true })).status).toBe(200)

  /** The events of a scope, as they come to somebody until the test is over. */
  async function follow(ambit: Ambit, who: PersonName, path = APOLLO) {
    const response = await send(ambit, stage.world, who, `${path}/events`)
    const reader = must(response.body).getReader()
    const got = { text: '' }
    const reading = (async () => {
      const decoder = new TextDecoder()
      try {
        for (let piece = await reader.read(); !piece.done; piece = await reader.read()) got.text += decoder.decode(piece.value, { stream: true })
      } catch {
        // its Ambit was closed
      }
    })()
    onTestFinished(() => reading)
    return () => parseStream(got.text).chunks as unknown as readonly ScopeEvent[]
  }

  /** Rows of any table that hold this id. */
  async function rowsWith(id: string): Promise<readonly string[]> {
    const tables = await listTenantTables(stage.database.superuser)
    const found = await stage.database.superuser.transaction('', async (sql) => {
      const counts = await Promise.all(tables.map(async (table) => (await sql.query(`select 1 from ambit.${table} t where t::text like '%' || $1 || '%'`, [id])).rows.length))
      return tables.filter((_, index) => (counts[index] ?? 0) > 0)
    })
    return found
  }

  test('go with all that was said and done in them, by their author alone', async () => {
    const model = scriptedModel(callsTools(['search_documents', { query: 'launch' }]), says('Soon [1].'), says('Yes.'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const run = runIdOf(await answerTo(stage, ambit, { thread, text: 'When?' }))
    const id = await threadOf(ambit, thread)
    await share(ambit, thread)
    const colleague = await send(ambit, stage.world, 'erin', `${APOLLO}/chat`, { body: question(id, 'Really?') })
    const other = runIdOf(await readStream(colleague))
    expect((await rowsWith(run)).toSorted()).toEqual(['calls', 'claims', 'events', 'frames', 'manifests', 'message_contents', 'read_sets', 'runs', 'steps'])
    const path = `${APOLLO}/threads/${id}`
    for (const who of ['erin', 'ada'] as const) expect([who, (await call(ambit, who, path, 'DELETE')).status]).toEqual([who, 403])
    expect((await call(ambit, 'dave', path, 'DELETE')).status).toBe(403)
    expect((await call(ambit, 'bob', `${ACME}/threads/${id}`, 'DELETE')).status).toBe(404)
    expect((await call(ambit, 'bob', `${APOLLO}/threads/${thread}`, 'DELETE')).status).toBe(204) // by his own word for it
    for (const one of [run, other]) expect(await rowsWith(one)).toEqual([])
    expect(await rowsWith(id)).toEqual(['events']) // the word that it is gone
    for (const gone of [path, `${path}/messages`, `${APOLLO}/runs/${run}`, `${APOLLO}/runs/${run}/events`, `${APOLLO}/runs/${other}`]) {
      expect([gone, (await call(ambit, 'bob', gone)).status]).toEqual([gone, 404])
    }
    expect((await call(ambit, 'bob', path, 'DELETE')).status).toBe(404)
    expect((await call(ambit, 'erin', path, 'DELETE')).status).toBe(404)
    // The word is free again: it begins another thread.
    await answerTo(stage, ambit, { thread, text: 'Once more?' })
    expect(await threadOf(ambit, thread)).not.toBe(id)
  })

  test('are not while an answer runs or waits in them', async () => {
    const held = gate()
    const { ambit } = stage.start({ model: scriptedModel([held.opened, ...says('Yes.')], says('Yes.')) })
    const thread = freshThread()
    const running = await post(stage, ambit, { thread, text: 'Now?' })
    const waiting = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { ...question(thread, 'And then?'), onActive: 'queue' } })
    const refused = await call(ambit, 'bob', `${APOLLO}/threads/${thread}`, 'DELETE')
    expect([refused.status, await refused.json()]).toMatchObject([409, { code: 'conflict', run: expect.stringMatching(/^run_/) as string, thread: await threadOf(ambit, thread) }])
    await waiting.body?.cancel()
    held.open()
    const run = runIdOf(await readStream(running))
    await vi.waitFor(async () => expect((await call(ambit, 'bob', `${APOLLO}/threads/${thread}`, 'DELETE')).status).toBe(204), 15_000)
    expect((await call(ambit, 'bob', `${APOLLO}/runs/${run}`)).status).toBe(404)
  })

  test('a request that is repeated with its key finds nothing, and begins nothing', async () => {
    const model = scriptedModel(says('Yes.'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const ask = () => send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(thread, 'Once?'), headers: { 'idempotency-key': `key-${thread}` } })
    await readStream(await ask())
    expect((await call(ambit, 'bob', `${APOLLO}/threads/${thread}`, 'DELETE')).status).toBe(204)
    const calls = model.calls.length
    expect([(await ask()).status, model.calls.length]).toEqual([404, calls])
  })

  test('are told to whoever saw them, and to nobody else; documents to everybody there', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    const [own, colleague, elsewhere] = [await follow(ambit, 'bob'), await follow(ambit, 'dave'), await follow(ambit, 'ada', ZEPHYR)]
    const [secret, open] = [freshThread(), freshThread()]
    for (const thread of [secret, open]) await answerTo(stage, ambit, { thread })
    await share(ambit, open)
    const [secretId, openId] = [await threadOf(ambit, secret), await threadOf(ambit, open)]
    for (const thread of [secret, open]) expect((await call(ambit, 'bob', `${APOLLO}/threads/${thread}`, 'DELETE')).status).toBe(204)
    const made = await call(ambit, 'bob', `${APOLLO}/documents`, 'POST', { title: 'New', body: '' })
    const { id: document } = (await made.json()) as Named
    await call(ambit, 'bob', `${APOLLO}/documents/${document}`, 'PATCH', { title: 'Newer' })
    await call(ambit, 'bob', `${APOLLO}/documents/${document}`, 'DELETE')
    const at = expect.any(String) as unknown
    const changed = { type: 'document_changed', document, at }
    const untilDocuments = (events: () => readonly ScopeEvent[]) => eventually(() => expect(events().filter(({ type }) => type === 'document_changed')).toEqual([changed, changed, changed]))
    await untilDocuments(own)
    await untilDocuments(colleague)
    const goneOf = (events: () => readonly ScopeEvent[]) => events().filter(({ type }) => type === 'thread_deleted')
    expect(goneOf(own)).toEqual([{ type: 'thread_deleted', thread: secretId, at }, { type: 'thread_deleted', thread: openId, at }])
    expect(goneOf(colleague)).toEqual([{ type: 'thread_deleted', thread: openId, at }])
    expect(elsewhere()).toEqual([])
  })

  test('lists are narrowed to the words of a title, and to one’s own', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Yes.')) })
    for (const title of ['Valves and Pumps', 'Pumps 100%', 'Über_Pumpen', 'Gaskets']) {
      const thread = freshThread()
      await answerTo(stage, ambit, { thread, text: title })
      await share(ambit, thread)
    }
    const erins = await send(ambit, stage.world, 'erin', `${APOLLO}/chat`, { body: question('erins', 'Pumps of Erin') })
    await readStream(erins)
    expect((await call(ambit, 'erin', `${APOLLO}/threads/erins`, 'PATCH', { shared: true })).status).toBe(200)
    const titles = async (query: string) => (await read<{ threads: Named[] }>(stage, ambit, 'bob', `${APOLLO}/threads?${query}`)).threads.map(({ title }) => title)
    const find = (query: string) => titles(`query=${encodeURIComponent(query)}`)
    expect(await find('pump')).toEqual(['Pumps of Erin', 'Über_Pumpen', 'Pumps 100%', 'Valves and Pumps'])
    expect(await find('PUMPS  valves')).toEqual(['Valves and Pumps'])
    expect([await find('100%'), await find('über_p'), await find('nothing'), await find('%'), await find('pumps\0and')]).toEqual([['Pumps 100%'], ['Über_Pumpen'], [], ['Pumps 100%'], ['Valves and Pumps']])
    expect(await titles('query=pump&author=me')).not.toContain('Pumps of Erin')
    const first = await read<{ threads: Named[]; next: string }>(stage, ambit, 'bob', `${APOLLO}/threads?query=pump&limit=3`)
    expect(first.threads).toHaveLength(3)
    expect(await titles(`query=pump&limit=3&after=${first.next}`)).toEqual(['Valves and Pumps'])
    for (const bad of ['query=', 'query=%20', `query=${'x'.repeat(201)}`, 'author=bob', 'author=']) {
      expect([bad, (await call(ambit, 'bob', `${APOLLO}/threads?${bad}`)).status]).toEqual([bad, 400])
    }
  })
})
