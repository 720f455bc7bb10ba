import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { offlineModel } from '../../src/index.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { ACME, APOLLO, ask, said, startAmbit } from '../support/client.ts'
import type { TestAmbit } from '../support/client.ts'
import { plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

describe.each(databaseKinds)('an answer on $name', (kind) => {
  let database: TestDatabase
  let world: World
  let running: TestAmbit
  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
    running = startAmbit(database, { model: offlineModel({ delayMs: 0 }) })
  })
  afterAll(async () => {
    await running.ambit.close()
    await database.drop()
  })

  test('in a project: searched, read, said, cited, and ended once', async () => {
    const { chunks, done, ids } = await ask(running.ambit, world, 'bob', APOLLO, 'one', 'When does Apollo launch?')
    expect(said(chunks)).toContain('14 September')
    expect(chunks.filter((chunk) => chunk.type === 'source-document').map((chunk) => chunk.title)).toEqual(['Launch plan'])
    expect(chunks[0]?.type).toBe('start')
    expect(chunks.at(-1)?.type).toBe('finish')
    expect(done).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('in the organisation: from its own documents', async () => {
    const { chunks } = await ask(running.ambit, world, 'ada', ACME, 'two', 'What is the hotel limit per night?')
    expect(said(chunks)).toContain('165 euros')
  })
})
