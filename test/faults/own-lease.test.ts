import { PassThrough } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'
import { createLog, memoryJournal } from '../../src/index.ts'
import type { Outcome } from '../../src/lib/run/settle-run.ts'
import { createClaims } from '../../src/lib/run/claim-runs.ts'
import type { Claims } from '../../src/lib/run/claim-runs.ts'
import type { DriveParts } from '../../src/lib/run/drive-run.ts'
import { joinNode } from '../../src/lib/run/join-node.ts'
import { createLiveRuns } from '../../src/lib/run/live-runs.ts'
import { createScopeWatch } from '../../src/lib/scope/watch-scopes.ts'
import { NO_METRICS } from '../../src/lib/observe/metrics.ts'
import { openHandles } from '../../src/lib/store/handles.ts'
import type { Handles, ScopedSql } from '../../src/lib/store/handles.ts'
import type { Database } from '../../src/lib/store/database.ts'
import { registerNode } from '../../src/lib/store/node-rows.ts'
import type { RunOwner } from '../../src/lib/store/run-rows.ts'
import { parseStream } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { leaveBehind, rowsOf } from '../support/left-behind.ts'
import { must, useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

describe.each(databaseKinds)('the lease of a node, on $name', (kind) => {
  const stage = useStage(kind)
  const log = createLog({ level: 'info', destination: new PassThrough().resume() })

  async function begin(id: string): Promise<RunOwner> {
    return { id, epoch: await stage.database.handles.sweeper((sql) => registerNode(sql, id, 60_000)) }
  }

  async function lapse({ id }: RunOwner): Promise<void> {
    await stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.nodes set expires_at = now() - interval '1 minute' where id = $1`, [id]))
  }

  async function age(run: string): Promise<void> {
    await stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.claims set claimed_at = now() - interval '1 minute' where run_id = $1`, [run]))
  }

  /** What a node takes over ends as stopped: so that nobody here needs a model. Answers when all that was taken has ended. */
  function claimsOf(node: RunOwner, { handles = stage.database.handles }: { readonly handles?: Pick<Handles, 'scoped' | 'sweeper'> } = {}) {
    const live = createLiveRuns(NO_METRICS)
    const { scoped, sweeper } = handles
    const scopes = createScopeWatch({ resolve: () => Promise.reject(new Error('Nobody is asked.')), everyMs: 60_000, log })
    const drive = { scoped, sweeper, journal: memoryJournal(), scopes, metrics: NO_METRICS, holds: () => true, giveUp: new AbortController().signal } as unknown as DriveParts
    const claims: Claims = createClaims({ scoped, sweeper, drive, node, live, log, changed: () => {} })
    return {
      live,
      async takeOver() {
        await claims.takeOver()
        await live.drain(60_000)
      },
    }
  }

  /** A run that this life of a node has begun and drives, and that is to be stopped. */
  async function openAt(owner: RunOwner): Promise<string> {
    const { owned } = await leaveBehind(stage, { owner })
    await stage.database.superuser.transaction('', (sql) => sql.query('update ambit.runs set stop_requested = true where id = $1', [owned.id]))
    return owned.id
  }

  const stateOf = async (run: string) => must((await rowsOf(stage, 'runs', run))[0])

  /** Ended by the second owner, once. */
  async function expectTaken(run: string, { id, epoch }: RunOwner, fence = 2): Promise<void> {
    expect(await stateOf(run)).toMatchObject({ state: 'stopped', node_id: id, epoch, fence })
    const claims = await rowsOf(stage, 'claims', run)
    expect(claims.map((row) => row['fence'])).toEqual(Array.from({ length: fence }, (_, index) => index + 1))
    const frames = await rowsOf(stage, 'frames', run)
    const stored = parseStream(`${frames.map((row) => row['text']).join('')}data: [DONE]\n\n`)
    expectSound(stored)
    expect(stored.chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' })
  }

  test('that has lapsed: the node does not take from itself what it drives; another node does', async () => {
    const [slow, other] = [await begin('slow'), await begin('other')]
    const run = await openAt(slow)
    const driven = { state: 'running', node_id: 'slow', epoch: slow.epoch, fence: 1 }
    await claimsOf(other).takeOver()
    expect(await stateOf(run)).toMatchObject(driven)
    await lapse(slow)
    await age(run)
    const { scoped, sweeper } = stage.database.handles
    const looked = Promise.withResolvers<void>()
    const own = claimsOf(slow, { handles: { scoped, sweeper: (work) => sweeper(work).finally(() => looked.resolve()) } })
    const over = Promise.withResolvers<Outcome>()
    void own.live.start({ runId: run, maxMs: 60_000 }, () => over.promise)
    const taking = own.takeOver()
    await looked.promise
    expect(await stateOf(run)).toMatchObject(driven)
    over.resolve({ left: true, unfit: false })
    await taking
    expect(await stateOf(run)).toMatchObject(driven)
    await claimsOf(other).takeOver()
    await expectTaken(run, other)
  })

  test('still good: a run of its own that it does not drive, because its opening was committed without word, is taken when it is old enough', async () => {
    const node = await begin(newId('node'))
    const run = await openAt(node)
    await claimsOf(node).takeOver()
    expect(await stateOf(run)).toMatchObject({ state: 'running', fence: 1 })
    await age(run)
    await claimsOf(node).takeOver()
    await expectTaken(run, node)
  })

  test('still good: a run of its own that it had to leave is taken again at once', async () => {
    const node = await begin(newId('node'))
    const run = await openAt(node)
    const own = claimsOf(node)
    await own.live.start({ runId: run, maxMs: 60_000 }, async () => ({ left: true, unfit: false }))
    await vi.waitFor(() => expect(own.live.left.ready()).toEqual([run]))
    await own.takeOver()
    await expectTaken(run, node)
  })

  test('that has lapsed: runs that cannot be gone on with do not hold up the sweep, nor the runs behind them', async () => {
    const [dead, heir] = [await begin(newId('dead')), await begin(newId('heir'))]
    const runs: string[] = []
    for (let count = 0; count < 25; count += 1) runs.push(await openAt(dead))
    for (const run of runs) await age(run)
    const whole = must(runs.at(-1))
    await stage.database.superuser.transaction('', (sql) =>
      sql.query(`update ambit.runs set context = '{"rows":{"orgId":"x","projectIds":[],"userId":"x"}}', stop_requested = false where id = any($1::text[])`, [runs.slice(0, -1)]),
    )
    await lapse(dead)
    await claimsOf(heir).takeOver()
    await expectTaken(whole, heir)
    expect(await stateOf(must(runs[0]))).toMatchObject({ state: 'running', fence: 2 })
    await stage.database.superuser.transaction('', (sql) => sql.query(`delete from ambit.runs where id = any($1::text[])`, [runs]))
  })

  test('of an earlier life: the next life of the same node takes what that one left', async () => {
    const first = await begin('again')
    const run = await openAt(first)
    const second = await begin('again')
    expect(second.epoch).toBe(first.epoch + 1)
    await claimsOf(second).takeOver()
    await expectTaken(run, second)
  })

  test('that could not be renewed in time: the node drives nothing until it has a new one, under which its old runs are orphans', async () => {
    const { sweeper } = stage.database.handles
    let away = false
    let lost = 0
    const id = newId('node')
    const node = await joinNode(
      { sweeper: (work) => (away ? Promise.reject(new Error('Connection terminated unexpectedly')) : sweeper(work)) },
      { id, leaseMs: 1_000, onLost: () => (lost += 1), log },
    )
    const run = await openAt(node)
    const { epoch } = node
    expect(node.holds()).toBe(true)
    away = true
    await vi.waitFor(() => expect(lost).toBe(1), { timeout: 5_000 })
    expect(node.holds()).toBe(false)
    away = false
    await vi.waitFor(() => expect(node.holds()).toBe(true), { timeout: 5_000 })
    expect(node.epoch).toBe(epoch + 1)
    await claimsOf(node).takeOver()
    await expectTaken(run, node)
    await node.leave()
  })

  test('of a name that another process took: it drives nothing while that one lives', async () => {
    const { sweeper } = stage.database.handles
    const id = newId('node')
    let lost = 0
    const node = await joinNode({ sweeper }, { id, leaseMs: 1_000, onLost: () => (lost += 1), log })
    const other = await begin(id)
    await vi.waitFor(() => expect(lost).toBe(1), { timeout: 5_000 })
    expect(node.holds()).toBe(false)
    await lapse(other)
    await vi.waitFor(() => expect(node.holds()).toBe(true), { timeout: 5_000 })
    expect(node.epoch).toBe(other.epoch + 1)
    expect(lost).toBe(1)
    await node.leave()
  })

  const away = (): Error => new Error('Connection terminated unexpectedly')

  /** How the first transaction of a claimed run goes wrong that does this. */
  const faults: Record<string, { readonly at: string; readonly committed: boolean }> = {
    'cannot be read': { at: 'from ambit.frames', committed: false },
    'cannot be written': { at: 'update ambit.runs set last_seq', committed: false },
    'is written without word': { at: 'update ambit.runs set last_seq', committed: true },
  }

  test.each(Object.entries(faults))('a claimed run whose record %s at first is ended once', async (_, { at, committed }) => {
    const [dead, heir] = [await begin(newId('dead')), await begin(newId('heir'))]
    const run = await openAt(dead)
    await lapse(dead)
    let failures = 0
    const { superuser } = stage.database
    const database: Database = {
      close: async () => {},
      async transaction(preamble, work) {
        let hit = false
        const result = await superuser.transaction(preamble, async (sql) => {
          const done = await work({
            script: (text) => sql.script(text),
            query(text, values) {
              hit ||= failures === 0 && text.includes(at)
              return sql.query(text, values)
            },
          } as ScopedSql)
          if (hit && !committed) throw ((failures += 1), away())
          return done
        })
        if (hit) throw ((failures += 1), away())
        return result
      },
    }
    const claims = claimsOf(heir, { handles: openHandles(database) })
    await vi.waitFor(async () => {
      await claims.takeOver()
      expect(await stateOf(run)).toMatchObject({ state: 'stopped' })
    }, { timeout: 10_000 })
    expect(failures).toBe(1)
    await expectTaken(run, heir, at === 'from ambit.frames' ? 3 : 2)
    const before = await rowsOf(stage, 'frames', run)
    await claims.takeOver()
    expect(await rowsOf(stage, 'frames', run)).toEqual(before)
  })
})
