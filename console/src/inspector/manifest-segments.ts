import type { RunDetail } from '../../../src/lib/http/run-schema.ts'

export type Manifest = NonNullable<RunDetail['manifest']>
export type Slice = Manifest['entries'][number]

/** A part of the bar: what one source told. */
export interface Segment {
  readonly source: string
  /** The largest is 1. It stands in the bar and in the table: colour is never alone. */
  readonly number: number
  readonly told: number
  /** Of the budget, 0 to 1. */
  readonly share: number
  /** Of all that was told, 0 to 1. */
  readonly part: number
  /** Which of the design's series, 1 to 6. */
  readonly series: number
}

export interface Spending {
  readonly segments: readonly Segment[]
  readonly budget: number
  readonly told: number
  /** What there was to tell beyond that, and did not fit or was not there. */
  readonly left: number
  readonly slicesLeft: number
}

const SERIES = 6

/** How the budget was spent: by source, the largest first, and never more than the bar holds: an estimate may go over its budget. */
export function spendingOf({ budget, entries }: Manifest): Spending {
  const bySource = new Map<string, number>()
  for (const entry of entries) bySource.set(entry.source, (bySource.get(entry.source) ?? 0) + entry.told)
  const told = sumOf(entries.map((entry) => entry.told))
  const segments = [...bySource]
    .filter(([, tokens]) => tokens > 0)
    .sort(([, one], [, other]) => other - one)
    .map(([source, tokens], at): Segment => ({ source, number: at + 1, told: tokens, share: tokens / Math.max(budget, told, 1), part: tokens / Math.max(told, 1), series: (at % SERIES) + 1 }))
  const cut = entries.filter(({ outcome }) => outcome !== 'kept')
  return { segments, budget, told, left: sumOf(cut.map((entry) => Math.max(0, entry.tokens - entry.told))), slicesLeft: cut.length }
}

/** What became of a slice, and why, in words. */
export function fateOf({ outcome, reason, messages }: Slice): string {
  const why = reason === null ? '' : `: ${REASONS[reason]}`
  const words = { kept: 'told whole', cut: 'cut', dropped: 'left out' }[outcome] + why
  return messages ? `${words} (${messages.told} of ${messages.of} messages)` : words
}

const REASONS: Readonly<Record<NonNullable<Slice['reason']>, string>> = {
  budget: 'the budget went to what matters more',
  limit: 'there is a limit for this kind of thing, or the model takes none',
  failed: 'its source failed; the log says how',
  not_found: 'there is no such thing here',
  no_source: 'nothing here knows this kind of thing',
}

/** Whose it is. */
export const OWNERS: Readonly<Record<Slice['scope'], string>> = { installation: 'Installation', organisation: 'Organisation', project: 'Project' }

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0)
}
