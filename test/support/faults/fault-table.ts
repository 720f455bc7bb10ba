import type { CellResult } from './cell.ts'
import { POINTS } from './cell.ts'

/** A row of a point: passed of seeds, and how long a reader heard nothing, for each store and signal. */
export function tableOf(results: readonly CellResult[]): string {
  const columns = [...new Set(results.map((one) => columnOf(one)))]
  const head = ['point', ...columns]
  const rows = POINTS.map((point, index) => [`${index + 1} \`${point}\``, ...columns.map((column) => cellText(results.filter((one) => one.point === point && columnOf(one) === column)))])
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function columnOf({ store, signal }: CellResult): string {
  return `${store}, ${signal}`
}

function cellText(results: readonly CellResult[]): string {
  if (results.length === 0) return '–'
  const passed = results.filter((one) => one.faults.length === 0).length
  const pauses = results.map((one) => one.pauseMs / 1_000).toSorted((one, other) => one - other)
  const median = pauses[Math.floor(pauses.length / 2)] ?? 0
  return `${passed}/${results.length}, ${median.toFixed(1)} s (${(pauses.at(-1) ?? 0).toFixed(1)})`
}
