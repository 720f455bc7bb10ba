import { setTimeout as pause } from 'node:timers/promises'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { ActiveRun } from '../store/active-run-rows.ts'
import { hasEnded } from '../store/run-rows.ts'
import type { ChatCommand } from './chat-command.ts'
import type { InTheWay } from './line-up.ts'
import type { OpenedTurn } from './open-run.ts'
import type { StopOutcome, StopWanted } from './stop-run.ts'

const INTERRUPT_MS = 10_000
/** Between two tries to stop what is slow to end. */
const PAUSE_MS = 100

export interface TurnParts {
  open(context: ChatExecutionContext, command: ChatCommand): Promise<OpenedTurn | Refusal | InTheWay>
  stop(context: ChatExecutionContext, wanted: StopWanted): Promise<StopOutcome | Refusal>
}

/**
 * Opens a run, after it has stopped what is in its way, where the command or the thread says so. Nothing is held meanwhile,
 * so somebody else may come between: then that is stopped, too. What is not confirmed to be stopped in 10 s stays in the way.
 */
export async function takeTurn({ open, stop }: TurnParts, context: ChatExecutionContext, command: ChatCommand): Promise<OpenedTurn | Refusal> {
  const until = performance.now() + INTERRUPT_MS
  for (;;) {
    const opened = await open(context, command)
    if (opened.ok || !('inTheWay' in opened)) return opened
    const { inTheWay, ...refusal } = opened
    if (performance.now() > until) return refusal
    if (!(await stopAll(stop, context, inTheWay))) await pause(PAUSE_MS)
  }
}

/** From the last of the line to the first: were the first one stopped, the next would begin. Whether all is confirmed. */
async function stopAll(stop: TurnParts['stop'], context: ChatExecutionContext, line: readonly ActiveRun[]): Promise<boolean> {
  let all = true
  for (const { id, thread_id: thread } of line.toReversed()) {
    const outcome = await stop(context, { thread, runId: id })
    all &&= outcome.ok && (outcome.state === 'idle' || hasEnded(outcome.state))
  }
  return all
}
