import type { Tail } from './journal.ts'
import { memoryJournal } from './memory-journal.ts'
import { createCatchUp } from './redis-catch-up.ts'
import type { CatchUp } from './redis-catch-up.ts'
import { decodeEntry } from './redis-entry.ts'
import type { Link } from './redis-link.ts'
import { acceptEntry, beginMirror, emptyMirror, isTorn } from './redis-mirror.ts'
import type { Mirror } from './redis-mirror.ts'
import { openMirrorTail } from './redis-mirror-tail.ts'
import type { RawEntry } from './redis-read.ts'
import { createTagReader } from './redis-tag-reader.ts'
import type { TagReader } from './redis-tag-reader.ts'
import type { TellTrouble } from './redis-troubles.ts'

/** Without news for so long, a reader asks the store: what it waits for may have been lost here. */
const SILENCE_MS = 1_500

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
  const catchUps = new Map<string, CatchUp<Mirror>>()
  let closed = false

  const begin = (runId: string): Mirror => {
    const made = beginMirror(prefix, runId)
    mirrors.set(runId, made)
    read(made)
    return made
  }

  const isKept = (mirror: Mirror): boolean => mirrors.get(mirror.runId) === mirror

  const catchUpOf = ({ tag }: Mirror): CatchUp<Mirror> => {
    const found = catchUps.get(tag) ?? createCatchUp({ link, take })
    catchUps.set(tag, found)
    return found
  }
  const read = (mirror: Mirror): void => {
    mirror.state = 'reading'
    mirror.reading = readWhatIsThere(mirror)
  }
  const readWhatIsThere = async (mirror: Mirror): Promise<void> => {
    try {
      await catchUpOf(mirror).read(mirror)
      mirror.state = 'following'
      if (isKept(mirror) && !mirror.ended) follow(mirror)
    } catch (error) {
      mirror.state = 'blind'
      tell(error)
    }
  }

  const follow = (mirror: Mirror): void => {
    const reader = tags.get(mirror.tag) ?? createTagReader<Mirror>({ ...parts, tag: mirror.tag, take, refuse: blind })
    tags.set(mirror.tag, reader)
    reader.add(mirror)
  }
  const unfollow = (mirror: Mirror): void => {
    const reader = tags.get(mirror.tag)
    reader?.remove(mirror)
    if (reader?.size !== 0) return
    tags.delete(mirror.tag)
    reader.close()
  }
  const blind = (mirror: Mirror): void => {
    unfollow(mirror)
    mirror.state = 'blind'
  }

  const drop = (mirror: Mirror): void => {
    if (!isKept(mirror)) return
    mirrors.delete(mirror.runId)
    catchUps.get(mirror.tag)?.forget(mirror)
    unfollow(mirror)
    held.end(mirror.runId)
  }

  const take = (mirror: Mirror, entries: readonly RawEntry[]): void => {
    if (!isKept(mirror)) return
    for (const [id, fields] of entries) {
      mirror.at = id
      const entry = decodeEntry(id, fields)
      if (!entry) held.end(mirror.runId) // as good as a gap
      else if (!mirror.ended) acceptEntry(held, mirror, entry)
    }
    if (entries.length === 0) return
    mirror.news = performance.now()
    if (mirror.ended) unfollow(mirror)
    for (const { away, heard } of mirror.readers) if (away) heard()
  }

  const readAgain = (mirror: Mirror): void => {
    unfollow(mirror)
    emptyMirror(mirror)
    read(mirror)
  }

  return {
    tail: (runId, heard) => openMirrorTail({ held, mirror: mirrors.get(runId) ?? begin(runId), drop, isOver: () => closed }, heard),
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
        if (!link().ready) continue
        if (mirror.state === 'blind') read(mirror)
        else if (mirror.state === 'following' && isTorn(mirror)) readAgain(mirror)
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
