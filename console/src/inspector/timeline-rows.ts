import type { Call, RunDetail, Step } from '../api/runs.ts'

/** A bar of the waterfall. Times are milliseconds from the run's beginning. */
export interface TimelineRow {
  readonly key: string
  readonly kind: 'model' | 'tool'
  readonly label: string
  readonly from: number
  /** Null: it goes on. */
  readonly to: number | null
  /** When the first word came; null: not known, or no model. */
  readonly first: number | null
  readonly step: Step | null
  readonly call: Call | null
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

/** Steps and calls in the order in which they began. `now` ends what goes on. */
export function timelineOf(run: RunDetail, now: number): Timeline {
  const zero = Date.parse(run.created_at)
  const since = (at: string) => Math.max(0, Date.parse(at) - zero)
  const steps = run.steps.map((step): TimelineRow => ({
    key: `step ${step.number}`, kind: 'model', label: `Step ${step.number}: the model`, from: since(step.started_at ?? step.answered_at), to: since(step.answered_at),
    first: step.first_at === null ? null : since(step.first_at), step, call: null,
  }))
  const calls = run.calls.flatMap((call): TimelineRow[] => (call.claimed_at === null ? [] : [{
    key: call.id, kind: 'tool', label: call.name, from: since(call.claimed_at), to: call.settled_at === null ? null : since(call.settled_at), first: null, step: null, call,
  }]))
  const rows = [...steps, ...calls].sort((one, other) => one.from - other.from || Number(one.kind === 'tool') - Number(other.kind === 'tool'))
  const marks = run.claims.flatMap(({ reason, claimed_at, node }) => (reason === 'opened' ? [] : [{ at: since(claimed_at), label: MARKS[reason](node) }]))
  const end = run.ended_at === null ? Math.max(0, now - zero) : since(run.ended_at)
  return { rows, marks, length: Math.max(1, end, ...rows.map(({ to }) => to ?? 0), ...marks.map(({ at }) => at)) }
}

const MARKS = {
  started: () => 'Its turn came',
  takeover: (node: string | null) => `Taken over by ${node ?? 'another node'}`,
  retry: () => 'The model was asked again',
} as const

/** Three to six round times for the axis. */
export function ticksOf(length: number): readonly number[] {
  const rough = length / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough) ?? rough
  return Array.from({ length: Math.floor(length / step) + 1 }, (_, at) => at * step)
}
