/** As JSON one character is six bytes at most, so a frame of a delta is well below a megabyte, whatever a model says at once. */
const DELTA_CHARS = 100_000

/** What a model said at once, in the pieces in which readers are given it: none of them can fill a reader's buffer alone. */
export function* deltaPieces(delta: string): Generator<string, void, undefined> {
  for (let from = 0; from < delta.length; from += DELTA_CHARS) yield delta.slice(from, from + DELTA_CHARS)
}
