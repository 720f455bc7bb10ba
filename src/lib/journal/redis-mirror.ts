import type { Frame, Journal } from './journal.ts'
import { entryId } from './redis-entry.ts'
import type { Entry } from './redis-entry.ts'
import { runKey, tagOf } from './redis-keys.ts'

/** A run of another node, as far as Redis has it: read once, however many read here. */
export interface Mirror {
  readonly runId: string
  readonly key: string
  readonly tag: string
  /** The id of the entry that was read last. */
  at: string
  fence: number
  /** What is here begins with this frame; what is committed may have been forgotten since. */
  first: number
  /** The last frame that was taken. */
  last: number
  /** Up to here what was taken is known to be committed: no claim drops it. */
  settled: number
  news: number
  ended: boolean
  /** What is there is being read, or has been, so that the rest is waited for; blind where that failed. */
  state: 'reading' | 'following' | 'blind'
  reading: Promise<void>
  readonly readers: Set<MirrorReader>
}

export interface MirrorReader {
  /** Ends its wait: with `elsewhere`, unless its own signal has aborted. */
  quiet: AbortController
  /** Since when it waits; null: it does not. */
  since: number | null
  /** It was sent elsewhere, and has not asked again. */
  away: boolean
  /** The run is not mirrored any more. */
  over: boolean
  readonly heard: () => void
}

const NOTHING = entryId({ fence: 0, seq: 0 })

export function beginMirror(prefix: string, runId: string): Mirror {
  return {
    runId, key: runKey(prefix, runId), tag: tagOf(runId), at: NOTHING, fence: 0, first: 0, last: 0, settled: 0,
    news: performance.now(), ended: false, state: 'reading', reading: Promise.resolve(), readers: new Set(),
  }
}

/** What comes next begins anew. */
export function emptyMirror(mirror: Mirror): void {
  mirror.at = NOTHING
  mirror.first = mirror.last = 0
}

/**
 * Whether frames are missing before it that are nowhere else: they were taken out of Redis before they were read here. The
 * owner finds that and says them again, under ids that were seen here, so that all of it must be read again.
 */
export function isTorn({ first, settled, ended }: Mirror): boolean {
  return !ended && first > settled + 1
}

/** Puts what is new in an entry behind what is held; where something is missing in between, in its place. */
export function acceptEntry(held: Journal, mirror: Mirror, entry: Entry): void {
  const fresh = freshOf(mirror, entry)
  const [first, last] = [fresh?.[0], fresh?.at(-1)]
  if (!fresh || !first || !last) return
  const whole = mirror.first > 0 && fits(mirror, entry)
  if (!whole) held.end(mirror.runId) // who reads here is sent to the store, and what comes begins anew
  held.append(mirror.runId, fresh)
  mirror.fence = entry.fence
  mirror.first = whole ? Math.min(mirror.first, first.seq) : first.seq
  mirror.last = last.seq
  mirror.settled = Math.min(entry.settled, last.seq)
  held.settle(mirror.runId, mirror.settled)
  mirror.ended = last.terminal
}

/** The part of an entry that is new. Null where it is of an older claim. */
function freshOf(mirror: Mirror, { fence, frames }: Entry): readonly Frame[] | null {
  if (fence < mirror.fence) return null
  return fence > mirror.fence ? frames : frames.filter(({ seq }) => seq > mirror.last)
}

/**
 * Whether nothing is missing before it: it goes on where the last one ended, or where its claim began. Over a claim of which
 * nothing was heard here only what is known to be committed stays: that one may have dropped the rest and said other words.
 */
function fits(mirror: Mirror, { fence, base, frames }: Entry): boolean {
  const first = frames[0]?.seq ?? 0
  if (fence === mirror.fence) return first <= mirror.last + 1
  return first === base + 1 && (fence === mirror.fence + 1 || base <= mirror.settled)
}
