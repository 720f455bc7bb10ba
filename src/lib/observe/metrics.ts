/** How a stream ended: said to its end, left by its reader, or reset (not taken, too old, or nothing more to follow here). */
export type StreamEnd = 'complete' | 'left' | 'stalled' | 'expired' | 'cut'

/** Which count of open streams was full. */
export type StreamBound = 'user' | 'org' | 'node'

/**
 * What whoever is on call wants to know of a node, as plain functions that rooms are given: none of them knows who counts.
 * Nothing that is said here names a tenant, a person, a run or a request: what is counted is shown to whoever asks.
 * Every word that becomes a label comes from a closed list, or from what the host wrote into its own settings.
 */
export interface Metrics {
  runBegan(): void
  /** `code` is that of the failure, or null. Seconds from its beginning, as far as this node knows it. */
  runEnded(end: { readonly state: string; readonly code: string | null; readonly seconds: number }): void
  /** Runs that this node drives now. */
  runsRunning(count: number): void
  /** A run of another node, or of an earlier start of this one, is driven here from now on. */
  takenOver(): void
  /** What was said live of a step was dropped, because the model broke off, and it is asked again. */
  attemptDropped(): void
  /** This node was past its lease, and drove nothing until it had it again. */
  leaseLapsed(): void
  streamBegan(): void
  /** Null: it came to no stream. */
  streamEnded(end: StreamEnd | null): void
  streamRefused(bound: StreamBound): void
  /** The first sign of an answer of a model. */
  modelAnswered(call: { readonly provider: string; readonly seconds: number }): void
  /** A whole model call, its retries included. `outcome` is `completed`, `stopped` (it was not wanted any more) or the code of its failure. */
  modelEnded(call: { readonly provider: string; readonly outcome: string }): void
  /** A transaction, connecting included. */
  stored(work: { readonly handle: string; readonly ok: boolean; readonly seconds: number }): void
  /** A journal that is shared between nodes did not take or give what it was asked for. */
  journalFailed(): void
  answered(request: { readonly route: string; readonly status: number }): void
}

const nothing = (): void => {}

/** Where nobody asks. */
export const NO_METRICS: Metrics = {
  runBegan: nothing,
  runEnded: nothing,
  runsRunning: nothing,
  takenOver: nothing,
  attemptDropped: nothing,
  leaseLapsed: nothing,
  streamBegan: nothing,
  streamEnded: nothing,
  streamRefused: nothing,
  modelAnswered: nothing,
  modelEnded: nothing,
  stored: nothing,
  journalFailed: nothing,
  answered: nothing,
}
