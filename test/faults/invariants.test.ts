import { describe, expect, test } from 'vitest'
import { formatCursor } from '../../src/lib/journal/cursor.ts'
import { encodeEvent } from '../../src/lib/wire/encode-event.ts'
import type { Chunk } from '../../src/lib/wire/chunk.ts'
import type { HeldFrame, History } from '../support/faults/history.ts'
import { afterResets, invariantFaults, succeeded } from '../support/faults/invariants.ts'
import type { Seen } from '../support/faults/invariants.ts'
import { seeded } from '../support/faults/seeded.ts'
import { splitFrames } from '../support/faults/split-frames.ts'

// A checker that never finds anything proves nothing: each of these is a sound test with one thing wrong.

const RUN = 'run_1'
const STEP = [
  { type: 'start-step' },
  { type: 'text-start', id: '1.1' },
  { type: 'text-delta', id: '1.1', delta: '1:7:0 ' },
  { type: 'text-delta', id: '1.1', delta: '1:7:1 ' },
  { type: 'text-end', id: '1.1' },
  { type: 'tool-input-available', toolCallId: 'c1', toolName: 'act', input: { deed: 'q/1/0' }, dynamic: true },
  { type: 'tool-output-available', toolCallId: 'c1', output: { did: 'q/1/0' }, dynamic: true },
  { type: 'finish-step' },
]
const CHUNKS = [{ type: 'start', messageId: 'm_2' }, ...STEP, { type: 'finish', finishReason: 'stop' }] as Chunk[]

/** Under fence 1 up to the start-step's place, then under fence 2: the first attempt was dropped. */
function keptText(chunks: readonly Chunk[] = CHUNKS): string {
  return chunks.map((chunk, index) => encodeEvent(formatCursor({ runId: RUN, fence: index === 0 ? 1 : 2, seq: index + 1 }), chunk)).join('')
}

const at = 0
const dropped: HeldFrame[] = [
  { id: `${RUN}.1.1`, data: JSON.stringify(CHUNKS[0]), at },
  { id: `${RUN}.1.2`, data: '{"type":"start-step"}', at },
  { id: `${RUN}.1.3`, data: '{"type":"text-start","id":"1.1"}', at },
]
const reset: HeldFrame = { id: `${RUN}.2.2`, data: '{"type":"reset-step"}', at }

function sound(text = keptText()): Seen {
  const kept = splitFrames([text])
  const held = kept.map(({ id, data }) => ({ id, data, at }))
  const history: History = {
    plan: { id: 'q', steps: [{ words: 2, calls: ['act'] }], paceMs: 1 },
    thread: 't', messageId: 'm-q', posts: [200], runId: RUN,
    readers: [
      { readings: [], held, whole: true },
      { readings: [], held: [...dropped, reset, ...held.slice(2)], whole: true },
    ],
  }
  return {
    histories: [history],
    effects: [{ name: 'act', deed: 'q/1/0', key: 'k' }],
    recorded: {
      runs: [{ id: RUN, thread_id: 'T', user_message_id: 'm_1', message_id: 'm_2', state: 'completed', finish_reason: 'stop', error_code: null, fence: 2, last_seq: kept.length, began: 1, ended: 2 }],
      claims: [{ run_id: RUN, fence: 1, base: 0, reason: 'opened' }, { run_id: RUN, fence: 2, base: 1, reason: 'takeover' }],
      calls: [{ run_id: RUN, id: 'c1', step: 1, name: 'act', input: '{"deed":"q/1/0"}', state: 'done', fence: 2, outcome: '{}' }],
      steps: [{ run_id: RUN, number: 1, fence: 2 }],
      messages: [{ id: 'm_1', thread_id: 'T', client_id: 'm-q', role: 'user' }],
      frames: new Map([[RUN, kept]]),
      bookings: [],
    },
  }
}

type Change = (seen: Seen) => Seen

const record = (more: Partial<Seen['recorded']>): Change => (seen) => ({ ...seen, recorded: { ...seen.recorded, ...more } })
const run = (more: Partial<Seen['recorded']['runs'][number]>): Change => (seen) =>
  ({ ...seen, recorded: { ...seen.recorded, runs: seen.recorded.runs.map((one) => ({ ...one, ...more })) } })
const calls = (more: Partial<Seen['recorded']['calls'][number]>): Change => (seen) =>
  ({ ...seen, recorded: { ...seen.recorded, calls: seen.recorded.calls.map((one) => ({ ...one, ...more })) } })
const reader = (change: (held: readonly HeldFrame[]) => readonly HeldFrame[], more: Partial<History['readers'][number]> = {}): Change => (seen) =>
  ({ ...seen, histories: seen.histories.map((one) => ({ ...one, readers: one.readers.map((reading) => ({ ...reading, ...more, held: change(reading.held) })) })) })

const faulty: Readonly<Record<string, readonly [Change, RegExp]>> = {
  'a message that was acknowledged is not there': [record({ messages: [] }), /stored 0 times/],
  'a message is there twice': [(seen) => record({ messages: [...seen.recorded.messages, ...seen.recorded.messages] })(seen), /stored 2 times/],
  'another run than the acknowledged one answers': [(seen) => ({ ...seen, histories: seen.histories.map((one) => ({ ...one, runId: 'run_2' })) }), /acknowledged as run_2/],
  'a run does not end': [run({ state: 'running', ended: null }), /is running/],
  'a frame is missing in the middle': [() => sound(keptText().replace(/id: run_1\.2\.4\n.*\n\n/, '')), /seq 5 at 4/],
  'the terminal frame is missing': [() => sound(keptText(CHUNKS.slice(0, -1))), /terminal/],
  'words of two attempts are mixed': [() => sound(keptText().replace('1:7:1', '1:8:1')), /says 1:8:1 after 1:7:0/],
  'a fence falls': [() => sound(keptText().replace('run_1.2.9', 'run_1.1.9')), /frame 9 is of fence 1/],
  'a claim is missing': [(seen) => record({ claims: seen.recorded.claims.slice(0, 1) })(seen), /has fence 2 and 1 claims/],
  'a row is of a fence above the run’s': [calls({ fence: 3 }), /of a fence that it never had/],
  'an acting tool acted twice': [(seen) => ({ ...seen, effects: [...seen.effects, ...seen.effects] }), /acted 2 times/],
  'an acting tool is recorded as done and was not': [(seen) => ({ ...seen, effects: [] }), /done and was not/],
  'an effect came again under a new id': [(seen) => record({ calls: [...seen.recorded.calls, ...seen.recorded.calls] })(seen), /called under 2 ids/],
  'an effect has no record': [record({ calls: [] }), /without a record/],
  'a reader saw a frame that was not kept': [reader((held) => held.map((frame) => (frame.id.endsWith('.4') ? { ...frame, data: '{"type":"text-delta","id":"1.1","delta":"?"}' } : frame))), /holds run_1\.2\.4/],
  'a reader was never told of a dropped attempt': [reader((held) => held.filter((frame) => !frame.data.includes('reset-step'))), /reader 1: holds/],
  'a reader was told too early that this is all': [reader((held) => held.slice(0, -2)), /are all/],
  'a reader never came to the end': [reader((held) => held, { whole: false }), /never came to the end/],
  'a stream ended as if it were whole': [
    reader((held) => held, { readings: [{ node: 'n', after: null, status: 200, frames: 1, end: 'closed', detail: '' }] }), /as if it were whole/,
  ],
  'a message was answered before one that stood in front of it': [
    (seen) => record({ runs: seen.recorded.runs.flatMap((one) => [{ ...one, began: 5, ended: 6 }, { ...one, began: 3, ended: 4 }, { ...one, began: 7, ended: 8 }]) })(seen), /began before/,
  ],
  'two runs of a thread were under way at once': [(seen) => record({ runs: seen.recorded.runs.flatMap((one) => [one, { ...one, began: 1.5, ended: 3 }]) })(seen), /began before/],
}

describe('what must hold after every fault', () => {
  test('holds for a sound record', () => {
    expect(invariantFaults(sound())).toEqual([])
    expect(succeeded(sound())).toBe(1)
  })

  test.each(Object.entries(faulty))('is seen not to hold where %s', (_, [change, said]) => {
    expect(invariantFaults(change(sound())).join('\n')).toMatch(said)
  })

  test.each([
    ['pay', 3, 1, []],
    ['pay', 2, 2, ['q/1/0 (pay): acted under 2 keys']],
    ['act', 1, 1, []],
  ] as const)('%s acted %d times under %d keys', (name, times, keys, faults) => {
    const seen = sound()
    const effects = Array.from({ length: times }, (__, index) => ({ name, deed: 'q/1/0', key: `k${index % keys}` }))
    const histories = seen.histories.map((one) => ({ ...one, plan: { ...one.plan, steps: [{ words: 2, calls: [name] }] } }))
    expect(invariantFaults({ ...seen, histories, effects })).toEqual(faults)
  })

  test('a reset takes what came after the last start-step, and nothing that was finished', () => {
    expect(afterResets([...dropped, reset]).left).toEqual(dropped.slice(0, 2))
    expect(afterResets([...dropped, { ...reset, data: '{"type":"finish-step"}' }, reset]).faults).toEqual([`${RUN}.2.2 resets a step that was finished`])
  })

  test('a run of which most came to nothing does not count', () => {
    const seen = sound()
    expect(succeeded(run({ state: 'failed' })(seen))).toBe(0)
  })
})

test('the same seed makes the same choices, another one others', () => {
  const draw = (seed: number) => Array.from({ length: 20 }, () => seeded(seed).between(0, 1_000_000)).concat(Array.from({ length: 5 }, seedsOf(seed)))
  const seedsOf = (seed: number) => {
    const chance = seeded(seed)
    return () => chance.between(0, 9)
  }
  expect(draw(7)).toEqual(draw(7))
  expect(draw(7)).not.toEqual(draw(8))
  const many = Array.from({ length: 1_000 }, (_, index) => seeded(index).between(1, 4))
  expect(new Set(many)).toEqual(new Set([1, 2, 3, 4]))
})
