/** The deepest that JSON from outside may be nested: deeper parses, and then throws where it is written again. */
export const MAX_DEPTH = 64

/** The most keys that JSON from outside may have where it is parsed, and an object of which only members are kept. */
export const MAX_KEYS = 10_000

/** Whether a parsed value is nested at most this deep. */
export function isShallow(value: unknown, depth: number = MAX_DEPTH): boolean {
  if (typeof value !== 'object' || value === null) return true
  return depth > 0 && Object.values(value).every((part) => isShallow(part, depth - 1))
}
