import type { NewCall } from '../store/call-rows.ts'

/** What is recorded of a model call beside its frames, when it has ended: its calls with it, before the first has an effect. */
export interface StepRecord {
  readonly number: number
  readonly finishReason: string
  readonly usage: unknown
  readonly calls: readonly NewCall[]
  /** Absent: not known. */
  readonly spoke?: SpokenFor
}

/** How long a step's model spoke, and how long until its first word (null: there was none), by this process's monotonic clock. */
export interface SpokenFor {
  readonly ms: number
  readonly firstMs: number | null
}

/** What a call came to, recorded with the frame that says it. */
export interface SettledCall {
  readonly id: string
  readonly state: 'done' | 'failed' | 'unknown'
}
