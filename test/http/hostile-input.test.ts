import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACME, APOLLO, ask, question, readStream, send, startAmbit } from '../support/client.ts'
import type { TestAmbit } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

describe.each(databaseKinds)('text that a database does not take, on $name', (kind) => {
  let database: TestDatabase
  let world: World
  let running: TestAmbit
  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
    running = startAmbit(database, { model: scriptedModel(says('done')) })
  })
  afterAll(async () => {
    await running.ambit.close()
    await database.drop()
  })

  test.each(['%00', 'a%00b', '%ff', '..%2f', '%F0%9F%98%80', 'x'.repeat(129), '%ZZ', "'--"])('in the path: %s is an ordinary not-found', async (text) => {
    const expected = await send(running.ambit, world, 'bob', `${APOLLO}/threads/never`, { headers: { 'x-request-id': 'same' } })
    const response = await send(running.ambit, world, 'bob', `${APOLLO}/threads/${text}`, { headers: { 'x-request-id': 'same' } })
    expect([response.status, await response.text()]).toEqual([404, await expected.text()])
    expect((await send(running.ambit, world, 'bob', `/v1/orgs/${text}/threads`)).status).toBe(404)
    expect((await send(running.ambit, world, 'bob', `${APOLLO}/chat/${text}/stream`)).status).toBe(204)
  })

  test.each([['2026-02-30T00:00:00.000000Z thr_1'], ['0000-01-01T00:00:00.000000Z thr_1'], ['2026-01-01T00:00:00.000000Z a\0b'], ['\0']])(
    'in a page cursor: %j is malformed',
    async (cursor) => {
      const after = Buffer.from(cursor).toString('base64url')
      expect((await send(running.ambit, world, 'bob', `${ACME}/threads?after=${after}`)).status).toBe(400)
    },
  )

  test('in a message: taken, kept and titled', async () => {
    const text = 'one\0two \ud83d\ud800 three'
    const response = await send(running.ambit, world, 'bob', `${APOLLO}/chat`, { body: question('hostile', text, 'm1') })
    expect((await readStream(response)).chunks.at(-1)?.type).toBe('finish')
    const listed = await send(running.ambit, world, 'bob', `${APOLLO}/threads/hostile/messages`)
    const { messages } = (await listed.json()) as { messages: { parts: unknown }[] }
    expect(messages[0]?.parts).toEqual([{ type: 'text', text }])
    const thread = await send(running.ambit, world, 'bob', `${APOLLO}/threads/hostile`)
    expect(((await thread.json()) as { title: string }).title).toMatch(/^one two .* three$/u)
  })

  test('in the arguments of a model: an answer or an error, and the run goes on', async () => {
    const model = scriptedModel(callsTools(['search_documents', { query: 'apollo\0launch \ud800' }], ['read_document', { id: 'a\0b' }]), says('done'))
    const other = startAmbit(database, { model, node: 'other' })
    const { chunks } = await ask(other.ambit, world, 'bob', APOLLO, 'arguments', 'hello')
    await other.ambit.close()
    const outcomes = chunks.map((chunk) => chunk.type).filter((type) => type === 'tool-output-available' || type === 'tool-input-error')
    expect(outcomes).toEqual(['tool-input-error', 'tool-output-available'])
    expect(chunks.at(-1)?.type).toBe('finish')
  })
})
