import type { Frame, Tail } from './journal.ts'

/** Entries are trimmed by such blocks, which are all that is remembered of them. */
const BLOCK_CHARS = 64_000
const LAST_LOOKS = 3

/** A run that is driven here, as Redis is told of it. The frames themselves are the local journal's. */
export interface OwnRun {
  readonly id: string
  readonly key: string
  readonly tail: Tail
  fence: number
  /** Where this claim began. */
  base: number
  last: number
  settled: number
  /** Up to here Redis has it, as far as is known. */
  published: number
  /** So many entries its stream has, as far as is known. */
  entries: number
  /** The next entry begins the stream anew. */
  anew: boolean
  /** Counts the times that all of this began again: an answer to what was asked before tells nothing. */
  round: number
  readonly blocks: { last: number; chars: number }[]
  /** Entries before this frame are to be trimmed away. */
  floor: number
  busy: boolean
  /** Failed, and is tried again with the next look. */
  failing: boolean
  /** Another node has a later claim: nothing of this one is said any more. */
  late: boolean
  ended: boolean
  terminal: boolean
  /** After its end: how many looks it is still tried. Who does not hear its last words here finds them in the store. */
  looks: number
  /** Ended, and said as far as it could be: nothing more is done for it. */
  left: boolean
  readers: number
}

export function beginOwnRun({ id, key, tail }: Pick<OwnRun, 'id' | 'key' | 'tail'>, first: Frame): OwnRun {
  const before = first.seq - 1
  return {
    id, key, tail,
    fence: first.fence, base: before, last: before, settled: before, published: before,
    entries: 0, anew: true, round: 0, blocks: [], floor: 0,
    busy: false, failing: false, late: false, ended: false, terminal: false, looks: LAST_LOOKS, left: false, readers: 0,
  }
}

/** A later claim of this node's own: nothing beyond its base was kept. */
export function claimAgain(one: OwnRun, { fence, seq }: Frame): void {
  one.fence = fence
  one.base = one.settled = seq - 1
  one.late = false
  startAgain(one, seq - 1)
}

/** What is not settled is nowhere else. */
export function sayAgain(one: OwnRun): void {
  startAgain(one, Math.min(one.published, one.settled))
}

export function startAgain(one: OwnRun, published: number): void {
  one.published = published
  one.entries = 0
  one.anew = true
  one.round += 1
  one.blocks.length = 0
  one.floor = 0
}

/** What is kept beyond the bound is given up with the next append, the oldest first, as far as it is settled. */
export function account(one: OwnRun, frames: readonly Frame[], keptBytes: number): void {
  const { blocks } = one
  const chars = frames.reduce((sum, { text }) => sum + text.length, 0)
  const [block, last] = [blocks.at(-1), frames.at(-1)?.seq ?? 0]
  if (block && block.chars + chars <= BLOCK_CHARS) Object.assign(block, { last, chars: block.chars + chars })
  else blocks.push({ last, chars })
  for (let kept = blocks.reduce((sum, { chars: size }) => sum + size, 0); kept > keptBytes; ) {
    const oldest = blocks[0]
    if (!oldest || oldest.last > one.settled) return
    blocks.shift()
    kept -= oldest.chars
    one.floor = oldest.last + 1
  }
}
