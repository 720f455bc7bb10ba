interface Left {
  readonly times: number
  readonly unfit: boolean
  readonly readyAt: number
}

const FIRST_MS = 250
const MOST_MS = 30_000
/** One that is still this node's own is claimed by then, as any other that it does not drive; the others are another's. */
const FORGOTTEN_MS = 120_000

/** The runs that this node owns, or owned, and does not drive. */
export interface LeftRuns {
  /** Answers how often in a row. `unfit`: it is not to be driven once more, but ended. */
  leave(runId: string, unfit?: boolean): number
  unfit(runId: string): boolean
  /** Those that may be taken again now: after a while that doubles with each time. */
  ready(): readonly string[]
  /** It has ended. */
  forget(runId: string): void
}

export function createLeftRuns(): LeftRuns {
  const runs = new Map<string, Left>()
  return {
    leave(runId, unfit = false) {
      const times = (runs.get(runId)?.times ?? 0) + 1
      runs.set(runId, { times, unfit, readyAt: performance.now() + Math.min(FIRST_MS * 2 ** times, MOST_MS) })
      return times
    },
    unfit: (runId) => runs.get(runId)?.unfit ?? false,
    ready() {
      const now = performance.now()
      for (const [id, { readyAt }] of runs) if (readyAt + FORGOTTEN_MS < now) runs.delete(id)
      return [...runs].flatMap(([id, { readyAt }]) => (readyAt <= now ? [id] : []))
    },
    forget: (runId) => void runs.delete(runId),
  }
}
