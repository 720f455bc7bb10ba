import type { Metrics } from '../observe/metrics.ts'
import { createLeftRuns } from './left-runs.ts'
import type { LeftRuns } from './left-runs.ts'
import { HandedOver, RunError, RunLeft } from './run-error.ts'
import type { Outcome } from './settle-run.ts'

/** How a run is begun here. */
export interface LiveStart {
  readonly runId: string
  /** Milliseconds that are left to it. */
  readonly maxMs: number
  /** It is not to be driven, but ended for this reason. */
  readonly ended?: Error | undefined
}

/** What a run that is driven hears by, and tells itself. */
export interface Running {
  readonly signal: AbortSignal
  abort(reason: Error): void
}

/** The runs that this process drives. */
export interface LiveRuns {
  /** Begins to drive; the signal is the run's own. `drive` must not reject. Resolves when it has ended, or is left. */
  start(start: LiveStart, drive: (running: Running) => Promise<Outcome>): Promise<void>
  /** A run that is being opened, or claimed: a drain waits for it too, and for what it begins. */
  opening<T>(opened: Promise<T>): Promise<T>
  ids(): readonly string[]
  /** Those that it owns and does not drive. */
  readonly left: LeftRuns
  /** Tells a run to end for this reason. Answers a promise of its end, or null where it is not driven here. */
  abort(runId: string, reason: Error): Promise<void> | null
  /** Lets go of all: they are this node's no longer. */
  leaveAll(why: string): void
  /**
   * Waits for all, and hands those that are left after `graceMs` over to whoever claims them. Waits for those a little longer:
   * what a tool has done by then is still recorded.
   */
  drain(graceMs: number): Promise<void>
}

interface Live {
  readonly controller: AbortController
  readonly ended: Promise<void>
}

const LAST_COMMITS_MS = 5_000

export function createLiveRuns(metrics: Metrics): LiveRuns {
  const runs = new Map<string, Live>()
  const left = createLeftRuns()
  const openings = new Set<Promise<unknown>>()
  // Once the grace of a drain is over: a run that was still being opened then must not outlive it.
  let handedOver: HandedOver | null = null
  const allEnded = async () => {
    while (openings.size + runs.size > 0) {
      await Promise.allSettled(openings)
      await Promise.all([...runs.values()].map((run) => run.ended))
    }
  }
  /** From its beginning here to its end, or until it is left. */
  const see = async (runId: string, maxMs: number, controller: AbortController, drive: (running: Running) => Promise<Outcome>): Promise<void> => {
    const tooLong = () => controller.abort(new RunError('run_limit', 'This answer took too long and was ended here.'))
    const timer = setTimeout(tooLong, Math.max(maxMs, 0))
    const began = performance.now()
    const outcome = await drive({ signal: controller.signal, abort: (reason) => controller.abort(reason) })
    clearTimeout(timer)
    if (runs.get(runId)?.controller !== controller) return // claimed here once more meanwhile: that one counts
    runs.delete(runId)
    metrics.runsRunning(runs.size)
    if (outcome.left) return void left.leave(runId, outcome.unfit)
    left.forget(runId)
    metrics.runEnded({ ...outcome, seconds: (performance.now() - began) / 1_000 })
  }
  return {
    ids: () => [...runs.keys()],
    left,
    async opening(opened) {
      openings.add(opened)
      try {
        return await opened
      } finally {
        openings.delete(opened)
      }
    },
    start({ runId, maxMs, ended: why = handedOver }, drive) {
      const controller = new AbortController()
      if (why) controller.abort(why)
      const ended = see(runId, maxMs, controller, drive)
      runs.set(runId, { controller, ended })
      metrics.runsRunning(runs.size)
      return ended
    },
    abort(runId, reason) {
      const run = runs.get(runId)
      if (!run) return null
      run.controller.abort(reason)
      return run.ended
    },
    leaveAll(why) {
      for (const { controller } of runs.values()) controller.abort(new RunLeft(why))
    },
    async drain(graceMs) {
      const handOver = setTimeout(() => {
        handedOver = new HandedOver()
        for (const { controller } of runs.values()) controller.abort(handedOver)
      }, graceMs)
      let leaving: NodeJS.Timeout | undefined
      const given = new Promise<void>((resolve) => {
        leaving = setTimeout(resolve, graceMs + LAST_COMMITS_MS)
      })
      await Promise.race([allEnded(), given])
      clearTimeout(handOver)
      clearTimeout(leaving)
    },
  }
}
