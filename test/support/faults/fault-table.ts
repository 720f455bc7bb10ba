import { POINTS } from './cell-result.ts'
import type { CellResult } from './cell-result.ts'

/** A row of each place where something failed, and one of all: passed of the seeds, and the longest that a reader heard nothing, by store and signal. */
export function tableOf(results: readonly CellResult[]): string {
  const columns = [...new Set(results.map(columnOf))].toSorted()
  const rows = rowsOf(results).map((row) => [row, ...columns.map((column) => cellText(results.filter((one) => labelOf(one) === row && columnOf(one) === column)))])
  const total = ['all', ...columns.map((column) => totalText(results.filter((one) => columnOf(one) === column)))]
  return [['where', ...columns], ['---', ...columns.map(() => '---')], ...rows, total].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

/** In the order of a run's life, then as they are named. */
function rowsOf(results: readonly CellResult[]): readonly string[] {
  const labels = [...new Set(results.map(labelOf))]
  const place = (label: string) => (/^\d/.test(label) ? Number.parseInt(label, 10) : POINTS.length + 1)
  return labels.toSorted((one, other) => place(one) - place(other) || one.localeCompare(other))
}

function labelOf({ row }: CellResult): string {
  const index = POINTS.findIndex((point) => row === `\`${point}\``)
  return index < 0 ? row : `${index + 1} ${row}`
}

function columnOf({ store, signal }: CellResult): string {
  return `${store}, ${signal === 'SIGKILL' ? 'killed' : 'stopped'}`
}

function cellText(results: readonly CellResult[]): string {
  return results.length === 0 ? '–' : `${passed(results)}/${results.length}, ${longest(results)} s`
}

/** With the questions that were asked, and the share of them that came to a whole answer. */
function totalText(results: readonly CellResult[]): string {
  const [questions, answered] = [sum(results.map((one) => one.questions)), sum(results.map((one) => one.answered))]
  return `${passed(results)}/${results.length}, ${longest(results)} s; ${answered} of ${questions} questions (${((answered / Math.max(1, questions)) * 100).toFixed(1)} %)`
}

function passed(results: readonly CellResult[]): number {
  return results.filter((one) => one.faults.length === 0).length
}

function longest(results: readonly CellResult[]): string {
  return (Math.max(0, ...results.map((one) => one.pauseMs)) / 1_000).toFixed(1)
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, one) => all + one, 0)
}
