import type { Frame, Journal, Position } from './journal.ts'

interface Live {
  /** Dense: frames[i].seq === first + i. */
  frames: Frame[]
  first: number
  /** Of the newest frames; those before a claim's base keep the fence under which they were said. */
  fence: number
  bytes: number
  settled: number
  ended: boolean
  readers: number
  waiting: Set<Reader>
  waking: boolean
}

/** One reader's wait, made once: a listener and a timer per frame would cost as much as the frame. */
interface Reader {
  /** Goes on from the wait that is under way. */
  wake(): void
  /** What ends its waits. */
  signal: AbortSignal | null
}

const KEPT_BYTES = 4_000_000
/** What one answer gives: two hundred slow readers of a run of 200,000 frames would hold a list of all of them each. */
const FRAMES_AT_A_TIME = 1_000

/**
 * The journal of a single process. Settled frames of a run are kept up to `keptBytes`, so that a second reader costs no
 * query; beyond that the oldest go, and late readers are sent to the store.
 */
export function memoryJournal({ keptBytes = KEPT_BYTES }: { keptBytes?: number } = {}): Journal {
  const runs = new Map<string, Live>()
  /** Who reads a run, also one that is not held here: it may come. */
  const hearing = new Map<string, Set<() => void>>()

  const listen = (runId: string, heard: () => void): (() => void) => {
    const all = hearing.get(runId) ?? new Set()
    hearing.set(runId, all.add(heard))
    return () => {
      all.delete(heard)
      if (all.size === 0 && hearing.get(runId) === all) hearing.delete(runId)
    }
  }

  const forget = (runId: string, live: Live): void => {
    if (live.ended && live.readers === 0 && runs.get(runId) === live) runs.delete(runId)
  }

  return {
    append(runId, frames) {
      const [first] = frames
      if (!first) return
      let live = runs.get(runId)
      // After its end a run may come back under a later fence; who still reads the old frames is sent to the store.
      const anew = !live || live.ended
      if (!live || live.ended) runs.set(runId, (live = begin(first)))
      if (first.fence > live.fence) drop(live, first)
      if (first.fence !== live.fence || first.seq !== live.first + live.frames.length) throw new Error('A frame was appended out of order.')
      for (const frame of frames) {
        live.frames.push(frame)
        live.bytes += frame.text.length
      }
      wake(live)
      if (anew) for (const heard of hearing.get(runId) ?? []) heard()
    },
    settle(runId, seq) {
      const live = runs.get(runId)
      if (!live) return
      live.settled = seq
      trim(live, keptBytes)
    },
    end(runId) {
      const live = runs.get(runId)
      if (!live) return
      live.ended = true
      wake(live)
      forget(runId, live)
    },
    tail(runId, told) {
      const leave = listen(runId, () => told?.())
      const live = runs.get(runId)
      if (!live) return { next: async () => 'elsewhere', close: leave }
      live.readers += 1
      const reader: Reader = { wake: () => {}, signal: null }
      const goOn = () => reader.wake()
      return {
        next(at, signal) {
          if (reader.signal !== signal) {
            reader.signal?.removeEventListener('abort', goOn)
            signal.addEventListener('abort', goOn)
            reader.signal = signal
          }
          return next(live, reader, at)
        },
        close() {
          leave()
          reader.signal?.removeEventListener('abort', goOn)
          live.readers -= 1
          forget(runId, live)
        },
      }
    },
    async close() {
      for (const live of runs.values()) {
        live.ended = true
        wake(live)
      }
      runs.clear()
    },
  }
}

function begin({ seq, fence }: Frame): Live {
  return { frames: [], first: seq, fence, bytes: 0, settled: 0, ended: false, readers: 0, waiting: new Set(), waking: false }
}

/** A later claim: what was held beyond its base was never committed, and its readers are told so by the store. */
function drop(live: Live, { seq, fence }: Frame): void {
  const kept = live.frames.slice(0, Math.max(0, seq - live.first))
  const dense = live.first + kept.length === seq
  live.frames = dense ? kept : []
  live.first = dense ? live.first : seq
  live.bytes = live.frames.reduce((sum, frame) => sum + frame.text.length, 0)
  live.fence = fence
}

async function next(live: Live, reader: Reader, at: Position): Promise<readonly Frame[] | 'elsewhere'> {
  while (!reader.signal?.aborted) {
    const index = at.seq + 1 - live.first
    if (index < 0 || !isKept(live, at)) return 'elsewhere'
    if (index < live.frames.length) return live.frames.slice(index, index + FRAMES_AT_A_TIME)
    if (live.ended) return 'elsewhere'
    await woken(live, reader)
  }
  return []
}

/** Whether what the reader has is what was kept. Of a place before the first frame that is held nobody here can tell. */
function isKept(live: Live, { fence, seq }: Position): boolean {
  if (seq === 0 || fence >= live.fence) return true
  const held = live.frames[seq - live.first]
  return held !== undefined && held.fence <= fence
}

function woken(live: Live, reader: Reader): Promise<void> {
  return new Promise((resolve) => {
    reader.wake = () => {
      live.waiting.delete(reader)
      resolve()
    }
    live.waiting.add(reader)
  })
}

/** Once per tick: what the provider sent in one packet reaches each reader in one write. */
function wake(live: Live): void {
  if (live.waking) return
  live.waking = true
  setImmediate(() => {
    live.waking = false
    for (const reader of live.waiting) reader.wake()
  })
}

/** Drops settled frames from the front in one cut, when they weigh more than may be kept. */
function trim(live: Live, keptBytes: number): void {
  let count = 0
  while (live.bytes > keptBytes && live.first + count <= live.settled) {
    live.bytes -= live.frames[count]?.text.length ?? 0
    count += 1
  }
  if (count === 0) return
  live.frames.splice(0, count)
  live.first += count
}
