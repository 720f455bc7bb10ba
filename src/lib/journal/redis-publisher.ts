import { setTimeout as delay } from 'node:timers/promises'
import type { Frame, Journal, Tail } from './journal.ts'
import { runKey } from './redis-keys.ts'
import type { Link } from './redis-link.ts'
import { beginOwnRun, claimAgain } from './redis-own-run.ts'
import type { OwnRun } from './redis-own-run.ts'
import { checkStream, publishAll } from './redis-publish.ts'
import { needsOtherConnection } from './redis-troubles.ts'
import type { TellTrouble } from './redis-troubles.ts'

const LAST_WORDS_MS = 500

/**
 * The owner's side: each run's frames, one entry per tick, and one on its way at a time, so that a slow Redis gets larger
 * entries and not more of them. Whatever is lost there is found by the next append, or by a look each second, and said again.
 */
export interface Publisher {
  appended(runId: string, frames: readonly Frame[]): void
  settled(runId: string, seq: number): void
  ended(runId: string): void
  /** A reader of a run that is driven here; null where it is not. */
  tail(runId: string): Tail | null
  /** To be called once a second, and when Redis is there again. */
  look(): void
  /** Lets what is on its way arrive, for a moment. */
  close(): Promise<void>
}

export interface PublisherParts {
  readonly local: Journal
  readonly prefix: string
  /** Of settled frames of a run that stay in Redis for those who come late. */
  readonly keptBytes: number
  readonly link: () => Link
  readonly tell: TellTrouble
}

export function createPublisher({ local, prefix, keptBytes, link, tell }: PublisherParts): Publisher {
  const runs = new Map<string, OwnRun>()
  const dirty = new Set<OwnRun>()
  const onTheWay = new Set<Promise<void>>()
  let closed = false

  const forget = (one: OwnRun): void => {
    if (one.left && one.readers === 0 && runs.get(one.id) === one) runs.delete(one.id)
  }

  /** Once per tick, for all runs. */
  const mark = (one: OwnRun): void => {
    if (dirty.size === 0) setImmediate(flush)
    dirty.add(one)
  }
  const flush = (): void => {
    const batch = [...dirty]
    dirty.clear()
    for (const one of batch) publish(one)
  }

  const publish = (one: OwnRun): void => {
    if (one.busy || !isOpen(one)) return
    one.busy = true
    const done = publishAll({ link: link(), keptBytes }, one)
      .catch((error: unknown) => fail(one, error))
      .finally(() => {
        one.busy = false
        onTheWay.delete(done)
        if (closed || isSaid(one)) leave(one)
      })
    onTheWay.add(done)
  }
  const fail = (one: OwnRun, error: unknown): void => {
    one.failing = true
    tell(error)
    if (needsOtherConnection(error)) link().reset()
  }
  const isSaid = (one: OwnRun): boolean => one.ended && (one.late || one.published >= one.last)
  const leave = (one: OwnRun): void => {
    one.left = true
    one.tail.close()
    forget(one)
  }

  const check = async (one: OwnRun): Promise<void> => {
    await checkStream(link(), one)
    if (!one.late && one.published < one.last) mark(one)
  }

  return {
    appended(runId, frames) {
      const [first, last] = [frames[0], frames.at(-1)]
      if (!first || !last) return
      let one = runs.get(runId)
      if (!one || one.ended) runs.set(runId, (one = beginOwnRun({ id: runId, key: runKey(prefix, runId), tail: local.tail(runId) }, first)))
      if (first.fence > one.fence) claimAgain(one, first)
      one.last = last.seq
      one.terminal ||= last.terminal
      mark(one)
    },
    settled(runId, seq) {
      const one = runs.get(runId)
      if (one) one.settled = seq
    },
    ended(runId) {
      const one = runs.get(runId)
      if (!one || one.ended) return
      one.ended = true
      // Without its terminal frame the run goes on elsewhere: what was said last here is dropped or said again there.
      if (!one.terminal) one.last = Math.min(one.last, one.settled)
      if (!one.busy) publish(one)
      if (!one.busy && isSaid(one)) leave(one)
    },
    tail(runId) {
      const one = runs.get(runId)
      if (!one || (one.ended && !one.terminal)) return null
      const inner = local.tail(runId)
      one.readers += 1
      return {
        next: (at, signal) => inner.next(at, signal),
        close() {
          inner.close()
          one.readers -= 1
          forget(one)
        },
      }
    },
    look() {
      for (const one of runs.values()) {
        const tried = one.failing
        one.failing = false
        if (one.ended && !one.left && !one.busy && (one.looks -= 1) < 0) leave(one)
        if (one.busy || !isOpen(one)) continue
        if (one.published < one.last) mark(one)
        else if (!tried && one.settled < one.published) check(one).catch((error: unknown) => fail(one, error))
      }
    },
    async close() {
      closed = true
      flush()
      await Promise.race([Promise.all(onTheWay), delay(LAST_WORDS_MS, undefined, { ref: false })])
      for (const one of runs.values()) if (!one.left && !one.busy) leave(one)
      runs.clear()
    },
  }

  function isOpen(one: OwnRun): boolean {
    return !one.left && !one.late && !one.failing && link().ready
  }
}
