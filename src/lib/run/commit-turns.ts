import { setTimeout as delay } from 'node:timers/promises'
import { isUnavailable } from '../store/unavailable.ts'
import { RunLeft } from './run-error.ts'

const AGAIN_MS = 200
/** As long as a commit waits for a database that is away; and not longer than the lease holds. */
const WAITS_MS = 5_000

/** The commits of one run, one behind the other. */
export interface CommitTurns {
  underWay(): boolean
  /** Does the work when what came before is done, and again while the database is away and the run is this node's. Throws RunLeft where it is not. */
  take(work: () => Promise<void>): Promise<void>
}

/** `holds`: whether what this node owns is still its own, as far as its own clock can tell. */
export function createCommitTurns(holds: () => boolean): CommitTurns {
  let last: Promise<unknown> = Promise.resolve()
  let underWay = false

  const waitsFor = async (error: unknown, until: number): Promise<boolean> => {
    if (!isUnavailable(error) || performance.now() > until || !holds()) return false
    await delay(AGAIN_MS)
    return holds()
  }

  const persist = async (work: () => Promise<void>): Promise<void> => {
    const until = performance.now() + WAITS_MS
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(await waitsFor(error, until))) throw error
      }
    }
  }

  const after = async (before: Promise<unknown>, work: () => Promise<void>): Promise<void> => {
    await before
    if (!holds()) throw new RunLeft('This node’s lease has ended.')
    underWay = true
    try {
      await persist(work)
    } finally {
      underWay = false
    }
  }

  return {
    underWay: () => underWay,
    take(work) {
      const turn = after(last, work)
      last = turn.catch(() => {}) // the caller of this turn hears of it; the next turn is its own
      return turn
    },
  }
}
