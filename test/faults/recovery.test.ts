import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { memoryJournal } from '../../src/index.ts'
import type { ChatExecutionContext } from '../../src/index.ts'
import { openRun } from '../../src/lib/run/open-run.ts'
import { createPen } from '../../src/lib/run/pen.ts'
import type { OwnedRun, Pen } from '../../src/lib/run/pen.ts'
import { FenceLost } from '../../src/lib/run/run-error.ts'
import type { Chunk } from '../../src/lib/wire/chunk.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import type { Streamed } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, messageId, messagesOf, must, runOf, useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

const DEAD = { id: 'dead', epoch: 1, leave: async () => {} }
const INTERRUPTED = { type: 'error', errorText: 'The server went away while it was answering. Ask again.' }
const call = (toolCallId: string): Chunk => ({ type: 'tool-input-available', toolCallId, toolName: 'count', dynamic: true, input: {} })
const text = (id: string, delta: string): Chunk[] => [{ type: 'text-start', id }, { type: 'text-delta', id, delta }, { type: 'text-end', id }]

/** How far a run came before its node died. */
const lives: Record<string, { live(pen: Pen): Promise<void>; parts: readonly object[] }> = {
  'only its start': { live: async () => {}, parts: [{ type: 'step-start' }] },
  'words that were never committed': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      for (const chunk of text('1.1', 'Lost.').slice(0, 2)) pen.say(chunk)
    },
    parts: [{ type: 'step-start' }],
  },
  'one finished step with a tool': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      pen.say(call('call_1'))
      await pen.commit([])
      await pen.commit([{ type: 'tool-output-available', toolCallId: 'call_1', output: 1, dynamic: true }])
      await pen.finishStep([], { number: 1, finishReason: 'tool-calls', usage: {} })
      pen.say({ type: 'start-step' })
      for (const chunk of text('2.1', 'Lost.').slice(0, 2)) pen.say(chunk)
    },
    parts: [{ type: 'step-start' }, { type: 'dynamic-tool', toolCallId: 'call_1', state: 'output-available', output: 1 }, { type: 'step-start' }],
  },
  'the model’s part of a step, its calls unsettled': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      for (const chunk of text('1.1', 'Let me see.')) pen.say(chunk)
      pen.say(call('call_1'))
      pen.say(call('call_2'))
      await pen.commit([])
    },
    parts: [
      { type: 'step-start' }, { type: 'text', text: 'Let me see.', state: 'done' },
      { type: 'dynamic-tool', toolCallId: 'call_1', state: 'output-error' }, { type: 'dynamic-tool', toolCallId: 'call_2', state: 'output-error' },
    ],
  },
  'one of two calls settled': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      pen.say(call('call_1'))
      pen.say(call('call_2'))
      await pen.commit([])
      await pen.commit([{ type: 'tool-output-available', toolCallId: 'call_2', output: 'kept', dynamic: true }])
    },
    parts: [
      { type: 'step-start' }, { type: 'dynamic-tool', toolCallId: 'call_1', state: 'output-error' },
      { type: 'dynamic-tool', toolCallId: 'call_2', state: 'output-available', output: 'kept' },
    ],
  },
  'every call settled, the step not ended': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      pen.say(call('call_1'))
      await pen.commit([])
      await pen.commit([{ type: 'tool-output-available', toolCallId: 'call_1', output: 'kept', dynamic: true }])
    },
    parts: [{ type: 'step-start' }, { type: 'dynamic-tool', toolCallId: 'call_1', state: 'output-available', output: 'kept' }],
  },
}

describe.each(databaseKinds)('a run that a dead process left behind, on $name', (kind) => {
  const stage = useStage(kind)

  async function contextOf(): Promise<ChatExecutionContext> {
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    const context = await ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    await ambit.close()
    return context
  }

  interface Left {
    readonly thread: string
    readonly owned: OwnedRun
    readonly context: ChatExecutionContext
    readonly pen: Pen
  }

  /** A run as the dead node's own code wrote it, and its pen. */
  async function leaveBehind(live: (pen: Pen) => Promise<void>): Promise<Left> {
    const context = await contextOf()
    const { scoped } = stage.database.handles
    const thread = freshThread()
    const opened = await openRun({ scoped, newId, node: DEAD }, context, {
      thread, trigger: 'submit', message: { clientId: messageId(`${thread}Go on.`), text: 'Go on.' }, messageId: null, model: null,
    })
    if (!opened.ok) throw new Error(opened.detail)
    const { owned, start } = must(opened.begun)
    const journal = memoryJournal()
    journal.append(owned.id, [start])
    const pen = createPen(owned, { rows: context.rows, maxBytes: 1_000_000 }, { scoped, journal })
    await live(pen)
    return { thread, owned, context, pen }
  }

  async function rowsOf(table: 'frames' | 'claims' | 'runs' | 'steps', runId: string): Promise<readonly Record<string, unknown>[]> {
    const order = { frames: 'first_seq', claims: 'fence', runs: 'id', steps: 'number' }[table]
    const column = table === 'runs' ? 'id' : 'run_id'
    return stage.database.superuser.transaction('', async (sql) =>
      (await sql.query<Record<string, unknown>>(`select * from ambit.${table} where ${column} = $1 order by ${order}`, [runId])).rows)
  }

  async function storedStream(runId: string): Promise<Streamed> {
    const frames = await rowsOf('frames', runId)
    return parseStream(`${frames.map((row) => row['text']).join('')}data: [DONE]\n\n`)
  }

  async function expectEnded({ thread, owned }: Left, kept: readonly Record<string, unknown>[], end: { state: string; code: string | null; terminal: object }) {
    const base = Number(must(kept.at(-1))['last_seq'])
    const { ambit, lines } = stage.start({ model: scriptedModel(says('Now.')) })
    await ambit.start()
    const stream = await storedStream(owned.id)
    expectSound(stream)
    expect(stream.chunks.at(-1)).toEqual(end.terminal)
    expect(stream.ids.map((id) => id.split('.')[1])).toEqual(stream.ids.map((_, index) => (index < base ? '1' : '2')))
    expect((await rowsOf('frames', owned.id)).slice(0, kept.length)).toEqual(kept)
    expect((await rowsOf('claims', owned.id)).map((row) => [row['fence'], row['base']])).toEqual([[1, 0], [2, base]])
    expect(await rowsOf('runs', owned.id)).toEqual([expect.objectContaining({ fence: 2, state: end.state, error_code: end.code, last_seq: stream.ids.length })])
    expect(await logged(lines, end.state === 'stopped' ? 'the run was stopped' : 'the run was ended')).toMatchObject({ org_slug: 'acme', project_slug: 'apollo', run_id: owned.id })
    const replay = await answerTo(stage, ambit, { thread })
    expect(replay.chunks).toEqual(stream.chunks)
    expectSound(replay)
    const next = await answerTo(stage, ambit, { thread, text: 'And now?' })
    expect(said(next.chunks)).toBe('Now.')
    const message = must((await messagesOf(stage, ambit, { thread }))[1])
    expect(message.metadata.ambit.run).toEqual({ id: owned.id, state: end.state })
    return message
  }

  test.each(Object.entries(lives))('%s: kept, ended and told', async (_, { live, parts }) => {
    const left = await leaveBehind(live)
    const message = await expectEnded(left, await rowsOf('frames', left.owned.id), { state: 'failed', code: 'interrupted', terminal: INTERRUPTED })
    expect(message.parts).toMatchObject(parts)
    expect(message.parts).toHaveLength(parts.length)
    expect(JSON.stringify(message.parts)).not.toContain('Lost.')
  })

  test('one that was to be stopped is stopped', async () => {
    const left = await leaveBehind(must(lives['only its start']).live)
    await stage.database.superuser.transaction('', (sql) => sql.query('update ambit.runs set stop_requested = true where id = $1', [left.owned.id]))
    await expectEnded(left, await rowsOf('frames', left.owned.id), { state: 'stopped', code: null, terminal: { type: 'abort', reason: 'stopped' } })
  })

  test('many are all ended', async () => {
    const left = []
    for (let index = 0; index < 23; index += 1) left.push(await leaveBehind(async () => {}))
    const { ambit } = stage.start({ model: scriptedModel(says('Now.')) })
    await ambit.start()
    for (const { owned } of left) expect(await runOf(stage, ambit, owned.id)).toMatchObject({ state: 'failed', error_code: 'interrupted' })
  }, 60_000)

  test('the run of a node whose lease lives is left alone; when the lease has ended it is not', async () => {
    const left = await leaveBehind(must(lives['one finished step with a tool']).live)
    const lease = (expiry: string) =>
      stage.database.superuser.transaction('', (sql) =>
        sql.query(`insert into ambit.nodes (id, epoch, expires_at) values ('dead', 1, now() + $1::interval) on conflict (id) do update set expires_at = excluded.expires_at`, [expiry]))
    await lease('1 hour')
    const kept = await rowsOf('frames', left.owned.id)
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    await ambit.start()
    expect(await rowsOf('runs', left.owned.id)).toEqual([expect.objectContaining({ state: 'running', fence: 1, node_id: 'dead' })])
    expect(await rowsOf('frames', left.owned.id)).toEqual(kept)
    const refused = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(left.thread, 'And now?', 'other') })
    expect(refused.status).toBe(409)
    await ambit.close()
    await lease('-1 second')
    await expectEnded(left, kept, { state: 'failed', code: 'interrupted', terminal: INTERRUPTED })
    await stage.database.superuser.transaction('', (sql) => sql.query(`delete from ambit.nodes where id = 'dead'`))
  })

  test('a run of a later life of the same node is not taken for one of the earlier', async () => {
    const left = await leaveBehind(async () => {})
    await stage.database.superuser.transaction('', (sql) => sql.query(`insert into ambit.nodes (id, epoch, expires_at) values ('dead', 2, now() + interval '1 hour')`))
    await expectEnded(left, await rowsOf('frames', left.owned.id), { state: 'failed', code: 'interrupted', terminal: INTERRUPTED })
    await stage.database.superuser.transaction('', (sql) => sql.query(`delete from ambit.nodes where id = 'dead'`))
  })

  test('a writer that comes back is refused, and writes nothing', async () => {
    const left = await leaveBehind(must(lives['the model’s part of a step, its calls unsettled']).live)
    const { ambit } = stage.start({ model: scriptedModel(says('Now.')) })
    await ambit.start()
    const before = await Promise.all((['frames', 'claims', 'runs', 'steps'] as const).map((table) => rowsOf(table, left.owned.id)))
    const message = await messagesOf(stage, ambit, { thread: left.thread })
    const { pen } = left
    await expect(pen.commit([{ type: 'tool-output-available', toolCallId: 'call_1', output: 'late', dynamic: true }])).rejects.toThrow(FenceLost)
    await expect(pen.commit([], [must(stage.world.ids['acme/zephyr'])])).rejects.toThrow(FenceLost)
    await expect(pen.finishStep([], { number: 1, finishReason: 'tool-calls', usage: {} })).rejects.toThrow(FenceLost)
    await expect(pen.end({ chunks: [], terminal: { type: 'finish', finishReason: 'stop' }, end: { state: 'completed', finishReason: 'stop', errorCode: null } })).rejects.toThrow(FenceLost)
    expect(await Promise.all((['frames', 'claims', 'runs', 'steps'] as const).map((table) => rowsOf(table, left.owned.id)))).toEqual(before)
    expect(await messagesOf(stage, ambit, { thread: left.thread })).toEqual(message)
  })

  test.runIf(kind.name === 'PostgreSQL')('a process that is killed in mid-answer: what it had committed is kept, the rest is told to be lost', async () => {
    const { source } = stage.database
    if (typeof source !== 'string') throw new Error('A PostgreSQL URL was expected.')
    const thread = freshThread()
    const file = fileURLToPath(new URL('../support/doomed-process.ts', import.meta.url))
    const child = spawn(process.execPath, [file, source, stage.world.keys.bob, APOLLO, thread], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    let seen = ''
    for await (const bytes of child.stdout.iterator({ destroyOnReturn: false })) {
      seen += String(bytes)
      if (seen.includes('Half a sentence')) break
    }
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    expect((await exited)[1]).toBe('SIGKILL')
    await stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.nodes set expires_at = now() where id = 'doomed'`))
    const { ambit } = stage.start({ model: scriptedModel(says('Now.')) })
    await ambit.start()
    const body = { id: thread, message: { id: 'q1', role: 'user', parts: [{ type: 'text', text: 'Go on.' }] } }
    const replay = await readStream(await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body }))
    expectSound(replay)
    expect(replay.chunks.at(-1)).toEqual(INTERRUPTED)
    const firstStep = seen.slice(0, seen.indexOf('"type":"finish-step"'))
    expect(replay.text.startsWith(firstStep)).toBe(true)
    expect(replay.text).not.toContain('Half a sentence')
    expect(must((await messagesOf(stage, ambit, { thread }))[1]).parts).toMatchObject([{ type: 'step-start' }, { type: 'dynamic-tool', output: 1 }, { type: 'step-start' }])
    expect(said((await answerTo(stage, ambit, { thread, text: 'And now?' })).chunks)).toBe('Now.')
  })
})
