const whole = new Intl.NumberFormat()

/** A count as it is read; null and undefined are not known, which is not none. */
export function countOf(count: number | null | undefined): string {
  return count === null || count === undefined ? 'unknown' : whole.format(count)
}

/** "1 step", "3 steps". */
export function plural(count: number, one: string, many = `${one}s`): string {
  return `${whole.format(count)} ${count === 1 ? one : many}`
}
