import { CONTENDERS } from './contenders.ts'
import type { Name } from './contenders.ts'
import type { Measurements } from './measure.ts'
import type { Figure, Measured } from './scenarios.ts'
import type { Spent } from './profile.ts'
import { median } from './statistics.ts'

/** A row of the table: the median of the repetitions, and how far they lay apart. */
export interface Row {
  readonly row: string
  readonly values: Readonly<Partial<Record<Name, Value>>>
}

export interface Value {
  readonly median: number
  readonly low: number
  readonly high: number
  /** What PostgreSQL used meanwhile. */
  readonly postgres: number | null
}

const SHORT_ANSWER = 100
const MEASURED_NAMES: readonly Name[] = ['A', 'B', 'C', 'D']

export function rowsOf({ scenario, runs }: Measurements): readonly Row[] {
  return scenario.figures.map((figure) => ({
    row: figure.row,
    values: Object.fromEntries(Object.entries(runs).map(([name, measured]) => [name, valueOf(figure, measured)])),
  }))
}

function valueOf(figure: Figure, measured: readonly Measured[]): Value {
  const values = measured.map(figure.of)
  return { median: median(values), low: Math.min(...values), high: Math.max(...values), postgres: postgresOf(figure, measured) }
}

function postgresOf({ postgres }: Figure, measured: readonly Measured[]): number | null {
  const value = postgres ? median(measured.map(postgres)) : Number.NaN
  return Number.isNaN(value) ? null : value
}

export function tableOf(rows: readonly Row[]): string {
  const head = ['', ...MEASURED_NAMES.map((name) => `${name} ${CONTENDERS[name].says}`), 'D ÷ C', 'D ÷ B', "D's PostgreSQL"]
  const lines = rows.flatMap((row) => [lineOf(row), ...extraLine(row)])
  return [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function lineOf({ row, values }: Row): readonly string[] {
  const [, b, c, d] = MEASURED_NAMES.map((name) => values[name]?.median)
  const shown = MEASURED_NAMES.map((name) => figureText(values[name]?.median))
  return [row, ...shown, ratioText(d, c), ratioText(d, b), figureText(values.D?.postgres)]
}

/** Where Ambit was measured at its own limits too. */
function extraLine({ values }: Row): readonly (readonly string[])[] {
  const { B, C, D200 } = values
  if (!D200) return []
  const ratios = [ratioText(D200.median, C?.median), ratioText(D200.median, B?.median)]
  return [['the same, where D tells the model the last 200 only', '', '', '', figureText(D200.median), ...ratios, figureText(D200.postgres)]]
}

function figureText(value: number | null | undefined): string {
  return value === undefined || value === null || Number.isNaN(value) ? '–' : value.toLocaleString('en', { maximumSignificantDigits: 3 })
}

function ratioText(part: number | undefined, whole: number | undefined): string {
  return part === undefined || whole === undefined ? '–' : (part / whole).toFixed(2)
}

/** Where the time of a scenario went, in microseconds a token (µs a request, of answers that are short). */
export function profileText({ scenario, profiles }: Measurements): string {
  const sections = Object.entries(profiles).map(([name, { busyMicros, functions, owners, calls, tokens, requests }]) => {
    const [unit, count] = tokens / requests > SHORT_ANSWER ? ['token', tokens] : ['request', requests]
    const line = ({ what, micros }: Spent) => `${(micros / count).toFixed(2).padStart(10)} ${((100 * micros) / busyMicros).toFixed(1).padStart(5)}%  ${what}`
    const head = `${scenario.name}, ${name}: ${(busyMicros / count).toFixed(1)} µs a ${unit}, the profiler's cost included`
    return [
      head,
      '  by whose work it was', ...owners.map(line),
      '  by function, its own time', ...functions.map(line),
      '  by function, with what it called in the same turn', ...calls.map(line),
    ].join('\n')
  })
  return sections.join('\n\n')
}
