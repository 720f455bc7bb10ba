const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto', style: 'short' })
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]] as const

/** A moment, as far as it is from now; whole where one looks closer. */
export function Moment({ at }: { readonly at: string }) {
  return <time dateTime={at} title={wholeOf(at)}>{sinceOf(at)}</time>
}

/** A moment with its day and second. */
export function wholeOf(at: string): string {
  return whole.format(new Date(at))
}

export function sinceOf(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1_000
  const [unit, size] = UNITS.find(([, length]) => Math.abs(seconds) >= length) ?? ['second', 1]
  if (unit === 'second') return 'just now'
  if (unit === 'day' && seconds < -30 * size) return new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' }).format(new Date(at))
  return relative.format(Math.round(seconds / size), unit)
}
