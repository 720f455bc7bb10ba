import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { ToolError, forDatabase } from '../../src/index.ts'
import { pgDatabase } from '../../src/pg.ts'
import { APOLLO, parseStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { openOwner } from '../support/examined.ts'
import { MAY_CREATE, exposed } from '../support/exposing.ts'
import { leaveBehind, rowsOf, callChunk } from '../support/left-behind.ts'
import { callsTools, gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, post, runIdOf, runOf, toolResults, useStage } from '../support/stage.ts'
import { OWNER } from '../support/templates.ts'

// A tool whose effect and whose record are one commit: in the host's tables, which are in Ambit's own PostgreSQL.
describe.each(databaseKinds.filter(({ name }) => name === 'PostgreSQL'))('a tool that commits with the ledger, on $name', (kind) => {
  const stage = useStage(kind)
  let pool: pg.Pool

  beforeAll(async () => {
    const { superuser } = stage.database
    await superuser.transaction('', (sql) => sql.script(`
      ${MAY_CREATE};
      create schema shop;
      create table shop.marks (org text not null, id text primary key);
      create index on shop.marks (org);
      alter schema shop owner to ${OWNER.user};
      alter table shop.marks owner to ${OWNER.user}`))
    const owner = await openOwner(stage.database, true)
    await exposed(owner, 'shop.marks', { orgColumn: 'org', everyProject: true, allow: ['select', 'insert'] })
    await owner.close()
    pool = new pg.Pool({ connectionString: String(stage.database.source), max: 2 }).on('error', () => {})
  })
  afterAll(() => pool?.end())

  function markTool(at: pg.Pool, then: () => Promise<unknown> = async () => {}) {
    const database = pgDatabase(at)
    const tool = forDatabase(database).defineTool({
      name: 'count', description: 'Leaves a mark.', input: z.object({}), effect: 'write', commit: 'with-ledger',
      async run(_, { db, idempotencyKey }) {
        await db.query('insert into ambit_host.marks (id) values ($1)', [idempotencyKey])
        await then()
        return { marked: idempotencyKey }
      },
    })
    return { database: database as never, tools: [tool as never] }
  }

  const marks = async (run: string) => (await stage.database.superuser.transaction('', (sql) => sql.query<{ id: string }>('select id from shop.marks where starts_with(id, $1)', [run]))).rows

  test('the effect and its outcome are there together', async () => {
    const model = scriptedModel(callsTools(['count', {}]), says('Done.'))
    const { ambit } = stage.start({ model, ...markTool(pool) })
    const run = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    expect(await marks(run)).toHaveLength(1)
    expect(await rowsOf(stage, 'calls', run)).toMatchObject([{ effect: 'with-ledger', state: 'done', outcome: expect.stringContaining('marked') as string }])
    expect(toolResults(model.calls[1])).toMatchObject([{ output: { type: 'json' } }])
  })

  test('a tool that fails has done nothing, and its record says so', async () => {
    const fails = () => Promise.reject(new ToolError('Not today.'))
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['count', {}]), says('Done.')), ...markTool(pool, fails) })
    const run = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    expect(await marks(run)).toHaveLength(0)
    expect(await rowsOf(stage, 'calls', run)).toMatchObject([{ state: 'failed', outcome: expect.stringContaining('Not today.') as string }])
  })

  test('one that is under way when its run is stopped has failed, for certain: it is rolled back, and can no longer be committed', async () => {
    const [begun, over] = [gate(), gate()]
    const waits = async () => {
      begun.open()
      await over.opened
    }
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['count', {}])), ...markTool(pool, waits) })
    const thread = freshThread()
    const answer = (await post(stage, ambit, { thread })).text()
    await begun.opened
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST' })).status).toBe(200)
    const run = runIdOf(parseStream(await answer))
    over.open()
    await vi.waitFor(() => expect(pool.idleCount).toBe(pool.totalCount)) // its transaction is over
    expect(await marks(run)).toHaveLength(0)
    expect(await rowsOf(stage, 'calls', run)).toMatchObject([{ effect: 'with-ledger', state: 'failed' }])
  })

  test.each(['write', 'idempotent'] as const)('without the ledger (%s), a commit whose word is lost is unknown: it is not said to have failed', async (effect) => {
    const inner = pgDatabase(pool)
    let acted = false
    const database: typeof inner = {
      ...inner,
      async transaction(work) {
        const result = await inner.transaction(work)
        if (acted) throw new Error('Connection terminated unexpectedly')
        return result
      },
    }
    const tool = forDatabase(database).defineTool({
      name: 'count', description: 'Leaves a mark.', input: z.object({}), effect,
      async run(_, { db, idempotencyKey }) {
        await db.query('insert into ambit_host.marks (id) values ($1)', [idempotencyKey])
        acted = true
      },
    })
    const model = scriptedModel(callsTools(['count', {}]), says('Done.'))
    const { ambit } = stage.start({ model, database: database as never, tools: [tool as never] })
    const run = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    expect(await marks(run)).toHaveLength(1)
    expect(await rowsOf(stage, 'calls', run)).toMatchObject([{ effect, state: 'unknown', outcome: expect.stringContaining('Whether it has acted is not known.') as string }])
    expect(JSON.stringify(toolResults(model.calls[1]))).toContain('Whether it has acted is not known.')
  })

  test('without the ledger, one that has acted and whose answer is too large is done: the model is told not to call it again', async () => {
    const tool = forDatabase(pgDatabase(pool)).defineTool({
      name: 'count', description: 'Leaves a mark.', input: z.object({}), effect: 'write',
      async run(_, { db, idempotencyKey }) {
        await db.query('insert into ambit_host.marks (id) values ($1)', [idempotencyKey])
        return 'x'.repeat(300_000)
      },
    })
    const model = scriptedModel(callsTools(['count', {}]), says('Done.'))
    const { ambit } = stage.start({ model, database: pgDatabase(pool) as never, tools: [tool as never] })
    const run = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    expect(await marks(run)).toHaveLength(1)
    expect(await rowsOf(stage, 'calls', run)).toMatchObject([{ state: 'done', outcome: expect.stringContaining('Do not call it again') as string }])
  })

  test('what a dead owner left claimed is made again, once: where the first had committed, it would be recorded', async () => {
    const left = await leaveBehind(stage, {
      async live(pen) {
        pen.say({ type: 'start-step' })
        pen.say(callChunk('call_1', 'count'))
        await pen.commit({
          step: { number: 1, finishReason: 'tool-calls', usage: {}, calls: [{ id: 'call_1', place: 0, name: 'count', effect: 'with-ledger', input: '{}', state: 'claimed' }] },
        })
      },
    })
    const { ambit } = stage.start({ model: scriptedModel(says('Done.')), ...markTool(pool) })
    await ambit.start()
    await vi.waitFor(async () => expect(await runOf(stage, ambit, left.owned.id)).toMatchObject({ state: 'completed' }), { timeout: 10_000 })
    expect(await marks(left.owned.id)).toEqual([{ id: `${left.owned.id}:call_1` }])
    expect(await rowsOf(stage, 'calls', left.owned.id)).toMatchObject([{ state: 'done', fence: 2 }])
  })

  test('a call that a later owner has claimed meanwhile is rolled back with its effect', async () => {
    const takeOver = () => stage.database.superuser.transaction('', (sql) => sql.query("update ambit.calls set fence = fence + 1 where state = 'claimed'"))
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['count', {}]), says('Done.')), ...markTool(pool, takeOver) })
    const run = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    expect(await marks(run)).toHaveLength(0)
  })

  test('in a database that is not Ambit’s own, each call fails and does nothing', async () => {
    const other = await kind.create()
    onTestFinished(() => other.drop())
    const elsewhere = new pg.Pool({ connectionString: String(other.source), max: 1 }).on('error', () => {})
    const database = pgDatabase(elsewhere)
    const tool = forDatabase(database).defineTool({ name: 'count', description: 'Acts.', input: z.object({}), effect: 'write', commit: 'with-ledger', run: () => 'acted' })
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['count', {}]), says('Done.')), database: database as never, tools: [tool as never] })
    const run = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    await elsewhere.end()
    expect(must((await rowsOf(stage, 'calls', run))[0])).toMatchObject({ state: 'failed' })
  })

  test('without any database it is no tool', () => {
    const tool = { name: 'count', description: 'Acts.', input: z.object({}), effect: 'write', commit: 'with-ledger', run: () => 1 } as const
    expect(() => stage.start({ model: scriptedModel(says('x')), tools: [tool] })).toThrow('needs a database')
  })
})
