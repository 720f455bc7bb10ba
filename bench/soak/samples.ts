import { median } from '../statistics.ts'
import type { Load } from './stored.ts'
import type { Vitals } from './watch-process.ts'

/** The server at one moment, seen from all sides. */
export interface Sample extends Vitals {
  readonly atMs: number
  readonly postgres: Load
  /** Answers that the upstream has under way. */
  readonly modelCalls: number
}

const BYTES = 1024 * 1024
const HOUR_MS = 3_600_000
/** So many samples make a figure of one: each was taken of other answers. */
const TAKEN = 3
export const HEAP_GROWTH = 1.1

/** What was open before the first client is no leak. Answers what is more. */
export function leftOpen(before: Sample, after: Sample): readonly string[] {
  const pairs: (readonly [string, number, number])[] = [
    ['connections of clients', before.clients, after.clients],
    ['open files and sockets', before.files ?? 0, after.files ?? 0],
    ['connections in PostgreSQL', before.postgres.connections, after.postgres.connections],
    ['transactions left open', 0, after.postgres.stuck],
    ['runs that have not ended', 0, after.postgres.active],
    ['model calls under way', 0, after.modelCalls],
    ...Object.entries(after.resources).map(([kind, count]) => [kind, before.resources[kind] ?? 0, count] as const),
  ]
  return pairs.filter(([, was, is]) => is > was).map(([what, was, is]) => `${what}: ${is}, and ${was} before`)
}

/** The heap after the first minute and at the end, in MB. */
export function heapGrowth(samples: readonly Sample[], fromMs: number): { readonly early: number; readonly late: number } {
  const settled = samples.filter(({ atMs }) => atMs >= fromMs)
  const heapOf = (some: readonly Sample[]) => median(some.map(({ heap }) => heap)) / BYTES
  return { early: heapOf(settled.slice(0, TAKEN)), late: heapOf(settled.slice(-TAKEN)) }
}

/** Least squares over the samples from then on, in MB an hour. */
export function slope(samples: readonly Sample[], fromMs: number, of: (sample: Sample) => number): number {
  const points = samples.filter(({ atMs }) => atMs >= fromMs).map((sample) => ({ x: sample.atMs / HOUR_MS, y: of(sample) / BYTES }))
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map((point) => point.x)), mean(points.map((point) => point.y))]
  const above = points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0)
  return above / points.reduce((sum, point) => sum + (point.x - x) ** 2, 0)
}

export function megabytes(bytes: number): string {
  return (bytes / BYTES).toFixed(1)
}
