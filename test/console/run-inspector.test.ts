import { afterEach, describe, expect, test, vi } from 'vitest'
import { durationOf } from '../../console/src/design/duration.ts'
import { fateOf, spendingOf } from '../../console/src/inspector/manifest-segments.ts'
import type { Slice } from '../../console/src/inspector/manifest-segments.ts'
import { followRunEvents } from '../../console/src/inspector/run-events.ts'
import type { RunEvent } from '../../console/src/inspector/run-events.ts'
import { ticksOf, timelineOf } from '../../console/src/inspector/timeline-rows.ts'
import type { Call, Claim, RunDetail, Step } from '../../src/lib/http/run-schema.ts'

const ZERO = Date.parse('2026-11-23T06:00:00.000Z')
const at = (ms: number) => new Date(ZERO + ms).toISOString()

function step(number: number, from: number, to: number, first: number | null = null): Step {
  return { number, finish_reason: 'stop', usage: {}, started_at: at(from), first_at: first === null ? null : at(first), answered_at: at(to), ended_at: at(to) }
}

function call(id: string, from: number | null, to: number | null, more: Partial<Call> = {}): Call {
  return { id, step: 1, place: 0, name: id, effect: 'read', state: 'done', input: {}, output: null, error: null, cut: false, claimed_at: from === null ? null : at(from), settled_at: to === null ? null : at(to), ...more }
}

const opened: Claim = { fence: 1, node: 'a', reason: 'opened', claimed_at: at(0), base: 0 }

function run(more: Partial<RunDetail>): RunDetail {
  return {
    id: 'run_1', thread_id: 'thr_1', thread_title: 'A', user_message_id: 'm', message_id: 'n', author_id: 'ada', author_name: null, model: 'offline', state: 'completed', finish_reason: 'stop', error_code: null,
    created_at: at(0), ended_at: at(1_000), step_count: 0, usage: { input_tokens: null, output_tokens: null, unknown: false }, thread: { id: 'thr_1', title: 'A' }, scope: null, claims: [opened], steps: [], calls: [], manifest: null, ...more,
  }
}

const bars = (detail: RunDetail, now = 0) => timelineOf(detail, ZERO + now).rows.map(({ label, from, to, wrong }) => [label, from, to, wrong])

describe('the timeline', () => {
  test('has steps and calls in the order in which they began, as long as they took', () => {
    const detail = run({ steps: [step(1, 10, 100, 30), step(2, 300, 1_000)], calls: [call('b', 120, 280), call('a', 100, 150)] })
    expect(bars(detail)).toEqual([['Step 1: the model', 10, 100, null], ['a', 100, 150, null], ['b', 120, 280, null], ['Step 2: the model', 300, 1_000, null]])
    expect(timelineOf(detail, ZERO)).toMatchObject({ length: 1_000, marks: [] })
    expect(timelineOf(detail, ZERO).rows[0]?.first).toBe(30)
  })

  test('grows while a model speaks whose step is not committed yet', () => {
    const detail = run({ state: 'running', ended_at: null, steps: [step(1, 10, 100)], calls: [call('a', 100, 150)] })
    expect(bars({ ...detail, steps: [{ ...step(1, 10, 100), ended_at: at(150) }] }, 500)).toEqual([['Step 1: the model', 10, 100, null], ['a', 100, 150, null], ['Step 2: the model', 150, null, null]])
    expect(timelineOf(detail, ZERO + 500).length).toBe(500)
  })

  test('waits for a call before the model speaks again, and shows one that nobody took up yet', () => {
    const detail = run({ state: 'running', ended_at: null, steps: [{ ...step(1, 10, 100), ended_at: null }], calls: [call('a', 110, null), call('b', null, null, { state: 'ready' })] })
    expect(bars(detail, 500)).toEqual([['Step 1: the model', 10, 100, null], ['b', 100, null, null], ['a', 110, null, null]])
  })

  test('says of calls what is wrong with them', () => {
    const calls = [call('failed', 100, 150, { state: 'failed' }), call('unknown', 110, 150, { state: 'unknown' }), call('open', 120, null, { state: 'claimed' }), call('never', null, null, { state: 'ready' })]
    const detail = run({ state: 'stopped', steps: [step(1, 10, 100)], calls })
    expect(bars(detail).slice(1)).toEqual([['failed', 100, 150, 'failed'], ['never', 100, 1_000, 'never begun'], ['unknown', 110, 150, 'outcome unknown'], ['open', 120, 1_000, 'never ended']].sort((one, other) => Number(one[1]) - Number(other[1])))
  })

  test('begins with the time in line, also of a run whose turn never came', () => {
    const waiting: Claim = { ...opened, node: null }
    expect(bars(run({ state: 'queued', ended_at: null, claims: [waiting] }), 700)).toEqual([['Waits for its turn', 0, null, null]])
    expect(bars(run({ claims: [waiting, { ...opened, fence: 2, reason: 'started', claimed_at: at(400) }], steps: [step(1, 410, 900)] }))[0]).toEqual(['Waited for its turn', 0, 400, null])
    expect(bars(run({ state: 'stopped', claims: [waiting] }))).toEqual([['Waited for its turn', 0, 1_000, null]])
    expect(bars(run({ state: 'failed' }))).toEqual([])
  })

  test('marks who took it over', () => {
    const { marks } = timelineOf(run({ claims: [opened, { ...opened, fence: 2, node: 'b', reason: 'takeover', claimed_at: at(600) }] }), ZERO)
    expect(marks).toEqual([{ at: 600, label: expect.stringContaining('Taken over by b') as string }])
  })

  test('has an axis of round times, two to seven of them', () => {
    expect(ticksOf(1_070)).toEqual({ apart: 200, ticks: [0, 200, 400, 600, 800, 1_000] })
    const counts = [1, 7, 53, 999, 4_321, 60_000, 61_000, 247_000, 900_000, 5_400_000, 90_000_000].map((length) => ticksOf(length).ticks.length)
    expect(Math.min(...counts)).toBeGreaterThan(1)
    expect(Math.max(...counts)).toBeLessThan(8)
  })
})

describe('the manifest', () => {
  const slice = (source: string, told: number, tokens = told, more: Partial<Slice> = {}): Slice => ({ source, scope: 'project', told, tokens, outcome: told === tokens ? 'kept' : told === 0 ? 'dropped' : 'cut', reason: null, ...more })

  test('is spent by source, the largest first, with a number each', () => {
    const { segments, told, left, slicesLeft } = spendingOf({ budget: 1_000, entries: [slice('rules', 100), slice('history', 400, 900), slice('rules', 50), slice('documents', 0, 70)] })
    expect(segments.map(({ source, number, told: tokens, share, series }) => [source, number, tokens, share, series])).toEqual([['history', 1, 400, 0.4, 1], ['rules', 2, 150, 0.15, 2]])
    expect([told, left, slicesLeft]).toEqual([550, 570, 2])
  })

  test('never overflows its bar, and a seventh source has the first series again', () => {
    const { segments } = spendingOf({ budget: 10, entries: [1, 2, 3, 4, 5, 6, 7].map((tokens) => slice(`s${tokens}`, tokens)) })
    expect(segments.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1)
    expect(segments.map(({ series }) => series)).toEqual([1, 2, 3, 4, 5, 6, 1])
    expect(spendingOf({ budget: 0, entries: [] })).toMatchObject({ segments: [], told: 0, left: 0 })
  })

  test('says in words what became of a slice', () => {
    expect(fateOf(slice('rules', 10))).toBe('told whole')
    expect(fateOf(slice('history', 4, 9, { reason: 'budget', messages: { told: 41, of: 56 } }))).toBe('cut: the budget went to what matters more (41 of 56 messages)')
    expect(fateOf(slice('invoices', 0, 0, { outcome: 'dropped', reason: 'not_found' }))).toBe('left out: there is no such thing here')
  })
})

test('a duration is told in units that fit, and never as 60 of one', () => {
  const told = [0, 839.6, 999.6, 3_210, 9_960, 59_400, 59_600, 60_000, 119_700, 250_000, 3_599_700, 3_600_000, 7_500_000].map(durationOf)
  expect(told).toEqual(['0 ms', '840 ms', '1.0 s', '3.2 s', '10 s', '59 s', '1 min', '1 min', '2 min', '4 min 10 s', '1 h', '1 h', '2 h 5 min'])
})

describe('the events of a run', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
  })

  const event = (seq: number, type = 'text-delta', rest = '') => `id: run_1.1.${seq}\ndata: {"type":"${type}"${rest}}\n\n`
  const DONE = 'data: [DONE]\n\n'

  /** What is answered, one after the other: the parts of a stream, that may break off, or a response. */
  function answer(...answers: readonly (Response | readonly (string | Error)[])[]) {
    const asked: (string | null)[] = []
    vi.stubGlobal('fetch', (_url: string, { headers }: { headers?: Record<string, string> }) => {
      const next = answers[asked.length]
      asked.push(headers?.['last-event-id'] ?? null)
      if (next === undefined) throw new Error('Nothing more was expected to be asked.')
      return Promise.resolve(next instanceof Response ? next : new Response(streamOf(next)))
    })
    return asked
  }

  function streamOf(parts: readonly (string | Error)[]): ReadableStream<Uint8Array> {
    const left = [...parts]
    return new ReadableStream({
      pull(controller) {
        const part = left.shift()
        if (part === undefined) controller.close()
        else if (part instanceof Error) controller.error(part)
        else controller.enqueue(new TextEncoder().encode(part))
      },
    })
  }

  async function hear(signal = new AbortController().signal): Promise<RunEvent[]> {
    const heard: RunEvent[] = []
    for await (const events of followRunEvents('/events', signal)) heard.push(...events)
    return heard
  }

  test('come whole, wherever the stream is cut, without heartbeats and the end', async () => {
    const text = `: beat\n\n${event(1, 'start')}${event(2, 'text-delta', ',"delta":"a\u2028 data: b"')}${DONE}`
    for (const cut of [1, 9, 20, 47, 90]) {
      answer([text.slice(0, cut), text.slice(cut)])
      expect((await hear()).map(({ id, type, text: data }) => [id, type, data])).toEqual([['run_1.1.1', 'start', '{"type":"start"}'], ['run_1.1.2', 'text-delta', '{"type":"text-delta","delta":"a\u2028 data: b"}']])
    }
  })

  test('go on after a break with the next one, and after a server that was busy', async () => {
    vi.useFakeTimers()
    const busy = Response.json({ code: 'unavailable', detail: 'Busy.' }, { status: 503, headers: { 'content-type': 'application/problem+json' } })
    const asked = answer([event(1), event(2).slice(0, 12), new Error('cut')], busy, [event(2), DONE])
    const heard = hear()
    await vi.runAllTimersAsync()
    expect((await heard).map(({ id }) => id)).toEqual(['run_1.1.1', 'run_1.1.2'])
    expect(asked).toEqual([null, 'run_1.1.1', 'run_1.1.1'])
  })

  test('end where nothing more comes, and throw a refusal that stays', async () => {
    answer(new Response(null, { status: 204 }))
    expect(await hear()).toEqual([])
    answer(Response.json({ code: 'gone', detail: 'The events of this run are no longer kept.' }, { status: 410, headers: { 'content-type': 'application/problem+json' } }))
    await expect(hear()).rejects.toThrow('no longer kept')
  })

  test('are not asked for any more once nobody listens', async () => {
    const leaving = new AbortController()
    answer([event(1)])
    const heard = hear(leaving.signal)
    setTimeout(() => leaving.abort(), 50)
    await expect(heard).rejects.toThrow('aborted')
  })
})
