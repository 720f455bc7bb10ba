import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { join } from '../../src/lib/directory/create-place.ts'
import { deleteMembership, insertProject } from '../../src/lib/store/directory-rows.ts'
import { ACME, ask, parseStream, question, said, send, startAmbit } from '../support/client.ts'
import type { TestAmbit } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { callsTools, gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { ScriptedModel } from '../support/scripted-model.ts'
import { assistantTexts, freshThread, must, readRest, readUntil, runIdOf } from '../support/stage.ts'
import type { StoredMessage, StoredRun } from '../support/stage.ts'
import { plantWorld } from '../support/world.ts'
import type { PersonName, World } from '../support/world.ts'

// An answer in the organisation's thread may carry what not all of its readers may see. Zephyr is Ada's and Carol's, not Bob's.

/** More projects than a run is told of: what else a run reads, it reads by tool, in mid-run. Their ids come first. */
const PUBLIC_PROJECTS = 105
const CANARY = 'CNRY-acme-zephyr'
const ANSWER = `The price for Kestrel is 41.5 million. ${CANARY}`
const search = ['search_documents', { query: 'price for Kestrel' }] as const

describe.each(databaseKinds)('the read set on $name', (kind) => {
  let database: TestDatabase
  let world: World
  let running: TestAmbit

  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
    const orgId = must(world.ids['acme'])
    await database.handles.operator(async (sql) => {
      for (let n = 100; n < 100 + PUBLIC_PROJECTS; n += 1) {
        await insertProject(sql, { orgId, id: `filler-${n}`, slug: `filler-${n}`, name: `Filler ${n}`, about: '', visibility: 'organisation' })
      }
    })
  })
  afterAll(() => database.drop())
  afterEach(async () => {
    await running.ambit.close({ graceMs: 0 })
    await setZephyr('ada', true)
  })

  async function setZephyr(who: PersonName, member: boolean): Promise<void> {
    const membership = { orgId: must(world.ids['acme']), projectId: must(world.ids['acme/zephyr']) }
    await database.handles.operator((sql) =>
      member ? join(sql, { ...membership, role: 'member', person: { id: who, name: who } }) : deleteMembership(sql, { ...membership, personId: who }),
    )
  }

  const get = (who: PersonName, path: string) => send(running.ambit, world, who, `${ACME}${path}`)
  const read = async <T>(who: PersonName, path: string): Promise<T> => {
    const response = await get(who, path)
    expect([who, path, response.status]).toEqual([who, path, 200])
    return (await response.json()) as T
  }
  const messagesOf = async (who: PersonName, thread: string) => (await read<{ messages: StoredMessage[] }>(who, `/threads/${thread}/messages`)).messages

  /** A thread of Ada's that everybody in the organisation sees, in which nothing was said that is not for all. */
  async function sharedThread(model: ScriptedModel): Promise<string> {
    running = startAmbit(database, { model })
    const alias = freshThread()
    await ask(running.ambit, world, 'ada', ACME, alias, 'Good morning!')
    const { id } = await read<{ id: string }>('ada', `/threads/${alias}`)
    const shared = await send(running.ambit, world, 'ada', `${ACME}/threads/${id}`, { method: 'PATCH', body: { shared: true } })
    expect(await shared.json()).toMatchObject({ id, shared: true })
    return id
  }

  const promptOf = (call: LanguageModelV4CallOptions | undefined): string => JSON.stringify(must(call).prompt)

  test('hides an answer from those who may not see all it has read, and from the model that answers them', async () => {
    const model = scriptedModel(says('Good morning.'), callsTools(search), says(ANSWER), says('Bob is answered.'), says('Carol is answered.'), says('Ada is answered.'))
    const thread = await sharedThread(model)
    const answered = await ask(running.ambit, world, 'ada', ACME, thread, 'What does it cost?')
    expect(said(answered.chunks)).toBe(ANSWER)
    const runId = runIdOf(answered)

    // Who may see zephyr sees it all.
    for (const who of ['ada', 'carol'] as const) {
      const messages = await messagesOf(who, thread)
      expect(messages.map((message) => message.metadata.ambit.hidden)).toEqual([false, false, false, false])
      expect(JSON.stringify(messages.at(-1)?.parts)).toContain(CANARY)
      expect((await read<StoredRun>(who, `/runs/${runId}`)).steps).toHaveLength(2)
    }

    // Bob sees the thread, the first turn, the question, and that there was an answer.
    const messages = await messagesOf('bob', thread)
    expect(messages.map((message) => message.metadata.ambit.hidden)).toEqual([false, false, false, true])
    expect(messages.map((message) => message.role)).toEqual(['user', 'assistant', 'user', 'assistant'])
    expect(JSON.stringify(messages[1]?.parts)).toContain('Good morning.')
    expect(JSON.stringify(messages[2]?.parts)).toContain('What does it cost?')
    expect(messages[3]).toMatchObject({ parts: [], metadata: { ambit: { author_id: 'ada', parent_id: messages[2]?.metadata.ambit.id, run: { id: runId, state: 'completed' } } } })
    expect(await read<StoredRun>('bob', `/runs/${runId}`)).toMatchObject({ id: runId, state: 'completed', steps: [] })
    const everything = await Promise.all(['/threads', `/threads/${thread}`, `/threads/${thread}/messages`, '/runs', `/runs/${runId}`].map(async (path) => (await get('bob', path)).text()))
    expect(everything.join()).not.toMatch(/CNRY|Kestrel|41\.5|zephyr/i)
    expect(everything.join()).not.toContain(must(world.ids['acme/zephyr']))

    // The model that answers Bob is told of a hidden message and not of its words; the one that answers Carol is told all.
    await ask(running.ambit, world, 'bob', ACME, thread, 'And what did she say?')
    const toldForBob = model.calls.at(-1)
    expect(promptOf(toldForBob)).not.toMatch(/CNRY-acme-zephyr|Kestrel|41\.5|zephyr/i)
    expect(assistantTexts(toldForBob)).toEqual(['Good morning.', expect.stringContaining('hidden')])
    await ask(running.ambit, world, 'carol', ACME, thread, 'And to me?')
    expect(promptOf(model.calls.at(-1))).toContain(CANARY)
    // What Bob was told was for all, so all see it.
    expect((await messagesOf('carol', thread)).at(5)).toMatchObject({ parts: expect.arrayContaining([expect.objectContaining({ text: 'Bob is answered.' })]) })

    // Who loses zephyr loses the answer too, though it was her own.
    await setZephyr('ada', false)
    expect((await messagesOf('ada', thread)).at(3)).toMatchObject({ parts: [], metadata: { ambit: { hidden: true } } })
    expect((await read<StoredRun>('ada', `/runs/${runId}`)).steps).toEqual([])
    await ask(running.ambit, world, 'ada', ACME, thread, 'What did it cost, again?')
    expect(promptOf(model.calls.at(-1))).not.toMatch(/CNRY-acme-zephyr|Kestrel|41\.5/)
    expect(assistantTexts(model.calls.at(-1))).toContainEqual(expect.stringContaining('hidden'))
    await setZephyr('ada', true)
    expect(JSON.stringify((await messagesOf('ada', thread)).at(3)?.parts)).toContain(CANARY)
  })

  test('grows in mid-run: who may not follow is cut before the first byte of it', async () => {
    const [beforeCall, beforeAnswer] = [gate(), gate()]
    const model = scriptedModel(
      says('Good morning.'),
      [
        { type: 'text-start', id: '0' },
        { type: 'text-delta', id: '0', delta: 'Let me look.' },
        beforeCall.opened,
        ...callsTools(search),
      ],
      [beforeAnswer.opened, ...says(ANSWER)],
    )
    const thread = await sharedThread(model)
    const asked = await send(running.ambit, world, 'ada', `${ACME}/chat`, { body: question(thread, 'What does it cost?') })
    const readers = await Promise.all(
      (['bob', 'carol', 'ada'] as const).map(async (who) => {
        const response = who === 'ada' ? asked : await get(who, `/chat/${thread}/stream`)
        expect([who, response.status]).toEqual([who, 200])
        const reader = must(response.body).getReader()
        return { reader, begun: await readUntil(reader, 'Let me look.') }
      }),
    )
    beforeCall.open()
    const [bob, carol, ada] = readers.map(({ reader }) => reader)
    // Cut, and not ended: a stream that just ends reads as a whole answer.
    await expect(readRest(must(bob))).rejects.toThrow('without a terminal one')
    await vi.waitFor(() => expect(model.calls).toHaveLength(3))

    // He comes back, and there is nothing; he asks, and it is busy. The others go on.
    expect((await get('bob', `/chat/${thread}/stream`)).status).toBe(204)
    const refused = await send(running.ambit, world, 'bob', `${ACME}/chat`, { body: question(thread, 'And me?') })
    expect(refused.status).toBe(409)
    expect(await refused.text()).not.toMatch(/zephyr|CNRY|Kestrel/i)
    const again = await get('carol', `/chat/${thread}/stream`)
    expect(again.status).toBe(200)
    beforeAnswer.open()
    const whole = parseStream(await again.text())
    expect(whole.chunks.at(-1)?.type).toBe('finish')
    expect(whole.text).toContain(CANARY)
    for (const reader of [carol, ada]) expect(await readRest(must(reader))).toContain(CANARY)
    expect(JSON.stringify((await messagesOf('bob', thread)).at(-1)?.parts)).toBe('[]')
  })

  test('grows in mid-run: not one byte of the tool’s output reaches who may not see it', async () => {
    const beforeCall = gate()
    const thread = await sharedThread(
      scriptedModel(says('Good morning.'), [{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Let me look.' }, beforeCall.opened, ...callsTools(search)], says(ANSWER)),
    )
    const asked = await send(running.ambit, world, 'ada', `${ACME}/chat`, { body: question(thread, 'What does it cost?') })
    const seen: string[] = []
    const response = await get('bob', `/chat/${thread}/stream`)
    const following = (async () => {
      for await (const bytes of must(response.body).pipeThrough(new TextDecoderStream())) seen.push(bytes)
    })()
    await vi.waitFor(() => expect(seen.join('')).toContain('Let me look.'))
    beforeCall.open()
    await expect(following).rejects.toThrow('without a terminal one')
    expect(await asked.text()).toContain(CANARY)
    expect(seen.join('')).not.toMatch(/CNRY|41\.5|Acquisition|tool-output/)
    const { chunks } = parseStream(seen.join(''))
    expect(chunks.filter((chunk) => chunk.type === 'finish' || chunk.type === 'abort' || chunk.type === 'error')).toEqual([])
  })

  test('a run whose person loses what it has read ends with one error, and its record is kept', async () => {
    const held = gate()
    const thread = await sharedThread(
      scriptedModel(
        says('Good morning.'),
        callsTools(search),
        [{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'One more look.' }, held.opened, { type: 'text-end', id: '0' }, ...callsTools(search)],
        says(ANSWER),
      ),
    )
    const asked = await send(running.ambit, world, 'ada', `${ACME}/chat`, { body: question(thread, 'What does it cost?') })
    const reader = must(asked.body).getReader()
    const begun = await readUntil(reader, 'One more look.')
    await setZephyr('ada', false)
    held.open()
    const rest = await readRest(reader)
    const { chunks, done } = parseStream(begun + rest)
    expect(chunks.filter((chunk) => chunk.type === 'finish' || chunk.type === 'abort' || chunk.type === 'error')).toEqual([
      { type: 'error', errorText: expect.stringContaining('changed') },
    ])
    expect(chunks.at(-1)?.type).toBe('error')
    expect(done).toBe(true)
    const runId = must(chunks.flatMap((chunk) => (chunk.type === 'start' ? [chunk.messageMetadata as { ambit: { run: string } }] : []))[0]).ambit.run
    expect(await read<StoredRun>('ada', `/runs/${runId}`)).toMatchObject({ state: 'failed', error_code: 'scope_changed', steps: [] })
    // Narrowing takes reads, not the pen: what was said stands there for whoever may see it.
    // The model's part of the second step was over, and is kept; its call had no effect, and no outcome but the end of the run.
    expect(await read<StoredRun>('carol', `/runs/${runId}`)).toMatchObject({ error_code: 'scope_changed', steps: [{ number: 1 }, { number: 2 }] })
    expect(rest).not.toContain('tool-output-available')
    expect(JSON.stringify((await messagesOf('carol', thread)).at(-1)?.parts)).toContain('One more look.')
    expect((await messagesOf('ada', thread)).at(-1)).toMatchObject({ parts: [], metadata: { ambit: { hidden: true } } })
  })

  test('a thread that is taken back while a colleague reads along: he gets nothing that is said after', async () => {
    const held = gate()
    const thread = await sharedThread(scriptedModel(says('Good morning.')))
    await running.ambit.close({ graceMs: 0 })
    running = startAmbit(database, { limits: { scopeMs: 50 }, model: scriptedModel([...says('Well, ').slice(0, 3), held.opened, ...says('this is mine alone.')]) })
    const asked = await send(running.ambit, world, 'ada', `${ACME}/chat`, { body: question(thread, 'And now?') })
    const author = must(asked.body).getReader()
    const reader = must((await get('carol', `/chat/${thread}/stream`)).body).getReader()
    expect(await readUntil(reader, 'Well, ')).not.toContain('alone')
    await readUntil(author, 'Well, ')
    await send(running.ambit, world, 'ada', `${ACME}/threads/${thread}`, { method: 'PATCH', body: { shared: false } })
    await expect(readRest(reader)).rejects.toThrow('without a terminal one')
    held.open()
    expect(await readRest(author)).toContain('this is mine alone.')
    expect((await get('carol', `/chat/${thread}/stream`)).status).toBe(204)
  })

  test('a thread that is taken back while a colleague’s run is in it: the run goes on to its end', async () => {
    const held = gate()
    const thread = await sharedThread(scriptedModel(says('Good morning.'), [{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Well, ' }, held.opened, ...callsTools(['list_projects', {}])], says('this is for Bob.')))
    const asked = await send(running.ambit, world, 'bob', `${ACME}/chat`, { body: question(thread, 'May I?') })
    const reader = must(asked.body).getReader()
    const begun = await readUntil(reader, 'Well, ')
    const takenBack = await send(running.ambit, world, 'ada', `${ACME}/threads/${thread}`, { method: 'PATCH', body: { shared: false } })
    expect(takenBack.status).toBe(200)
    expect((await get('bob', `/threads/${thread}`)).status).toBe(404)
    held.open()
    const { chunks, done } = parseStream(begun + (await readRest(reader)))
    expect(done).toBe(true)
    expect(chunks.at(-1)?.type).toBe('finish')
    const messages = await messagesOf('ada', thread)
    expect(messages.at(-1)).toMatchObject({ metadata: { ambit: { author_id: 'bob', hidden: false, run: { state: 'completed' } } } })
    expect(JSON.stringify(messages.at(-1)?.parts)).toContain('this is for Bob.')
    const runId = must(messages.at(-1)?.metadata.ambit.run).id
    expect(await read<StoredRun>('bob', `/runs/${runId}`)).toMatchObject({ state: 'completed', steps: [{ number: 1 }, { number: 2 }] })
    expect((await get('carol', `/runs/${runId}`)).status).toBe(404)
  })
})
