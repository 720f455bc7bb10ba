/**
 * Places where a process may die, or stand still, and nothing may be lost or done twice. Each is a race that is opened on
 * purpose by a test in a process of its own; elsewhere passing one is one comparison.
 */
export type FaultPoint =
  /** The caller is known; nothing is written. */
  | 'authenticated'
  /** The run is committed, and nobody has heard of it: a retry must find it. */
  | 'run_written'
  /** The caller has heard; nobody drives the run. */
  | 'answered'
  /** The run has an owner (or a later one), which has done nothing. */
  | 'claimed'
  /** The model was asked and has said nothing. */
  | 'model_asked'
  /** Its first word was said live. */
  | 'first_token'
  /** Words are in the journal and nowhere else. */
  | 'mid_text'
  /** The model is done, its calls are in memory. */
  | 'calls_complete'
  /** The calls are claimed, and none has had an effect. */
  | 'claims_written'
  /** A tool has acted, and its result is in memory. */
  | 'effect_done'
  /** The result is committed, the step is not ended. */
  | 'result_written'
  /** The step is committed, the next has not begun. */
  | 'step_committed'
  /** The whole answer is in memory. */
  | 'end_built'
  /** The end is committed and not announced. */
  | 'end_committed'

let armed: ((point: FaultPoint) => void) | null = null

export function faultPoint(point: FaultPoint): void {
  if (armed !== null) armed(point)
}

/** For a test's own process alone: what happens at each point, as its run passes it. */
export function armFaultPoints(hook: (point: FaultPoint) => void): void {
  armed = hook
}
