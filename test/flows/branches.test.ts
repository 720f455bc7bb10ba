import { describe, expect, test } from 'vitest'
import { ambitTransport } from '../../src/client.ts'
import type { Ambit } from '../../src/index.ts'
import { ACME, APOLLO, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import type { ScriptedModel } from '../support/scripted-model.ts'
import { answerTo, assistantTexts, freshThread, must, read, useStage, userTexts } from '../support/stage.ts'
import type { StoredMessage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

interface Branched extends StoredMessage {
  readonly metadata: { readonly ambit: StoredMessage['metadata']['ambit'] & { readonly siblings: readonly string[] } }
}

/** Answers with the number of the call. */
const counting = (): ScriptedModel => {
  let calls = 0
  return scriptedModel(() => says(`A${(calls += 1)}`))
}

describe.each(databaseKinds)('branches of a thread, on $name', (kind) => {
  const stage = useStage(kind)
  const path = (thread: string, query = '', place = APOLLO) => `${place}/threads/${thread}/messages${query}`

  async function say(ambit: Ambit, thread: string, text: string, extra: object = {}): Promise<string> {
    const response = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { ...question(thread, text, `${thread}${text}`), ...extra } })
    expect(response.status).toBe(200)
    const streamed = await readStream(response)
    expectSound(streamed)
    return said(streamed.chunks)
  }

  const regenerate = async (ambit: Ambit, thread: string, extra: object = {}) =>
    said((await readStream(await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { id: thread, trigger: 'regenerate-message', ...extra } }))).chunks)

  async function list(ambit: Ambit, thread: string, query = ''): Promise<readonly Branched[]> {
    return (await read<{ messages: Branched[] }>(stage, ambit, 'bob', path(thread, query))).messages
  }

  const textOf = (message: StoredMessage) => String(message.parts.find((part) => part['type'] === 'text')?.['text'])
  const texts = async (ambit: Ambit, thread: string, query = '?branch=chosen') => (await list(ambit, thread, query)).map(textOf)
  const find = (messages: readonly Branched[], text: string) => must(messages.find((message) => textOf(message) === text))

  function choose(ambit: Ambit, thread: string, head: string, who: PersonName = 'bob'): Promise<Response> {
    return send(ambit, stage.world, who, `${APOLLO}/threads/${thread}`, { method: 'PATCH', body: { head } })
  }

  /** Q1 (A1, A4) · below A1: Q2 A2, and its edit Q2b A3. The last said is A4. */
  async function grown(model = counting()): Promise<{ ambit: Ambit; thread: string; model: ScriptedModel }> {
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    await say(ambit, thread, 'Q1')
    await say(ambit, thread, 'Q2')
    await say(ambit, thread, 'Q2b', { messageId: `${thread}Q2` })
    await regenerate(ambit, thread, { messageId: find(await list(ambit, thread), 'A1').id })
    return { ambit, thread, model }
  }

  test('can be listed: all, the chosen one, and the one through any message, each with what stands beside it', async () => {
    const { ambit, thread } = await grown()
    const all = await list(ambit, thread)
    expect(all.map(textOf)).toEqual(['Q1', 'A1', 'Q2', 'A2', 'Q2b', 'A3', 'A4'])
    const ids = (...which: string[]) => which.map((text) => find(all, text).metadata.ambit.id)
    for (const group of [['Q1'], ['A1', 'A4'], ['Q2', 'Q2b'], ['A2'], ['A3']]) {
      for (const text of group) expect(find(all, text).metadata.ambit.siblings).toEqual(ids(...group))
    }
    expect(await texts(ambit, thread)).toEqual(['Q1', 'A4'])
    for (const [through, branch] of [['Q1', ['Q1', 'A4']], ['A1', ['Q1', 'A1', 'Q2b', 'A3']], ['Q2', ['Q1', 'A1', 'Q2', 'A2']], ['A4', ['Q1', 'A4']]] as const) {
      expect(await texts(ambit, thread, `?branch=${find(all, through).metadata.ambit.id}`)).toEqual(branch)
    }
    expect(await texts(ambit, thread, `?branch=${thread}Q2`)).toEqual(['Q1', 'A1', 'Q2', 'A2'])
    expect((await list(ambit, thread, `?branch=${thread}Q2`))[1]?.metadata.ambit.siblings).toEqual(ids('A1', 'A4'))
    const firstPage = await read<{ messages: Branched[]; next: string }>(stage, ambit, 'bob', path(thread, `?branch=${thread}Q2&limit=3`))
    expect(firstPage.messages.map(textOf)).toEqual(['Q1', 'A1', 'Q2'])
    expect(await texts(ambit, thread, `?branch=${thread}Q2&limit=3&after=${firstPage.next}`)).toEqual(['A2'])
  })

  test('are followed by what is said next: the chosen one, which is the last that was said, until another is chosen', async () => {
    const { ambit, thread, model } = await grown()
    const all = await list(ambit, thread)
    const told = () => ({ user: userTexts(model.calls.at(-1)), assistant: assistantTexts(model.calls.at(-1)) })
    await say(ambit, thread, 'Q3')
    expect(told()).toEqual({ user: ['Q1', 'Q3'], assistant: ['A4'] })
    const chosen = await choose(ambit, thread, find(all, 'A1').id)
    expect(await chosen.json()).toMatchObject({ head: find(all, 'A3').metadata.ambit.id })
    expect(await texts(ambit, thread)).toEqual(['Q1', 'A1', 'Q2b', 'A3'])
    await say(ambit, thread, 'Q4')
    expect(told()).toEqual({ user: ['Q1', 'Q2b', 'Q4'], assistant: ['A1', 'A3'] })
    await choose(ambit, thread, `${thread}Q2`)
    expect(await regenerate(ambit, thread)).toBe('A7')
    expect(told()).toEqual({ user: ['Q1', 'Q2'], assistant: ['A1'] })
    expect(await texts(ambit, thread)).toEqual(['Q1', 'A1', 'Q2', 'A7'])
    await say(ambit, thread, 'Q5')
    expect(told()).toEqual({ user: ['Q1', 'Q2', 'Q5'], assistant: ['A1', 'A7'] })
  })

  test('can be gone on with by a message that says which answer it follows', async () => {
    const { ambit, thread, model } = await grown()
    const all = await list(ambit, thread)
    await say(ambit, thread, 'Q3', { parentId: find(all, 'A2').id })
    expect(userTexts(model.calls.at(-1))).toEqual(['Q1', 'Q2', 'Q3'])
    expect(assistantTexts(model.calls.at(-1))).toEqual(['A1', 'A2'])
    expect(await texts(ambit, thread)).toEqual(['Q1', 'A1', 'Q2', 'A2', 'Q3', 'A5'])
    const before = await list(ambit, thread)
    const other = freshThread()
    await say(ambit, other, 'Other')
    const foreign = find(await list(ambit, other), 'A6').id
    for (const parentId of [`${thread}Q2`, foreign, 'msg_never']) {
      for (const name of [thread, freshThread()]) {
        const response = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { ...question(name, 'Q9', 'q9'), parentId } })
        expect(response.status).toBe(404)
      }
    }
    expect(await list(ambit, thread)).toEqual(before)
  })

  test('are chosen by whoever may write in the thread; a message of elsewhere is not there', async () => {
    const { ambit, thread } = await grown()
    const all = await list(ambit, thread)
    const { id } = await read<{ id: string }>(stage, ambit, 'bob', `${APOLLO}/threads/${thread}`)
    const a2 = find(all, 'A2').id
    expect((await choose(ambit, id, a2, 'ada')).status).toBe(404)
    await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })
    const at = await read<{ updated_at: string }>(stage, ambit, 'bob', `${APOLLO}/threads/${thread}`)
    expect(await (await choose(ambit, id, a2, 'ada')).json()).toMatchObject({ head: a2, updated_at: at.updated_at })
    expect((await choose(ambit, id, a2, 'dave')).status).toBe(403)
    const other = freshThread()
    await say(ambit, other, 'Other')
    for (const head of [find(await list(ambit, other), 'A5').id, 'msg_never', `${thread}never`]) expect((await choose(ambit, id, head)).status).toBe(404)
    // Of a request that asks for more than it may, nothing is done.
    const mixed = await send(ambit, stage.world, 'ada', `${APOLLO}/threads/${id}`, { method: 'PATCH', body: { head: find(all, 'A4').id, title: 'Mine' } })
    expect(mixed.status).toBe(403)
    expect(await read(stage, ambit, 'bob', `${APOLLO}/threads/${id}`)).toMatchObject({ head: a2, title: 'Q1' })
    for (const query of ['?branch=', '?branch=a%20b']) expect((await send(ambit, stage.world, 'bob', path(thread, query))).status).toBe(400)
    for (const query of ['?branch=msg_never', `?branch=${find(await list(ambit, other), 'A5').id}`]) expect((await send(ambit, stage.world, 'bob', path(thread, query))).status).toBe(404)
  })

  test('are loaded by the client as they were chosen', async () => {
    const { ambit, thread } = await grown()
    await choose(ambit, thread, `${thread}Q2`)
    const transport = ambitTransport({
      url: 'http://ambit.test', org: 'acme', project: 'apollo',
      headers: { authorization: `Bearer ${stage.world.keys.bob}` },
      fetch: (url, init) => ambit.fetch(new Request(url, init)),
    })
    const loaded = await transport.load(thread)
    expect(loaded.map((message) => message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])))).toEqual([['Q1'], ['A1'], ['Q2'], ['A2']])
  })

  test('keep an answer that the reader may not see as a gap, in the list and in what the model is told', async () => {
    const search = callsTools(['search_documents', { query: 'price for Kestrel' }])
    const model = scriptedModel(says('A1'), search, says('Secret.'), says('A3'), says('A4'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    await answerTo(stage, ambit, { path: ACME, thread, text: 'Q1' })
    const { id } = (await (await send(ambit, stage.world, 'bob', `${ACME}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })).json()) as { id: string }
    await answerTo(stage, ambit, { who: 'ada', path: ACME, thread: id, text: 'Q2' })
    const bob = async (text: string, extra: object = {}) => {
      const response = await send(ambit, stage.world, 'bob', `${ACME}/chat`, { body: { ...question(id, text, text), ...extra } })
      expectSound(await readStream(response))
    }
    await bob('Q3')
    expect(userTexts(model.calls[3])).toEqual(['Q1', 'Q2', 'Q3'])
    expect(assistantTexts(model.calls[3])).toEqual(['A1', '(This message is hidden: it holds what the person may not see.)'])
    const { messages } = await read<{ messages: Branched[] }>(stage, ambit, 'bob', path(id, '?branch=chosen', ACME))
    expect(messages.map((message) => [message.role, message.metadata.ambit.hidden])).toEqual([
      ['user', false], ['assistant', false], ['user', false], ['assistant', true], ['user', false], ['assistant', false],
    ])
    for (const message of messages) expect(message.metadata.ambit.siblings).toEqual([message.metadata.ambit.id])
    // Below the answer before the gap there is no gap.
    await bob('Q3b', { parentId: must(messages[1]).metadata.ambit.id })
    expect(userTexts(model.calls[4])).toEqual(['Q1', 'Q3b'])
    expect(assistantTexts(model.calls[4])).toEqual(['A1'])
    expect(JSON.stringify(model.calls.slice(3))).not.toContain('Secret')
  })

  test('of a thread from before there was a choice end in its newest message', async () => {
    const { ambit, thread, model } = await grown()
    await stage.database.superuser.transaction('', (sql) => sql.query('update ambit.threads set head_id = null where alias = $1', [thread]))
    expect(await read(stage, ambit, 'bob', `${APOLLO}/threads/${thread}`)).toMatchObject({ head: null })
    expect(await texts(ambit, thread)).toEqual(['Q1', 'A4'])
    await say(ambit, thread, 'Q3')
    expect(userTexts(model.calls.at(-1))).toEqual(['Q1', 'Q3'])
  })

  test('of a long thread have an end, and come page by page', async () => {
    const { ambit, thread } = await grown()
    await stage.database.superuser.transaction('', async (sql) => {
      const { rows } = await sql.query<{ id: string; org_id: string; project_id: string }>('select id, org_id, project_id from ambit.threads where alias = $1', [thread])
      const { id, org_id: org, project_id: project } = must(rows[0])
      const first = await sql.query<{ id: string }>('select id from ambit.messages where thread_id = $1 and number = 7', [id])
      await sql.query(
        `insert into ambit.messages (org_id, project_id, thread_id, id, number, parent_id, role, author_id)
         select $1, $2, $3, 'deep' || n, 7 + n, case n when 1 then $4 else 'deep' || (n - 1) end, case n % 2 when 1 then 'user' else 'assistant' end, 'bob'
         from generate_series(1, 400) n`,
        [org, project, id, must(first.rows[0]).id],
      )
      await sql.query('update ambit.threads set next_number = 500 where id = $1', [id])
    })
    expect(await (await choose(ambit, thread, `${thread}Q1`)).json()).toMatchObject({ head: 'deep400' })
    const page = await read<{ messages: Branched[]; next: string }>(stage, ambit, 'bob', path(thread, '?branch=chosen&limit=200'))
    expect([page.messages.length, page.messages.at(-1)?.id, page.next]).toEqual([200, 'deep198', '205'])
    const rest = await list(ambit, thread, '?branch=chosen&limit=200&after=405')
    expect(rest.map((message) => message.id)).toEqual(['deep399', 'deep400'])
  })
})
