import { median } from '../statistics.ts'
import { megabytes } from './samples.ts'
import type { Sample } from './samples.ts'

/** The columns of the table: the server without clients, under load, and without them again. */
export interface Columns {
  readonly before: Sample
  readonly early: Sample
  readonly late: Sample
  readonly after: Sample
}

type Row = readonly [name: string, of: (sample: Sample) => string]

const ROWS: readonly Row[] = [
  ['heap and buffers after a collection, MB', ({ heap }) => megabytes(heap)],
  ['RSS, MB', ({ rss }) => megabytes(rss)],
  ['delay of the event loop, p50 / p99 / most, ms', ({ delayMs }) => [delayMs.p50, delayMs.p99, delayMs.max].map((value) => value.toFixed(1)).join(' / ')],
  ['connections of clients', ({ clients }) => String(clients)],
  ['open files and sockets', ({ files }) => String(files ?? '–')],
  ['connections in PostgreSQL', ({ postgres }) => String(postgres.connections)],
  ['runs that have not ended', ({ postgres }) => String(postgres.active)],
  ['model calls under way', ({ modelCalls }) => String(modelCalls)],
]

export function tableOf(columns: Columns, heads: Readonly<Record<keyof Columns, string>>): string {
  const samples = [columns.before, columns.early, columns.late, columns.after]
  const kinds = [...new Set(samples.flatMap(({ resources }) => Object.keys(resources)))].sort()
  const rows: readonly Row[] = [...ROWS, ...kinds.map((kind): Row => [`${kind}, which keep the process alive`, ({ resources }) => String(resources[kind] ?? 0)])]
  const lines = [
    ['', heads.before, heads.early, heads.late, heads.after],
    ['---', '---:', '---:', '---:', '---:'],
    ...rows.map(([name, of]) => [name, ...samples.map(of)]),
  ]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** The delays of all of the load, and not of one interval. */
export function delays(samples: readonly Sample[]): string {
  const most = Math.max(...samples.map(({ delayMs }) => delayMs.max))
  return `${median(samples.map(({ delayMs }) => delayMs.p50)).toFixed(1)} / ${median(samples.map(({ delayMs }) => delayMs.p99)).toFixed(1)} / ${most.toFixed(1)} ms`
}
