import type { Call, Claim, RunDetail, Step } from '../../../src/lib/http/run-schema.ts'

/** A bar of the waterfall. Times are milliseconds from the run's beginning. */
export interface TimelineRow {
  readonly key: string
  readonly kind: 'wait' | 'model' | 'tool'
  readonly label: string
  readonly from: number
  /** Null: it goes on. */
  readonly to: number | null
  /** When the first word came; null: not known, or no model. */
  readonly first: number | null
  /** Null: it is not committed yet, or this is no step. */
  readonly step: Step | null
  readonly call: Call | null
  /** What is not as it should be, in a word or two. */
  readonly wrong: string | null
}

/** Something that happened to the run as a whole. */
export interface TimelineMark {
  readonly at: number
  readonly label: string
}

export interface Timeline {
  readonly rows: readonly TimelineRow[]
  readonly marks: readonly TimelineMark[]
  /** How long the axis is. */
  readonly length: number
}

/** All that took time, in the order in which it began. `now` ends what goes on. */
export function timelineOf(run: RunDetail, now: number): Timeline {
  const zero = Date.parse(run.created_at)
  const since: Since = (at) => Math.max(0, Date.parse(at) - zero)
  const rows = [...waitOf(run, since), ...run.steps.map((step) => stepRow(step, since)), ...run.calls.flatMap((call) => callRow(call, run, since)), ...speakingOf(run, since)]
  rows.sort((one, other) => one.from - other.from || ORDER[one.kind] - ORDER[other.kind])
  const marks = run.claims.flatMap((claim) => markOf(claim, since))
  const end = run.ended_at === null ? Math.max(0, now - zero) : since(run.ended_at)
  return { rows, marks, length: Math.max(1, end, ...rows.map(({ from, to }) => to ?? from), ...marks.map(({ at }) => at)) }
}

type Since = (at: string) => number

const ORDER = { wait: 0, model: 1, tool: 2 } as const
const BLANK = { first: null, step: null, call: null, wrong: null } as const

/** A message that came while another was answered waits for its turn. */
function waitOf({ state, claims, ended_at }: RunDetail, since: Since): readonly TimelineRow[] {
  const started = claims.find(({ reason }) => reason === 'started')?.claimed_at
  const never = claims.length > 0 && claims.every(({ node }) => node === null) ? ended_at : null
  const until = started ?? never
  if (state !== 'queued' && !until) return []
  return [{ ...BLANK, key: 'wait', kind: 'wait', label: until ? 'Waited for its turn' : 'Waits for its turn', from: 0, to: until ? since(until) : null }]
}

function stepRow(step: Step, since: Since): TimelineRow {
  const { number, started_at, first_at, answered_at } = step
  return { ...BLANK, key: `step ${number}`, kind: 'model', label: `Step ${number}: the model`, from: since(started_at ?? answered_at), to: since(answered_at), first: first_at === null ? null : since(first_at), step }
}

/** A call that nobody took up yet waits from the moment at which its model had ended. */
function callRow(call: Call, { steps, ended_at }: RunDetail, since: Since): readonly TimelineRow[] {
  const from = call.claimed_at ?? steps.find(({ number }) => number === call.step)?.answered_at
  if (from === undefined) return []
  const to = call.settled_at ?? ended_at
  return [{ ...BLANK, key: `call ${call.id}`, kind: 'tool', label: call.name, from: since(from), to: to === null ? null : since(to), call, wrong: wrongWith(call, ended_at !== null) }]
}

function wrongWith({ state, claimed_at, settled_at }: Call, over: boolean): string | null {
  if (state === 'failed') return 'failed'
  if (state === 'unknown') return 'outcome unknown'
  if (!over || settled_at !== null) return null
  return claimed_at === null ? 'never begun' : 'never ended'
}

/** A model that speaks now has no step yet: that is committed with its end. */
function speakingOf({ state, steps, calls, claims, created_at }: RunDetail, since: Since): readonly TimelineRow[] {
  if (state !== 'running' || calls.some(({ settled_at }) => settled_at === null)) return []
  const before = [created_at, ...claims.map(({ claimed_at }) => claimed_at), ...steps.map(({ ended_at, answered_at }) => ended_at ?? answered_at)]
  const number = (steps.at(-1)?.number ?? 0) + 1
  return [{ ...BLANK, key: `step ${number}`, kind: 'model', label: `Step ${number}: the model`, from: Math.max(...before.map(since)), to: null }]
}

/** What changed who drives it. */
function markOf({ reason, claimed_at, node }: Claim, since: Since): readonly TimelineMark[] {
  if (reason === 'takeover') return [{ at: since(claimed_at), label: `Taken over by ${node ?? 'another node'}. What was not committed was dropped, and said again.` }]
  if (reason === 'retry') return [{ at: since(claimed_at), label: 'Left by its node and gone on with there. What was not committed was dropped, and said again.' }]
  return []
}

const ROUND_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600] as const
const MOST_TICKS = 6

/** Round times for the axis, so far apart. */
export function ticksOf(length: number): { readonly apart: number; readonly ticks: readonly number[] } {
  const rough = length / MOST_TICKS
  const hour = 3_600_000
  const apart = ROUND_S.map((one) => one * 1_000).find((one) => one >= rough) ?? Math.ceil(rough / hour) * hour
  return { apart, ticks: Array.from({ length: Math.floor(length / apart) + 1 }, (_, at) => at * apart) }
}
