import { once } from 'node:events'
import type { Frame, Journal, Position, Tail } from './journal.ts'
import { memoryJournal } from './memory-journal.ts'
import { decodeEntry, entryId } from './redis-entry.ts'
import type { Entry } from './redis-entry.ts'
import { runKey, tagOf } from './redis-keys.ts'
import type { Link } from './redis-link.ts'
import { createTagReader } from './redis-tag-reader.ts'
import type { RawEntry, TagReader } from './redis-tag-reader.ts'
import type { TellTrouble } from './redis-troubles.ts'

/** Without news for so long, a reader asks the store: what it waits for may have been lost here. */
const SILENCE_MS = 1_500
const ENTRIES_AT_A_TIME = 100

/** A run of another node, as far as Redis has it: read once, however many read here. */
interface Mirror {
  readonly runId: string
  readonly key: string
  readonly tag: string
  /** The id of the entry that was read last. */
  at: string
  fence: number
  /** The last frame that was taken. */
  last: number
  /** Up to here what was taken is known to be committed: no claim drops it. */
  settled: number
  news: number
  ended: boolean
  /** What is there is being read, or has been, so that the rest is waited for; blind where that failed. */
  state: 'reading' | 'following' | 'blind'
  reading: Promise<void>
  readonly readers: Set<Reader>
}

interface Reader {
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

export interface Mirrors {
  /** `heard` is called where frames come for a reader that was sent elsewhere: it may ask here again. */
  tail(runId: string, heard: () => void): Tail
  /** The run is driven here from now on. */
  retire(runId: string): void
  /** To be called twice a second, and when Redis is there again. */
  look(): void
  close(): Promise<void>
}

export interface MirrorParts {
  readonly prefix: string
  /** Of settled frames of a mirrored run that are kept here for those who come late. */
  readonly keptBytes: number
  /** The link for what does not block. */
  readonly link: () => Link
  /** Another link, for blocking reads. */
  readonly open: () => Link
  readonly node: string
  readonly tell: TellTrouble
}

export function createMirrors(parts: MirrorParts): Mirrors {
  const { prefix, keptBytes, link, tell } = parts
  const held = memoryJournal({ keptBytes })
  const mirrors = new Map<string, Mirror>()
  const tags = new Map<string, TagReader<Mirror>>()
  let closed = false

  const begin = (runId: string): Mirror => {
    const made: Mirror = {
      runId, key: runKey(prefix, runId), tag: tagOf(runId), at: entryId({ fence: 0, seq: 0 }), fence: 0, last: 0, settled: 0,
      news: performance.now(), ended: false, state: 'reading', reading: Promise.resolve(), readers: new Set(),
    }
    mirrors.set(runId, made)
    made.reading = readWhatIsThere(made)
    return made
  }

  const isKept = (mirror: Mirror): boolean => mirrors.get(mirror.runId) === mirror

  const readWhatIsThere = async (mirror: Mirror): Promise<void> => {
    try {
      await link().whenTried()
      let count = 0
      do {
        const reply = (await link().call('xread', 'COUNT', ENTRIES_AT_A_TIME, 'STREAMS', mirror.key, mirror.at)) as readonly [string, readonly RawEntry[]][] | null
        const entries = reply?.[0]?.[1] ?? []
        count = entries.length
        take(mirror, entries)
      } while (count === ENTRIES_AT_A_TIME && isKept(mirror))
      mirror.state = 'following'
      if (isKept(mirror) && !mirror.ended) follow(mirror)
    } catch (error) {
      mirror.state = 'blind'
      tell(error)
    }
  }

  const follow = (mirror: Mirror): void => {
    let reader = tags.get(mirror.tag)
    if (!reader) {
      reader = createTagReader<Mirror>({
        ...parts,
        tag: mirror.tag,
        take,
        // One key of them cannot be read: each is tried by itself.
        part: (refused) => {
          for (const one of refused) unfollow(one)
          for (const one of refused) one.state = 'blind'
        },
      })
      tags.set(mirror.tag, reader)
    }
    reader.add(mirror)
  }
  const unfollow = (mirror: Mirror): void => {
    const reader = tags.get(mirror.tag)
    reader?.remove(mirror)
    if (reader?.size !== 0) return
    tags.delete(mirror.tag)
    reader.close()
  }

  const drop = (mirror: Mirror): void => {
    if (!isKept(mirror)) return
    mirrors.delete(mirror.runId)
    unfollow(mirror)
    held.end(mirror.runId)
  }

  const take = (mirror: Mirror, entries: readonly RawEntry[]): void => {
    if (!isKept(mirror)) return
    for (const [id, fields] of entries) {
      mirror.at = id
      const entry = decodeEntry(id, fields)
      if (!entry) held.end(mirror.runId) // as good as a gap
      else if (!mirror.ended) accept(mirror, entry)
    }
    if (entries.length === 0) return
    mirror.news = performance.now()
    if (mirror.ended) unfollow(mirror)
    for (const { away, heard } of mirror.readers) if (away) heard()
  }

  const accept = (mirror: Mirror, entry: Entry): void => {
    const fresh = freshOf(mirror, entry)
    const last = fresh?.at(-1)
    if (!fresh || !last) return
    if (!fits(mirror, entry)) held.end(mirror.runId) // who reads here is sent to the store, and what comes begins anew
    held.append(mirror.runId, fresh)
    mirror.fence = entry.fence
    mirror.last = last.seq
    mirror.settled = Math.min(entry.settled, last.seq)
    held.settle(mirror.runId, mirror.settled)
    mirror.ended = last.terminal
  }

  return {
    tail: (runId, heard) => openTail({ held, mirrors, begin, drop, isOver: () => closed }, runId, heard),
    retire(runId) {
      const mirror = mirrors.get(runId)
      if (!mirror) return
      for (const reader of mirror.readers) reader.over = true
      for (const reader of mirror.readers) reader.quiet.abort()
      drop(mirror)
    },
    look() {
      const now = performance.now()
      for (const mirror of mirrors.values()) {
        for (const { since, quiet } of mirror.readers) if (since !== null && now - Math.max(since, mirror.news) >= SILENCE_MS) quiet.abort()
        if (mirror.state !== 'blind' || !link().ready) continue
        mirror.state = 'reading'
        mirror.reading = readWhatIsThere(mirror)
      }
    },
    async close() {
      closed = true
      for (const reader of tags.values()) reader.close()
      for (const mirror of mirrors.values()) for (const { quiet } of mirror.readers) quiet.abort()
      tags.clear()
      mirrors.clear()
      await held.close()
    },
  }
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

interface TailParts {
  readonly held: Journal
  readonly mirrors: ReadonlyMap<string, Mirror>
  begin(runId: string): Mirror
  drop(mirror: Mirror): void
  isOver(): boolean
}

/** Joins its mirror at once, so that who opens a tail before he closes another does not read all of it again; ends it where nobody else reads. */
function openTail({ held, mirrors, begin, drop, isOver }: TailParts, runId: string, heard: () => void): Tail {
  const reader: Reader = { quiet: new AbortController(), since: null, away: false, over: false, heard }
  const mirror = mirrors.get(runId) ?? begin(runId)
  mirror.readers.add(reader)
  let inner: Tail | null = null
  let outer: AbortSignal | null = null
  const leave = () => reader.quiet.abort()
  const listenTo = (signal: AbortSignal | null) => {
    outer?.removeEventListener('abort', leave)
    signal?.addEventListener('abort', leave)
    outer = signal
  }

  const wait = async (at: Position): Promise<readonly Frame[] | 'elsewhere'> => {
    if (reader.quiet.signal.aborted) reader.quiet = new AbortController()
    if (mirror.state === 'reading') await Promise.race([mirror.reading, once(reader.quiet.signal, 'abort')])
    if (mirror.ended && at.seq >= mirror.last) return 'elsewhere'
    inner ??= held.tail(runId)
    reader.since = performance.now()
    const frames = await inner.next(at, reader.quiet.signal)
    reader.since = null
    // Of an older claim than the reader's place: a node that has lost the run may still speak to an empty Redis.
    const first = frames === 'elsewhere' ? undefined : frames[0]
    if (first && first.fence >= at.fence) return frames
    if (frames === 'elsewhere') forgetInner()
    return 'elsewhere'
  }
  const forgetInner = () => {
    inner?.close()
    inner = null
  }

  return {
    async next(at, signal) {
      if (signal.aborted) return []
      if (reader.over || isOver()) return 'elsewhere'
      if (outer !== signal) listenTo(signal)
      reader.away = false
      const frames = await wait(at)
      if (signal.aborted) return []
      reader.away = frames === 'elsewhere'
      return frames
    },
    close() {
      listenTo(null)
      forgetInner()
      mirror.readers.delete(reader)
      if (mirror.readers.size === 0) drop(mirror)
    },
  }
}
