import { grammarFaults, idFaults } from '../grammar.ts'
import type { RawChunk } from '../grammar.ts'
import type { Effect } from './effect-ledger.ts'
import type { HeldFrame, History, Reader } from './history.ts'
import { deedsOf } from './plan.ts'
import type { ActName, Plan } from './plan.ts'
import type { Recorded, RecordedCall, RecordedRun } from './record.ts'
import { wordsIn } from './scripted-llm.ts'
import type { KeptFrame } from './split-frames.ts'

const TERMINAL = new Set(['finish', 'abort', 'error'])

/** What was seen of a fault test from all its sides: the database, the clients, the world outside. */
export interface Seen {
  readonly recorded: Recorded
  readonly histories: readonly History[]
  readonly effects: readonly Effect[]
}

/**
 * What must hold after every fault, whatever it was. Answers what does not, in words that name the run: an empty list is
 * the proof. Resuming from every place is asked of the nodes themselves, in `resume-faults.ts`.
 */
export function invariantFaults(seen: Seen): readonly string[] {
  const { recorded, histories } = seen
  return [
    ...histories.flatMap((history) => messageFaults(history, recorded)),
    ...recorded.runs.flatMap((run) => [...endFaults(run), ...recordFaults(run, recorded), ...fenceFaults(run, recorded)].map((fault) => `${run.id}: ${fault}`)),
    ...histories.flatMap((history) => history.readers.flatMap((reader, index) => readerFaults(reader, history, recorded).map((fault) => `${history.plan.id}, reader ${index}: ${fault}`))),
    ...histories.flatMap((history) => effectFaults(history.plan, seen)),
    ...overlapFaults(recorded.runs),
  ]
}

/** I1: an acknowledged message is there, once, with its run; no answer that came was for another one. */
function messageFaults({ plan, messageId, runId, posts }: History, { messages, runs }: Recorded): string[] {
  const own = messages.filter((one) => one.client_id === messageId)
  const answering = runs.filter((run) => own.some((one) => one.id === run.user_message_id))
  if (runId === null) return own.length > 1 ? [`${plan.id}: stored ${own.length} times, and never acknowledged`] : []
  if (own.length !== 1) return [`${plan.id}: acknowledged (${posts.join(', ')}) and stored ${own.length} times`]
  return answering.length === 1 && answering[0]?.id === runId ? [] : [`${plan.id}: acknowledged as ${runId}, and answered by ${answering.map((run) => run.id).join(', ') || 'no run'}`]
}

/** I10: every run ends. */
function endFaults({ state, ended }: RecordedRun): string[] {
  return state === 'queued' || state === 'running' || ended === null ? [`is ${state} after everything`] : []
}

/** I3, I6, I7, and that no two attempts of a model call are mixed in what was kept. */
function recordFaults(run: RecordedRun, { frames }: Recorded): string[] {
  const kept = frames.get(run.id) ?? []
  const terminals = kept.filter((frame) => TERMINAL.has(frame.type))
  const chunks = kept.map((frame) => JSON.parse(frame.data) as RawChunk)
  const faults = [...grammarFaults(chunks, true), ...idFaults(kept.map((frame) => frame.id)), ...mixtures(kept)]
  if (kept.length !== run.last_seq) faults.push(`keeps ${kept.length} frames and says ${run.last_seq}`)
  if (terminals.length !== 1 || terminals[0] !== kept.at(-1)) faults.push(`has terminal frames at ${terminals.map((frame) => frame.seq).join(', ') || 'no place'} of ${kept.length}`)
  return faults
}

/** The words of each step are of one model call, whole up to where it was cut. */
function mixtures(kept: readonly KeptFrame[]): string[] {
  const words = wordsIn(kept.map((frame) => (JSON.parse(frame.data) as { delta?: string }).delta ?? '').join(''))
  return words.flatMap(({ step, attempt, word }, index) => {
    const before = words[index - 1]
    const begins = word === 0 && before?.step !== step
    const goesOn = before?.step === step && before.attempt === attempt && word === before.word + 1
    return begins || goesOn ? [] : [`says ${step}:${attempt}:${word} after ${before ? `${before.step}:${before.attempt}:${before.word}` : 'nothing'}`]
  })
}

/** I9: claims count up with bases that do not fall, and each frame was said under the fence that owned its place. */
function fenceFaults(run: RecordedRun, { claims, frames, calls, steps }: Recorded): string[] {
  const own = claims.filter((claim) => claim.run_id === run.id)
  const faults = own.flatMap(({ fence, base }, index) =>
    fence === index + 1 && base >= (own[index - 1]?.base ?? 0) ? [] : [`claim ${index + 1} has fence ${fence} and base ${base}`],
  )
  if (own.length !== run.fence) faults.push(`has fence ${run.fence} and ${own.length} claims`)
  for (const { fence, seq } of frames.get(run.id) ?? []) {
    const owner = own.findLast((claim) => claim.base < seq)?.fence
    if (owner !== fence) faults.push(`frame ${seq} is of fence ${fence}, where ${owner ?? 'nobody'} wrote`)
  }
  const later = [...calls, ...steps].filter((row) => row.run_id === run.id && row.fence > run.fence)
  return later.length > 0 ? [...faults, 'has rows of a fence that it never had'] : faults
}

/** I3 and I5 for one reader: what it holds is what was kept, or the reader was told to drop the difference. */
function readerFaults(reader: Reader, { runId }: History, { frames }: Recorded): string[] {
  if (runId === null) return reader.held.length > 0 ? ['has frames of a run that was never acknowledged'] : []
  const kept = frames.get(runId) ?? []
  const refused = reader.readings.filter((reading) => reading.end === 'refused').map((reading) => `was refused with ${reading.status}: ${reading.detail}`)
  const closed = reader.readings.filter((reading) => reading.end === 'closed').map((reading) => `a stream of ${reading.node} ended as if it were whole`)
  const { left, faults } = afterResets(reader.held)
  const terminals = left.filter((frame) => TERMINAL.has(typeOf(frame)))
  const differs = left.findIndex((frame, index) => frame.data !== kept[index]?.data || !sameWord(frame, kept[index]))
  const all = [...refused, ...closed, ...faults]
  if (differs >= 0) all.push(`holds ${left[differs]?.id} ${left[differs]?.data} at ${differs + 1}, where ${kept[differs]?.id ?? 'nothing'} ${kept[differs]?.data ?? ''} was kept`)
  if (terminals.length > 1) all.push('has seen more than one end')
  if (reader.whole && left.length !== kept.length) all.push(`was told that ${left.length} of ${kept.length} frames are all`)
  if (!reader.whole) all.push(`never came to the end: ${JSON.stringify(reader.readings.slice(-3))}`)
  return all
}

/** A reset-step stands in the place of the start-step that begins the new attempt, so that one alone keeps the id of the dropped attempt. */
function sameWord(held: HeldFrame, kept: KeptFrame | undefined): boolean {
  return kept !== undefined && (held.id === kept.id || kept.type === 'start-step')
}

/** As a client applies it: everything after the last start-step is gone, and that start-step stays. */
export function afterResets(held: readonly HeldFrame[]): { readonly left: readonly HeldFrame[]; readonly faults: readonly string[] } {
  const left: HeldFrame[] = []
  const faults: string[] = []
  for (const frame of held) {
    if (typeOf(frame) !== 'reset-step') {
      left.push(frame)
      continue
    }
    const start = left.findLastIndex((one) => typeOf(one) === 'start-step')
    if (start < 0) faults.push(`${frame.id} resets a step that never began`)
    else if (left.slice(start).some((one) => typeOf(one) === 'finish-step')) faults.push(`${frame.id} resets a step that was finished`)
    left.splice(start + 1)
  }
  return { left, faults }
}

function typeOf({ data }: Pick<HeldFrame, 'data'>): string {
  return (JSON.parse(data) as { type: string }).type
}

/** I2: what acts, acts at most once, and as often as its record says; what takes a key acts under one. */
function effectFaults(plan: Plan, { recorded, effects }: Seen): string[] {
  return deedsOf(plan).flatMap(({ deed, name }) => {
    const calls = recorded.calls.filter((call) => (JSON.parse(call.input) as { deed?: string }).deed === deed)
    if (calls.length > 1) return [`${deed} (${name}) was called under ${calls.length} ids`]
    const done = effects.filter((effect) => effect.deed === deed)
    const booked = recorded.bookings.filter((one) => one === deed).length
    const keys = new Set(done.map((effect) => effect.key)).size
    return stateFaults(name, calls[0], { times: name === 'book' ? booked : done.length, keys }).map((fault) => `${deed} (${name}): ${fault}`)
  })
}

/** What is said of a call that a dead owner left: `pay` has a key, so it is repeated. One that failed itself, because its process stood still, may have acted. */
const NOT_REPEATED = /was not repeated/

function stateFaults(name: ActName, call: RecordedCall | undefined, { times, keys }: { times: number; keys: number }): string[] {
  if (name === 'look') return call?.state === 'unknown' ? ['a tool that only reads is left unknown'] : []
  const most = name === 'pay' ? Infinity : 1
  const faults: string[] = []
  if (times > most) faults.push(`acted ${times} times`)
  if (name === 'pay' && keys > 1) faults.push(`acted under ${keys} keys`)
  if (call === undefined && times > 0) faults.push('acted without a record')
  if (call?.state === 'done' && times === 0) faults.push('is recorded as done and was not')
  if (name === 'book' && times !== (call?.state === 'done' ? 1 : 0)) faults.push(`is ${call?.state ?? 'not recorded'} and was committed ${times} times`)
  if (call?.state === 'unknown' && (name === 'book' || (name === 'pay' && NOT_REPEATED.test(call.outcome ?? '')))) faults.push('is unknown, and need not be')
  return faults
}

/** I8, looked at afterwards: no two runs of a thread were under way at once, and each came after all whose messages stand before its own. */
function overlapFaults(runs: readonly RecordedRun[]): string[] {
  return runs.flatMap((run, index) => {
    const before = runs.slice(0, index).filter((one) => one.thread_id === run.thread_id && (one.ended ?? Infinity) > run.began)
    return before.map((one) => `${run.id} began before ${one.id} had ended`)
  })
}

/** I15: a test that breaks everything proves nothing. How many questions came to a whole answer. */
export function succeeded({ recorded, histories }: Pick<Seen, 'recorded' | 'histories'>): number {
  return histories.filter(({ runId, readers }) => readers.every((reader) => reader.whole) && recorded.runs.some((run) => run.id === runId && run.state === 'completed')).length
}
