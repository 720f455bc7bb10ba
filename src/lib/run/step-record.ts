import type { NewCall } from '../store/call-rows.ts'

/** What is recorded of a model call beside its frames, when it has ended: its calls with it, before the first has an effect. */
export interface StepRecord {
  readonly number: number
  readonly finishReason: string
  readonly usage: unknown
  readonly calls: readonly NewCall[]
}

/** What a call came to, recorded with the frame that says it. */
export interface SettledCall {
  readonly id: string
  readonly state: 'done' | 'failed' | 'unknown'
}
