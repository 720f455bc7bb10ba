import type { RunDetail } from '../api/runs.ts'

export type Manifest = NonNullable<RunDetail['manifest']>
export type Slice = Manifest['entries'][number]

/** A part of the bar: what one source told. */
export interface Segment {
  readonly source: string
  readonly told: number
  /** Of the budget, 0 to 1. */
  readonly share: number
  /** Which of the design's series, 1 to 6: the same source has the same. */
  readonly series: number
}

const SERIES = 6

/** What was told, by source, the largest first, and never more than the bar holds: an estimate may go over its budget. */
export function segmentsOf({ budget, entries }: Manifest): readonly Segment[] {
  const told = new Map<string, number>()
  for (const entry of entries) told.set(entry.source, (told.get(entry.source) ?? 0) + entry.told)
  const whole = Math.max(budget, [...told.values()].reduce((sum, one) => sum + one, 0), 1)
  return [...told]
    .filter(([, tokens]) => tokens > 0)
    .sort(([, one], [, other]) => other - one)
    .map(([source, tokens], at) => ({ source, told: tokens, share: tokens / whole, series: (at % SERIES) + 1 }))
}

/** What became of a slice, and why, in words. */
export function fateOf({ outcome, reason, tokens, told }: Slice): string {
  if (outcome === 'kept') return 'Told whole'
  const why = reason === null ? '' : `: ${REASONS[reason]}`
  return outcome === 'cut' ? `Cut to ${told} of ${tokens}${why}` : `Left out${why}`
}

const REASONS: Readonly<Record<NonNullable<Slice['reason']>, string>> = {
  budget: 'the rest of the budget was for what matters more',
  limit: 'a limit of its own',
  failed: 'its source failed',
  not_found: 'there is no such thing here',
  no_source: 'no source knows this kind of thing',
}
