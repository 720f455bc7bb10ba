import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { EmbeddedStore, Tool } from '../../src/index.ts'
import type { Database, Sql } from '../../src/lib/store/database.ts'
import { parseStream, readStream, said } from '../support/client.ts'
import type { Streamed } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { expectQuiet, listResources } from '../support/leak-check.ts'
import { callsTools, gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, messagesOf, must, post, readRest, readUntil, runIdOf, runOf, useStage } from '../support/stage.ts'

// A connection can be lost between a commit and its word: then the writer does not know whether it happened.

interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
}

type Doomed = (statements: readonly Statement[]) => boolean

/** A store whose connection is lost around the transactions that a test chooses, or that is away as a whole. */
interface Unsteady extends EmbeddedStore {
  /** The first transaction for which this holds is committed, and its word is lost. */
  loseWordOf(doomed: Doomed): void
  /** The first transaction for which this holds is rolled back. */
  loseAll(doomed: Doomed): void
  away(now: boolean): void
  /** How often it was asked while it was away. */
  refused(): number
}

function unsteady({ superuser }: TestDatabase): Unsteady {
  let away = false
  let refused = 0
  let word: Doomed | null = null
  let all: Doomed | null = null
  const lost = () => Object.assign(new Error('Connection terminated unexpectedly'), { code: '08006' })
  const database: Database = {
    async transaction(preamble, work) {
      if (away) {
        refused += 1
        throw lost()
      }
      const statements: Statement[] = []
      const result = await superuser.transaction(preamble, async (sql) => {
        const done = await work(recorded(sql, statements))
        if (all?.(statements)) {
          all = null
          throw lost()
        }
        return done
      })
      if (word?.(statements)) {
        word = null
        throw lost()
      }
      return result
    },
    close: async () => {},
  }
  return {
    open: async () => database,
    loseWordOf: (doomed) => void (word = doomed),
    loseAll: (doomed) => void (all = doomed),
    away: (now) => void (away = now),
    refused: () => refused,
  }
}

function recorded(sql: Sql, statements: Statement[]): Sql {
  return {
    query(text, values = []) {
      statements.push({ text, values })
      return sql.query(text, values)
    },
    script: (text) => sql.script(text),
  }
}

/** The n-th commit of a run's record after the one that opened it, counted from 1. */
function commit(n: number): Doomed {
  let seen = 0
  return (statements) => {
    if (!statements.some(({ text }) => text.includes('update ambit.runs set last_seq'))) return false
    seen += 1
    return seen === n
  }
}

const never = new Promise<never>(() => {})
const count = { name: 'count', description: 'Counts.', input: z.object({}), effect: 'read', run: () => 1 } as Tool<never>

describe.each(databaseKinds)('a commit whose word is lost, on $name', (kind) => {
  const stage = useStage(kind)

  async function rowsOf<Row>(text: string, run: string): Promise<readonly Row[]> {
    return stage.database.superuser.transaction('', async (sql) => (await sql.query<Row>(text, [run])).rows)
  }

  /** What is stored is what the reader got: dense, sound, ended once; and the thread goes on. */
  async function expectEndedOnce(running: ReturnType<typeof stage.start>, thread: string, streamed: Streamed, end: { state: string; code: string | null }) {
    expectSound(streamed)
    const run = runIdOf(streamed)
    const frames = await rowsOf<{ first_seq: number; last_seq: number; text: string }>('select * from ambit.frames where run_id = $1 order by first_seq', run)
    const stored = parseStream(`${frames.map((row) => row.text).join('')}data: [DONE]\n\n`)
    expectSound(stored)
    expect([stored.ids, stored.chunks]).toEqual([streamed.ids, streamed.chunks])
    let next = 1
    for (const { first_seq: first, last_seq: last } of frames) {
      expect(first).toBe(next)
      next = last + 1
    }
    expect(next - 1).toBe(streamed.ids.length)
    expect(await rowsOf('select state, error_code, fence, last_seq from ambit.runs where id = $1', run)).toEqual([
      { state: end.state, error_code: end.code, fence: 1, last_seq: streamed.ids.length },
    ])
    expect((await messagesOf(stage, running.ambit, { thread }))[1]?.metadata.ambit.run).toEqual({ id: run, state: end.state, error_code: end.code })
    expect((await answerTo(stage, running.ambit, { thread })).text).toBe(streamed.text)
    const again = await answerTo(stage, running.ambit, { thread, text: 'And now?' })
    expectSound(again)
    expect(said(again.chunks)).toBe('Now.')
  }

  const DONE = { state: 'completed', code: null }
  const script = [callsTools(['count', {}], ['count', {}]), says('Two.'), says('Now.')]
  const commits: readonly (readonly [string, number])[] = [
    ['the model’s part of a step', 1], ['the outcome of one of two calls', 2], ['the outcome of the other', 3], ['the end of a step', 4], ['the end of the run', 5],
  ]

  test.each(commits)('%s: it happened, and the run goes on and ends once', async (_, n) => {
    const store = unsteady(stage.database)
    const running = stage.start({ store, model: scriptedModel(...script), tools: [count] })
    const thread = freshThread()
    store.loseWordOf(commit(n))
    const streamed = await answerTo(stage, running.ambit, { thread })
    // A call that was settled by its own commit is not settled again.
    expect(streamed.chunks.filter((chunk) => chunk.type === 'tool-output-available')).toHaveLength(2)
    expect(said(streamed.chunks)).toBe('Two.')
    await expectEndedOnce(running, thread, streamed, DONE)
  })

  test.each(commits)('%s: it did not happen, and is made good', async (_, n) => {
    const store = unsteady(stage.database)
    const running = stage.start({ store, model: scriptedModel(...script), tools: [count] })
    const thread = freshThread()
    store.loseAll(commit(n))
    const streamed = await answerTo(stage, running.ambit, { thread })
    expect(said(streamed.chunks)).toBe('Two.')
    await expectEndedOnce(running, thread, streamed, DONE)
  })

  test('the end of a run whose fault was another: tried again, and not written twice', async () => {
    const store = unsteady(stage.database)
    const running = stage.start({ store, model: scriptedModel([new Error('The provider is down.')], says('Now.')) })
    const thread = freshThread()
    store.loseWordOf(commit(1))
    const streamed = await answerTo(stage, running.ambit, { thread })
    expect(streamed.chunks.filter((chunk) => chunk.type === 'error')).toHaveLength(1)
    const { error_code: code } = await runOf(stage, running.ambit, runIdOf(streamed))
    await expectEndedOnce(running, thread, streamed, { state: 'failed', code: must(code) })
  })

  test('a database that is away for a while: the end is committed when it is back', async () => {
    const store = unsteady(stage.database)
    const waiting = gate()
    const running = stage.start({ store, model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)], says('Now.')) })
    const thread = freshThread()
    const reader = must((await post(stage, running.ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    store.away(true)
    waiting.open()
    await vi.waitFor(() => expect(store.refused()).toBeGreaterThan(1))
    const run = runIdOf(parseStream(early))
    expect(await rowsOf('select state from ambit.runs where id = $1', run)).toEqual([{ state: 'running' }])
    store.away(false)
    const streamed = parseStream(early + (await readRest(reader)))
    expect(said(streamed.chunks)).toBe('Half, whole.')
    await expectEndedOnce(running, thread, streamed, DONE)
  })
})

const [anyKind] = databaseKinds

// Nothing here depends on the kind: no transaction reaches the database.
describe('a database that does not come back', () => {
  const stage = useStage(must(anyKind))

  test('does not keep its Ambit from closing; the next life goes on with what was left', async () => {
    const before = listResources()
    const store = unsteady(stage.database)
    const { ambit, lines } = stage.start({ store, model: scriptedModel([...says('Half, ').slice(0, 3), never]) })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    store.away(true)
    const rest = readRest(reader).catch((error: unknown) => error)
    const begun = performance.now()
    await ambit.close({ graceMs: 0 })
    expect(performance.now() - begun).toBeLessThan(8_000) // 5 s for last commits
    const told = lines.length
    // Broken off, not ended: a reader is left neither hanging nor with half an answer for a whole one.
    expect(await rest).toBeInstanceOf(Error)
    await expectQuiet(before, 0)
    await nextTurn()
    // The reader's own end is all that is still said, and it is the reader's to choose when.
    expect(lines.slice(told).filter((line) => line.msg !== 'the stream was broken off')).toEqual([])

    store.away(false)
    const next = stage.start({ store, model: scriptedModel(says('Whole.'), says('Now.')) })
    await next.ambit.start()
    await vi.waitFor(async () => expect(await runOf(stage, next.ambit, runIdOf(parseStream(early)))).toMatchObject({ state: 'completed' }))
    expect(said((await readStream(await post(stage, next.ambit, { thread, text: 'And now?' }))).chunks)).toBe('Now.')
  })
})
