import type { Link } from './redis-link.ts'
import { READ, runScript } from './redis-scripts.ts'

/** As the server gives it: an id, and names and values in turn. */
export type RawEntry = readonly [id: string, fields: readonly string[]]

/** What is read: a stream, and the last of its entries that was seen. */
export interface Followed {
  readonly key: string
  readonly at: string
}

/**
 * What one answer weighs at most, but for its last entry. It is of all streams that are asked for together: however many
 * runs there are to catch up with, and however long a pause was, no more of it is on its way at a time.
 */
const READ_BYTES = 1_000_000

/** What is there of some streams of one tag beyond what was seen of them. */
export interface WhatIsThere<One> {
  readonly read: ReadonlyMap<One, readonly RawEntry[]>
  /** What stands there is no stream. */
  readonly refused: readonly One[]
  /** Nothing was left for the next time. */
  readonly whole: boolean
}

export async function readWhatIsThere<One extends Followed>(link: Link, asked: readonly One[]): Promise<WhatIsThere<One>> {
  if (asked.length === 0) return { read: new Map(), refused: [], whole: true }
  const answer = await runScript(link, READ, asked.map(({ key }) => key), [READ_BYTES, ...asked.map(({ at }) => at)])
  const [whole, refused, entries] = answer as readonly [number, readonly number[], readonly (readonly [number, ...RawEntry])[]]
  const read = new Map<One, RawEntry[]>()
  for (const [number, ...entry] of entries) {
    const one = asked[number - 1]
    if (one) read.set(one, [...(read.get(one) ?? []), entry])
  }
  return { read, refused: asked.filter((_, index) => refused.includes(index + 1)), whole: whole === 1 }
}
