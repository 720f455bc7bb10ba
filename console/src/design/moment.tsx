const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const

/** A moment, as far as it is from now; whole where one looks closer. */
export function Moment({ at }: { readonly at: string }) {
  return <time dateTime={at} title={whole.format(new Date(at))}>{sinceOf(at)}</time>
}

export function sinceOf(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1_000
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  if (unit === 'second') return 'just now'
  if (unit === 'day' && seconds < -30 * size) return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(new Date(at))
  return relative.format(Math.round(seconds / size), unit)
}

/** As long as it took: `840 ms`, `3.2 s`, `4 min 10 s`. */
export function durationOf(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
}
