import type { Handles } from '../store/handles.ts'
import { FramesCut } from '../wire/generate-chat-sse.ts'

/** What followers read through, where the store may be closed under them. */
export interface ClosingReads extends Pick<Handles, 'scoped' | 'sweeper'> {
  /** What is under way is waited for, and nothing begins any more: a follower who asks is cut. To be called before the store is closed. */
  close(): Promise<void>
}

/** A follower goes on by itself, and nobody waits for it: without this its next read would meet a database that is closed, or is closing. */
export function closingReads({ scoped, sweeper }: Pick<Handles, 'scoped' | 'sweeper'>): ClosingReads {
  const underWay = new Set<Promise<unknown>>()
  let closed = false
  const read = <T>(begin: () => Promise<T>): Promise<T> => {
    if (closed) return Promise.reject(new FramesCut())
    const reading = begin().finally(() => underWay.delete(reading))
    underWay.add(reading)
    return reading
  }
  return {
    scoped: (rows, work) => read(() => scoped(rows, work)),
    sweeper: (work) => read(() => sweeper(work)),
    async close() {
      closed = true
      await Promise.allSettled(underWay)
    },
  }
}
