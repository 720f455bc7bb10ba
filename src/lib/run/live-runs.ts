import { RunError } from './run-error.ts'

/** The runs that this process drives. */
export interface LiveRuns {
  /** Begins to drive; the signal is the run's own. `drive` must not reject. */
  start(runId: string, maxMs: number, drive: (signal: AbortSignal) => Promise<void>): void
  /** A run that is being opened: a drain waits for it too, and for what it begins. */
  opening<T>(opened: Promise<T>): Promise<T>
  ids(): readonly string[]
  /** Tells a run to end for this reason. Answers a promise of its end, or null where it is not driven here. */
  abort(runId: string, reason: Error): Promise<void> | null
  /**
   * Waits for all, tells those that are left after `graceMs` to end, and waits for those a little longer: one that
   * cannot even commit its end (the database is away) is left to whoever claims it.
   */
  drain(graceMs: number): Promise<void>
}

interface Live {
  readonly controller: AbortController
  readonly ended: Promise<void>
}

const LAST_COMMITS_MS = 5_000

export function createLiveRuns(): LiveRuns {
  const runs = new Map<string, Live>()
  const openings = new Set<Promise<unknown>>()
  // Once the grace of a drain is over: a run that was still being opened then must not outlive it.
  let interrupted: RunError | null = null
  const allEnded = async () => {
    await Promise.allSettled(openings)
    await Promise.all([...runs.values()].map((run) => run.ended))
  }
  return {
    ids: () => [...runs.keys()],
    async opening(opened) {
      openings.add(opened)
      try {
        return await opened
      } finally {
        openings.delete(opened)
      }
    },
    start(runId, maxMs, drive) {
      const controller = new AbortController()
      const timer = setTimeout(() => controller.abort(new RunError('run_limit', 'This answer took too long and was ended here.')), maxMs)
      const ended = drive(controller.signal).finally(() => {
        clearTimeout(timer)
        runs.delete(runId)
      })
      runs.set(runId, { controller, ended })
      if (interrupted) controller.abort(interrupted)
    },
    abort(runId, reason) {
      const run = runs.get(runId)
      if (!run) return null
      run.controller.abort(reason)
      return run.ended
    },
    async drain(graceMs) {
      const interrupt = setTimeout(() => {
        interrupted = new RunError('interrupted', 'The server is restarting. Ask again.')
        for (const { controller } of runs.values()) controller.abort(interrupted)
      }, graceMs)
      let leave: NodeJS.Timeout | undefined
      const left = new Promise<void>((resolve) => {
        leave = setTimeout(resolve, graceMs + LAST_COMMITS_MS)
      })
      await Promise.race([allEnded(), left])
      clearTimeout(interrupt)
      clearTimeout(leave)
    },
  }
}
