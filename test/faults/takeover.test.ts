import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import { memoryJournal } from '../../src/index.ts'
import type { Tool } from '../../src/index.ts'
import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import { createPen } from '../../src/lib/run/pen.ts'
import type { Pen } from '../../src/lib/run/pen.ts'
import { FenceLost } from '../../src/lib/run/run-error.ts'
import type { LedgerEffect } from '../../src/lib/tools/bound-tool.ts'
import type { Chunk } from '../../src/lib/wire/chunk.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import type { Streamed } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callChunk, leaveBehind, rowsOf, textChunks } from '../support/left-behind.ts'
import type { LeftBehind } from '../support/left-behind.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, logged, messagesOf, must, runOf, toolResults, useStage } from '../support/stage.ts'

const usage = {}
const unsettled = { finishReason: 'tool-calls', usage } as const
const answered = (toolCallId: string, output: unknown) => ({ type: 'tool-output-available', toolCallId, output, dynamic: true }) as const

function row(id: string, place: number, effect: LedgerEffect = 'read', state: 'ready' | 'claimed' = 'claimed') {
  return { id, place, name: 'count', effect, input: '{}', state }
}

/** How far a run came before its node died, and what its message holds when another node has ended it. */
const lives: Record<string, { live(pen: Pen): Promise<void>; parts: readonly object[]; called: number }> = {
  'only its start': { live: async () => {}, parts: [{ type: 'step-start' }, { type: 'text', text: 'Now.' }], called: 0 },
  'words that were never committed': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      for (const chunk of textChunks('1.1', 'Lost.').slice(0, 2)) pen.say(chunk)
    },
    parts: [{ type: 'step-start' }, { type: 'text', text: 'Now.' }],
    called: 0,
  },
  'one finished step with a tool': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      pen.say(callChunk('call_1', 'count'))
      await pen.commit({ step: { number: 1, ...unsettled, calls: [row('call_1', 0)] } })
      await pen.commit({ chunks: [answered('call_1', 1)], settled: { id: 'call_1', state: 'done' } })
      await pen.finishStep([])
      pen.say({ type: 'start-step' })
      for (const chunk of textChunks('2.1', 'Lost.').slice(0, 2)) pen.say(chunk)
    },
    parts: [
      { type: 'step-start' }, { type: 'dynamic-tool', toolCallId: 'call_1', state: 'output-available', output: 1 },
      { type: 'step-start' }, { type: 'text', text: 'Now.' },
    ],
    called: 0,
  },
  'the model’s part of a step, its calls unsettled': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      for (const chunk of textChunks('1.1', 'Let me see.')) pen.say(chunk)
      pen.say(callChunk('call_1', 'count'))
      pen.say(callChunk('call_2', 'count'))
      await pen.commit({ step: { number: 1, ...unsettled, calls: [row('call_1', 0), row('call_2', 1)] } })
    },
    parts: [
      { type: 'step-start' }, { type: 'text', text: 'Let me see.', state: 'done' },
      { type: 'dynamic-tool', toolCallId: 'call_1', output: 'counted' }, { type: 'dynamic-tool', toolCallId: 'call_2', output: 'counted' },
      { type: 'step-start' }, { type: 'text', text: 'Now.' },
    ],
    called: 2,
  },
  'one of two calls settled': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      pen.say(callChunk('call_1', 'count'))
      pen.say(callChunk('call_2', 'count'))
      await pen.commit({ step: { number: 1, ...unsettled, calls: [row('call_1', 0), row('call_2', 1)] } })
      await pen.commit({ chunks: [answered('call_2', 'kept')], settled: { id: 'call_2', state: 'done' } })
    },
    parts: [
      { type: 'step-start' }, { type: 'dynamic-tool', toolCallId: 'call_1', output: 'counted' },
      { type: 'dynamic-tool', toolCallId: 'call_2', output: 'kept' }, { type: 'step-start' }, { type: 'text', text: 'Now.' },
    ],
    called: 1,
  },
  'every call settled, the step not ended': {
    async live(pen) {
      pen.say({ type: 'start-step' })
      pen.say(callChunk('call_1', 'count'))
      await pen.commit({ step: { number: 1, ...unsettled, calls: [row('call_1', 0)] } })
      await pen.commit({ chunks: [answered('call_1', 'kept')], settled: { id: 'call_1', state: 'done' } })
    },
    parts: [{ type: 'step-start' }, { type: 'dynamic-tool', toolCallId: 'call_1', output: 'kept' }, { type: 'step-start' }, { type: 'text', text: 'Now.' }],
    called: 0,
  },
}

describe.each(databaseKinds)('a run that a dead process left behind, on $name', (kind) => {
  const stage = useStage(kind)

  /** An heir, whose one tool counts its calls. */
  function heirOf(effect: Tool['effect'] = 'read', model = scriptedModel(says('Now.'))) {
    const keys: string[] = []
    const tools: Tool<never, Record<string, never>>[] = [
      { name: 'count', description: 'Counts.', input: z.object({}), effect, run: (_, { idempotencyKey }) => (keys.push(idempotencyKey), 'counted') },
    ]
    return { ...stage.start({ model, tools }), model, keys }
  }

  async function storedStream(runId: string): Promise<Streamed> {
    const frames = await rowsOf(stage, 'frames', runId)
    return parseStream(`${frames.map((stored) => stored['text']).join('')}data: [DONE]\n\n`)
  }

  const ended = (ambit: ReturnType<typeof heirOf>['ambit'], runId: string, state: string) =>
    vi.waitFor(async () => expect(await runOf(stage, ambit, runId)).toMatchObject({ state }), { timeout: 10_000 })

  async function expectEnded({ thread, owned }: LeftBehind, kept: readonly Record<string, unknown>[], state: string) {
    const base = Number(must(kept.at(-1))['last_seq'])
    const stream = await storedStream(owned.id)
    expectSound(stream)
    expect(stream.ids.map((id) => id.split('.')[1])).toEqual(stream.ids.map((_, index) => (index < base ? '1' : '2')))
    expect((await rowsOf(stage, 'frames', owned.id)).slice(0, kept.length)).toEqual(kept)
    expect((await rowsOf(stage, 'claims', owned.id)).map((claim) => [claim['fence'], claim['base'], claim['reason']])).toEqual([[1, 0, 'opened'], [2, base, 'takeover']])
    expect(await rowsOf(stage, 'runs', owned.id)).toEqual([expect.objectContaining({ fence: 2, state, last_seq: stream.ids.length })])
    return { stream, thread }
  }

  test.each(Object.entries(lives))('%s: another node goes on from there', async (_, { live, parts, called }) => {
    const left = await leaveBehind(stage, { live })
    const kept = await rowsOf(stage, 'frames', left.owned.id)
    const { ambit, keys, lines, model } = heirOf()
    await ambit.start()
    await ended(ambit, left.owned.id, 'completed')
    const { stream, thread } = await expectEnded(left, kept, 'completed')
    expect(await logged(lines, 'a run is taken over')).toMatchObject({ org_slug: 'acme', project_slug: 'apollo', run_id: left.owned.id })
    expect(keys).toHaveLength(called)
    expect(model.calls).toHaveLength(1)
    const message = must((await messagesOf(stage, ambit, { thread }))[1])
    expect(message.parts).toMatchObject(parts)
    expect(message.parts).toHaveLength(parts.length)
    expect(JSON.stringify(message.parts)).not.toContain('Lost.')
    expect(toolResults(model.calls[0])).toHaveLength(parts.filter((part) => 'toolCallId' in part).length)
    const replay = await answerTo(stage, ambit, { thread })
    expect(replay.chunks).toEqual(stream.chunks)
    expect(said((await answerTo(stage, ambit, { thread, text: 'And now?' })).chunks)).toBe('Now.')
  })

  /** What a dead node left of one call, and whether its heir makes it. */
  const standings: readonly [LedgerEffect, 'ready' | 'claimed', boolean][] = [
    ['read', 'claimed', true], ['read', 'ready', true], ['idempotent', 'claimed', true], ['idempotent', 'ready', true], ['write', 'ready', true], ['write', 'claimed', false],
  ]

  test.each(standings)('a call that acts (%s) and was %s: is it made again? %s', async (effect, state, again) => {
    const left = await leaveBehind(stage, {
      async live(pen) {
        pen.say({ type: 'start-step' })
        pen.say(callChunk('call_1', 'count'))
        await pen.commit({ step: { number: 1, ...unsettled, calls: [row('call_1', 0, effect, state)] } })
      },
    })
    const { ambit, keys, model } = heirOf(effect as Tool['effect'])
    await ambit.start()
    await ended(ambit, left.owned.id, 'completed')
    expect(keys).toEqual(again ? [`${left.owned.id}:call_1`] : [])
    expect(await rowsOf(stage, 'calls', left.owned.id)).toMatchObject([{ state: again ? 'done' : 'unknown' }])
    const [told] = toolResults(model.calls[0])
    expect(JSON.stringify(told?.output)).toContain(again ? '"counted"' : 'is not known')
    expectSound(await storedStream(left.owned.id))
  })

  test('an outcome that was recorded with its effect, and not told, is told and not made again', async () => {
    const left = await leaveBehind(stage, {
      async live(pen) {
        pen.say({ type: 'start-step' })
        pen.say(callChunk('call_1', 'count'))
        await pen.commit({ step: { number: 1, ...unsettled, calls: [row('call_1', 0, 'with-ledger')] } })
      },
    })
    const outcome = JSON.stringify(answered('call_1', 'recorded'))
    await stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.calls set state = 'done', outcome = $2 where run_id = $1`, [left.owned.id, outcome]))
    const { ambit, keys, model } = heirOf('write')
    await ambit.start()
    await ended(ambit, left.owned.id, 'completed')
    expect(keys).toEqual([])
    expect(toolResults(model.calls[0])).toMatchObject([{ output: { value: 'recorded' } }])
  })

  test.each(['only its start', 'words that were never committed', 'one of two calls settled'])('one that was to be stopped (%s) is stopped, and no model is called', async (life) => {
    const left = await leaveBehind(stage, must(lives[life]))
    const kept = await rowsOf(stage, 'frames', left.owned.id)
    await stage.database.superuser.transaction('', (sql) => sql.query('update ambit.runs set stop_requested = true where id = $1', [left.owned.id]))
    const { ambit, model, keys } = heirOf()
    await ambit.start()
    await ended(ambit, left.owned.id, 'stopped')
    const { stream } = await expectEnded(left, kept, 'stopped')
    expect(stream.chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' })
    expect([model.calls.length, keys.length]).toEqual([0, 0])
    for (const call of await rowsOf(stage, 'calls', left.owned.id)) expect(['done', 'failed']).toContain(call['state']) // they only read
  })

  test('a person who was removed in between gets no answer', async () => {
    const left = await leaveBehind(stage, must(lives['one of two calls settled']))
    const kept = await rowsOf(stage, 'frames', left.owned.id)
    const membership = (role: string) => stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.memberships set role = $1 where person_id = 'bob'`, [role]))
    await membership('viewer')
    onTestFinished(async () => void (await membership('member')))
    const { ambit, model, keys } = heirOf()
    await ambit.start()
    await ended(ambit, left.owned.id, 'failed')
    const { stream } = await expectEnded(left, kept, 'failed')
    expect(await runOf(stage, ambit, left.owned.id)).toMatchObject({ error_code: 'scope_changed' })
    expect(stream.chunks.at(-1)).toMatchObject({ type: 'error', errorText: expect.stringContaining('changed') as string })
    expect([model.calls.length, keys.length]).toEqual([0, 0])
  })

  test('a reader who comes back to another node, from any event of either attempt, has the one answer', async () => {
    const left = await leaveBehind(stage, must(lives['one finished step with a tool']))
    const { id } = left.owned
    const live = await left.journal.tail(id).next({ fence: 0, seq: 0 }, new AbortController().signal)
    if (live === 'elsewhere') throw new Error('The dead node’s frames were expected.')
    const { ambit } = heirOf()
    await ambit.start()
    await ended(ambit, id, 'completed')
    const full = await storedStream(id)
    const texts = full.text.split('\n\n').slice(0, -2).map((event) => `${event}\n\n`)
    const base = Number(must((await rowsOf(stage, 'claims', id)).at(-1))['base'])
    const ask = async (cursor: string) => {
      const response = await send(ambit, stage.world, 'bob', `${APOLLO}/runs/${id}/events`, { headers: { 'last-event-id': cursor } })
      return { status: response.status, text: (await response.text()).replace(/^: \n\n/, '') }
    }
    for (const [index, eventId] of full.ids.entries()) {
      const whole = `${texts.slice(index + 1).join('')}data: [DONE]\n\n`
      expect(await ask(eventId)).toEqual(index === texts.length - 1 ? { status: 204, text: '' } : { status: 200, text: whole })
    }
    const reset = `${must(texts[base]).replace('start-step', 'reset-step')}${texts.slice(base + 1).join('')}data: [DONE]\n\n`
    expect(live.length).toBeGreaterThan(base + 1)
    for (const { seq } of live.slice(base)) expect(await ask(`${id}.1.${seq}`)).toEqual({ status: 200, text: reset })
    expect((await ask(`${id}.2.${texts.length + 1}`)).status).toBe(409)
    expect((await ask(`${id}.3.1`)).status).toBe(409)
    expect((await ask(`${left.owned.id}x.1.1`)).status).toBe(400)
    await stage.database.superuser.transaction('', (sql) => sql.query('delete from ambit.frames where run_id = $1', [id]))
    await stage.database.superuser.transaction('', (sql) => sql.query('update ambit.runs set trimmed = true where id = $1', [id]))
    expect((await ask(`${id}.1.1`)).status).toBe(410)
    expect((await ask(must(full.ids.at(-1)))).status).toBe(204)
  })

  test('the run of a node whose lease lives is left alone; when the lease has ended it is not', async () => {
    const left = await leaveBehind(stage, must(lives['one finished step with a tool']))
    const lease = (expiry: string) =>
      stage.database.superuser.transaction('', (sql) =>
        sql.query(`insert into ambit.nodes (id, epoch, expires_at) values ('dead', 1, now() + $1::interval) on conflict (id) do update set expires_at = excluded.expires_at`, [expiry]))
    await lease('1 hour')
    onTestFinished(() => stage.database.superuser.transaction('', (sql) => sql.script(`delete from ambit.nodes where id = 'dead'`)))
    const kept = await rowsOf(stage, 'frames', left.owned.id)
    const { ambit } = heirOf()
    await ambit.start()
    expect(await rowsOf(stage, 'runs', left.owned.id)).toEqual([expect.objectContaining({ state: 'running', fence: 1, node_id: 'dead' })])
    expect(await rowsOf(stage, 'frames', left.owned.id)).toEqual(kept)
    const refused = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(left.thread, 'And now?', 'other') })
    expect(refused.status).toBe(409)
    await lease('-1 second')
    await ended(ambit, left.owned.id, 'completed') // by the next sweep
    await expectEnded(left, kept, 'completed')
  })

  test('many are all gone on with', async () => {
    const left = []
    for (let index = 0; index < 23; index += 1) left.push(await leaveBehind(stage))
    const { ambit } = heirOf()
    await ambit.start()
    for (const { owned } of left) await ended(ambit, owned.id, 'completed')
    expect(left).toHaveLength(23)
  }, 60_000)

  test('one that has taken ten nodes with it is ended', async () => {
    const left = await leaveBehind(stage)
    await stage.database.superuser.transaction('', (sql) =>
      sql.query(`insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch, reason)
                 select org_id, project_id, id, n, 1, 'x', 1, 'takeover' from ambit.runs, generate_series(2, 12) n where id = $1`, [left.owned.id]))
    await stage.database.superuser.transaction('', (sql) => sql.query('update ambit.runs set fence = 12 where id = $1', [left.owned.id]))
    const { ambit, model } = heirOf()
    await ambit.start()
    await ended(ambit, left.owned.id, 'failed')
    expect(await runOf(stage, ambit, left.owned.id)).toMatchObject({ error_code: 'interrupted' })
    expect(model.calls).toHaveLength(0)
  })

  test('its time goes on: who takes it over does not begin to count anew', async () => {
    const left = await leaveBehind(stage)
    await stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.runs set started_at = now() - interval '1 hour' where id = $1`, [left.owned.id]))
    const never = new Promise<never>(() => {})
    const { ambit } = heirOf('read', scriptedModel([never]))
    await ambit.start()
    await ended(ambit, left.owned.id, 'failed')
    expect(await runOf(stage, ambit, left.owned.id)).toMatchObject({ error_code: 'run_limit' })
  })

  test('a writer that comes back is refused, and writes nothing', async () => {
    const left = await leaveBehind(stage, must(lives['the model’s part of a step, its calls unsettled']))
    const { ambit } = heirOf()
    await ambit.start()
    await ended(ambit, left.owned.id, 'completed')
    const all = () => Promise.all((['frames', 'claims', 'runs', 'steps', 'calls'] as const).map((table) => rowsOf(stage, table, left.owned.id)))
    const before = await all()
    const message = await messagesOf(stage, ambit, { thread: left.thread })
    const { pen } = left
    await expect(pen.commit({ chunks: [answered('call_1', 'late')], settled: { id: 'call_1', state: 'done' } })).rejects.toThrow(FenceLost)
    await expect(pen.commit({ reads: [must(stage.world.ids['acme/zephyr'])] })).rejects.toThrow(FenceLost)
    await expect(pen.commit({ claimed: ['call_1'] })).rejects.toThrow(FenceLost)
    await expect(pen.drop()).rejects.toThrow(FenceLost)
    await expect(pen.finishStep([], { number: 1, ...unsettled, calls: [] })).rejects.toThrow(FenceLost)
    await expect(pen.end({ chunks: [], terminal: { type: 'finish', finishReason: 'stop' }, end: { state: 'completed', finishReason: 'stop', errorCode: null } })).rejects.toThrow(FenceLost)
    expect(await all()).toEqual(before)
    expect(await messagesOf(stage, ambit, { thread: left.thread })).toEqual(message)
  })

  test('what was said before counts: a run that grew too long grows no longer under another owner', async () => {
    const left = await leaveBehind(stage)
    const before: Chunk[] = [{ type: 'start-step' }, ...textChunks('1.1', 'x'.repeat(1_000))]
    const pen = (runBytes: number) =>
      createPen({ ...left.owned, before, lastSeq: before.length }, { rows: left.context.rows, limits: { ...DEFAULT_LIMITS, runBytes } }, { ...stage.database.handles, journal: memoryJournal(), holds: () => true })
    pen(10_000).say({ type: 'text-start', id: '2.1' })
    expect(() => pen(1_200).say({ type: 'text-start', id: '2.1' })).toThrow('grew too long')
  })

  test.runIf(kind.name === 'PostgreSQL')('a process that is killed in mid-answer: what it had committed is kept, and another goes on', async () => {
    const { source } = stage.database
    if (typeof source !== 'string') throw new Error('A PostgreSQL URL was expected.')
    const thread = `doomed-${stage.world.keys.bob.slice(-8)}`
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
    const { ambit } = heirOf()
    await ambit.start()
    const body = { id: thread, message: { id: 'q1', role: 'user', parts: [{ type: 'text', text: 'Go on.' }] } }
    const replay = await readStream(await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body })) // the lease has to end first
    expectSound(replay)
    expect(said(replay.chunks)).toBe('Now.')
    const firstStep = seen.slice(0, seen.indexOf('"type":"finish-step"'))
    expect(replay.text.startsWith(firstStep)).toBe(true)
    expect(must((await messagesOf(stage, ambit, { thread }))[1]).parts).toMatchObject([
      { type: 'step-start' }, { type: 'dynamic-tool', output: 1 }, { type: 'step-start' }, { type: 'text', text: 'Now.' },
    ])
  })
})
