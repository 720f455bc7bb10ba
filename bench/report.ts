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
  readonly redis: number | null
}

const SHORT_ANSWER = 100
const USUAL: readonly Name[] = ['A', 'B', 'C', 'D']
const WITH_REDIS: readonly Name[] = ['R', 'F']
const RATIOS: readonly (readonly [Name, Name])[] = [['D', 'C'], ['D', 'B'], ['R', 'D'], ['F', 'D']]

export function rowsOf({ scenario, runs }: Measurements): readonly Row[] {
  return scenario.figures.map((figure) => ({
    row: figure.row,
    values: Object.fromEntries(Object.entries(runs).map(([name, measured]) => [name, valueOf(figure, measured)])),
  }))
}

function valueOf(figure: Figure, measured: readonly Measured[]): Value {
  const values = measured.map(figure.of)
  return { median: median(values), low: Math.min(...values), high: Math.max(...values), postgres: known(figure.postgres, measured), redis: known(figure.redis, measured) }
}

function known(figure: Figure['postgres'], measured: readonly Measured[]): number | null {
  const value = figure ? median(measured.map(figure)) : Number.NaN
  return Number.isNaN(value) ? null : value
}

/** Which columns there are: Ambit's with Redis only where it was measured. */
interface Columns {
  readonly names: readonly Name[]
  readonly ratios: readonly (readonly [Name, Name])[]
}

export function tableOf(rows: readonly Row[]): string {
  const columns = columnsOf(rows)
  const ambits = columns.names.filter((name) => CONTENDERS[name].ambit)
  const head = [
    '',
    ...columns.names.map((name) => `${name} ${CONTENDERS[name].says}`),
    ...columns.ratios.map((pair) => pair.join(' ÷ ')),
    ...ambits.map((name) => `${name}'s PostgreSQL`),
    ...ambits.filter(isOnRedis).map((name) => `${name}'s Redis`),
  ]
  const lines = rows.flatMap((row) => [lineOf(row, columns), ...extraLine(row, columns)])
  return [head, head.map((_, column) => (column === 0 ? '---' : '---:')), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

function columnsOf(rows: readonly Row[]): Columns {
  const names = [...USUAL, ...WITH_REDIS.filter((name) => rows.some(({ values }) => values[name]))]
  return { names, ratios: RATIOS.filter((pair) => pair.every((name) => names.includes(name))) }
}

function isOnRedis(name: Name): boolean {
  return CONTENDERS[name].redis === true
}

function lineOf({ row, values }: Row, { names, ratios }: Columns): readonly string[] {
  const ambits = names.filter((name) => CONTENDERS[name].ambit)
  return [
    row,
    ...names.map((name) => figureText(values[name]?.median)),
    ...ratios.map(([part, whole]) => ratioText(values[part]?.median, values[whole]?.median)),
    ...ambits.map((name) => figureText(values[name]?.postgres)),
    ...ambits.filter(isOnRedis).map((name) => figureText(values[name]?.redis)),
  ]
}

/** Where Ambit was measured at its own limits too: as if it were D, and nobody else's figures again. */
function extraLine({ values }: Row, columns: Columns): readonly (readonly string[])[] {
  const { D200 } = values
  if (!D200) return []
  const line = lineOf({ row: 'the same, where D tells the model the last 200 only', values: { B: values.B, C: values.C, D: D200 } as Row['values'] }, columns)
  return [line.map((cell, column) => (['A', 'B', 'C'].includes(columns.names[column - 1] ?? '') || cell === '–' ? '' : cell))]
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
