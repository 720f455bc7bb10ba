import { PassThrough } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createLog, memoryJournal } from '../../src/index.ts'
import { createRecovery } from '../../src/lib/run/recover-runs.ts'
import type { Recovery } from '../../src/lib/run/recover-runs.ts'
import { openRun } from '../../src/lib/run/open-run.ts'
import { openHandles } from '../../src/lib/store/handles.ts'
import type { Handles, ScopedSql } from '../../src/lib/store/handles.ts'
import type { Database } from '../../src/lib/store/database.ts'
import { registerNode } from '../../src/lib/store/node-rows.ts'
import { parseStream } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

interface Life {
  readonly id: string
  readonly epoch: number
}

interface RunState {
  readonly state: string
  readonly error_code: string | null
  readonly node_id: string
  readonly epoch: number
  readonly fence: number
}

describe.each(databaseKinds)('the lease of a node, on $name', (kind) => {
  const stage = useStage(kind)
  const log = createLog({ level: 'info', destination: new PassThrough().resume() })

  async function begin(id: string): Promise<Life> {
    return { id, epoch: await stage.database.handles.sweeper((sql) => registerNode(sql, id, 60_000)) }
  }

  async function lapse({ id }: Life): Promise<void> {
    await stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.nodes set expires_at = now() - interval '1 minute' where id = $1`, [id]))
  }

  async function age(run: string): Promise<void> {
    await stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.claims set claimed_at = now() - interval '1 minute' where run_id = $1`, [run]))
  }

  interface Surroundings {
    readonly handles?: Pick<Handles, 'scoped' | 'sweeper'>
    readonly driven?: readonly string[]
  }

  function recoveryOf(life: Life, { handles = stage.database.handles, driven = [] }: Surroundings = {}): Recovery {
    return createRecovery({
      scoped: handles.scoped, sweeper: handles.sweeper, journal: memoryJournal(), log, driven: () => driven,
      node: { ...life, leave: async () => {} }, giveUp: new AbortController().signal,
    })
  }

  /** A run that this life of a node has begun and drives. */
  async function openAt(life: Life): Promise<string> {
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    const context = await ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    await ambit.close()
    const opened = await openRun({ scoped: stage.database.handles.scoped, newId, node: { ...life, leave: async () => {} } }, context, {
      thread: freshThread(), trigger: 'submit', message: { clientId: null, text: 'Go on.' }, messageId: null, model: null,
    })
    if (!opened.ok) throw new Error(opened.detail)
    return opened.run.id
  }

  async function rowsOf<Row>(text: string, run: string): Promise<readonly Row[]> {
    return stage.database.superuser.transaction('', async (sql) => (await sql.query<Row>(text, [run])).rows)
  }

  async function stateOf(run: string): Promise<RunState> {
    return must((await rowsOf<RunState>('select state, error_code, node_id, epoch, fence from ambit.runs where id = $1', run))[0])
  }

  /** Ended by the second owner, once. */
  async function expectInterrupted(run: string, { id, epoch }: Life, fence = 2): Promise<void> {
    expect(await stateOf(run)).toEqual({ state: 'failed', error_code: 'interrupted', node_id: id, epoch, fence })
    const claims = await rowsOf<{ fence: number }>('select fence from ambit.claims where run_id = $1 order by fence', run)
    expect(claims.map((row) => row.fence)).toEqual(Array.from({ length: fence }, (_, index) => index + 1))
    const frames = await rowsOf<{ text: string }>('select text from ambit.frames where run_id = $1 order by first_seq', run)
    const stored = parseStream(`${frames.map((row) => row.text).join('')}data: [DONE]\n\n`)
    expectSound(stored)
    expect(stored.chunks.at(-1)).toEqual({ type: 'error', errorText: 'The server went away while it was answering. Ask again.' })
  }

  test('that has lapsed: the node does not take its own run from itself; another node does', async () => {
    const [slow, other] = [await begin('slow'), await begin('other')]
    const run = await openAt(slow)
    const driven = { state: 'running', error_code: null, node_id: 'slow', epoch: slow.epoch, fence: 1 }
    await recoveryOf(other).sweep()
    expect(await stateOf(run)).toEqual(driven)
    await lapse(slow)
    await age(run)
    await recoveryOf(slow, { driven: [run] }).sweep()
    expect(await stateOf(run)).toEqual(driven)
    await recoveryOf(other).sweep()
    await expectInterrupted(run, other)
  })

  test('still good: a run of its own that it does not drive, because its opening was committed without word, is ended when it is old enough', async () => {
    const node = await begin(newId('node'))
    const run = await openAt(node)
    await recoveryOf(node).sweep()
    expect(await stateOf(run)).toMatchObject({ state: 'running', fence: 1 })
    await age(run)
    await recoveryOf(node).sweep()
    await expectInterrupted(run, node)
  })

  test('that has lapsed: runs that cannot be ended do not hold up the sweep, nor the runs behind them', async () => {
    const [dead, heir] = [await begin(newId('dead')), await begin(newId('heir'))]
    const runs: string[] = []
    for (let count = 0; count < 25; count += 1) runs.push(await openAt(dead))
    const whole = must(runs.at(-1))
    await stage.database.superuser.transaction('', (sql) =>
      sql.query(`update ambit.runs set context = '{}' where id = any($1::text[])`, [runs.slice(0, -1)]),
    )
    for (const run of runs) await age(run)
    await lapse(dead)
    await recoveryOf(heir).sweep()
    await expectInterrupted(whole, heir)
    expect(await stateOf(must(runs[0]))).toMatchObject({ state: 'running', fence: 2 })
    await stage.database.superuser.transaction('', (sql) => sql.query(`delete from ambit.runs where id = any($1::text[])`, [runs]))
  })

  test('of an earlier life: the next life of the same node takes what that one left', async () => {
    const first = await begin('again')
    const run = await openAt(first)
    const second = await begin('again')
    expect(second.epoch).toBe(first.epoch + 1)
    await recoveryOf(second).sweep()
    await expectInterrupted(run, second)
  })

  const lost = (): Error => new Error('Connection terminated unexpectedly')

  /** How the first transaction of a claimed run's end goes wrong that does this. */
  const faults: Record<string, { readonly at: string; readonly committed: boolean }> = {
    'cannot be read': { at: 'from ambit.frames', committed: false },
    'cannot be written': { at: 'update ambit.runs set last_seq', committed: false },
    'is written without word': { at: 'update ambit.runs set last_seq', committed: true },
  }

  test.each(Object.entries(faults))('a claimed run whose record %s at first is ended by a later sweep', async (_, { at, committed }) => {
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
          if (hit && !committed) throw ((failures += 1), lost())
          return done
        })
        if (hit) throw ((failures += 1), lost())
        return result
      },
    }
    const recovery = recoveryOf(heir, { handles: openHandles(database) })
    await recovery.sweep()
    expect(failures).toBe(1)
    expect(await stateOf(run)).toEqual({ state: 'running', error_code: null, node_id: heir.id, epoch: heir.epoch, fence: 2 })
    await age(run)
    await recovery.sweep()
    await expectInterrupted(run, heir, 3)
    const before = await rowsOf('select * from ambit.frames where run_id = $1', run)
    await recovery.sweep()
    expect(await rowsOf('select * from ambit.frames where run_id = $1', run)).toEqual(before)
  })
})
