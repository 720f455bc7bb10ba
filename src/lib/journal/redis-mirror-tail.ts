import { once } from 'node:events'
import type { Frame, Journal, Position, Tail } from './journal.ts'
import type { Mirror, MirrorReader } from './redis-mirror.ts'

export interface MirrorTailParts {
  readonly held: Journal
  readonly mirror: Mirror
  /** Nobody reads it here any more. */
  drop(mirror: Mirror): void
  isOver(): boolean
}

/** Joins its mirror at once, so that who opens a tail before he closes another does not read all of it again; ends it where nobody else reads. */
export function openMirrorTail({ held, mirror, drop, isOver }: MirrorTailParts, heard: () => void): Tail {
  const reader: MirrorReader = { quiet: new AbortController(), since: null, away: false, over: false, heard }
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
    inner ??= held.tail(mirror.runId)
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
