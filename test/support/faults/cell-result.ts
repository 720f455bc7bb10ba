import type { FaultPoint } from '../../../src/lib/observe/fault-point.ts'
import type { StoreName } from './fleet.ts'
import type { FaultSignal } from './node-process.ts'

/** In the order in which a run passes them. */
export const POINTS = [
  'authenticated', 'run_written', 'answered', 'claimed', 'model_asked', 'first_token', 'mid_text', 'calls_complete',
  'claims_written', 'effect_done', 'result_written', 'step_committed', 'end_built', 'end_committed',
] as const satisfies readonly FaultPoint[]

/** What became of a cell: `faults` empty is passed. */
export interface CellResult {
  /** The row of the table. */
  readonly row: string
  readonly store: StoreName
  readonly signal: FaultSignal
  readonly seed: number
  readonly faults: readonly string[]
  readonly questions: number
  /** Of these: those that came to a whole answer. */
  readonly answered: number
  /** The longest that a reader heard nothing, from the fault on. */
  readonly pauseMs: number
}

declare module 'vitest' {
  interface TaskMeta {
    /** For the table. */
    cell?: CellResult
  }
}
