import type { NewCall } from '../store/call-rows.ts'

/** What is recorded of a model call beside its frames, when it has ended: its calls with it, before the first has an effect. */
export interface StepRecord {
  readonly number: number
  readonly finishReason: string
  readonly usage: unknown
  readonly calls: readonly NewCall[]
  /** Absent: not known. */
  readonly marks?: StepMarks
}

/** When a step's model was asked, and when its first word came, by this process's monotonic clock (`performance.now()`). */
export interface StepMarks {
  readonly startedMs: number
  readonly firstMs: number | null
}

/** What a call came to, recorded with the frame that says it. */
export interface SettledCall {
  readonly id: string
  readonly state: 'done' | 'failed' | 'unknown'
}
