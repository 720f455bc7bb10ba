import type { Handles } from '../store/handles.ts'
import { readPulses } from '../store/pulse-rows.ts'
import type { RunAddress } from '../store/run-rows.ts'

/** Where a run stood when a reader found nothing more to read. */
export interface Standing {
  readonly fence: number
  readonly lastSeq: number
  readonly state: string
}

/** Tells those who follow runs that are driven elsewhere when there is more to read: one question a second for all of them. */
export interface RunWatch {
  /** Resolves when the run stands elsewhere than this, or may (it was taken or ended here), or when the signal aborts. */
  changed(run: RunAddress, known: Standing, signal: AbortSignal): Promise<void>
  /** Something happened to this run in this process. */
  nudge(run: Pick<RunAddress, 'id'>): void
  /** Asks where all of them stand. To be called once a second; costs nothing while nobody waits. */
  look(): Promise<void>
}

interface Waiting {
  readonly run: RunAddress
  readonly known: Standing
  wake(): void
}

export function createRunWatch({ sweeper }: Pick<Handles, 'sweeper'>): RunWatch {
  const waiting = new Set<Waiting>()
  return {
    changed(run, known, signal) {
      return new Promise((resolve) => {
        const wake = () => {
          waiting.delete(one)
          signal.removeEventListener('abort', wake)
          resolve()
        }
        const one: Waiting = { run, known, wake }
        waiting.add(one)
        signal.addEventListener('abort', wake, { once: true })
        if (signal.aborted) wake()
      })
    },
    nudge({ id }) {
      for (const one of waiting) if (one.run.id === id) one.wake()
    },
    async look() {
      const asked = [...waiting]
      if (asked.length === 0) return
      const keys = new Map(asked.map(({ run }) => [run.id, run]))
      const rows = await sweeper((sql) => readPulses(sql, [...keys.values()]))
      const pulses = new Map(rows.map((row) => [row.id, row]))
      for (const one of asked) {
        const now = pulses.get(one.run.id)
        const same = now && now.fence === one.known.fence && now.last_seq === one.known.lastSeq && now.state === one.known.state
        if (!same) one.wake()
      }
    },
  }
}
