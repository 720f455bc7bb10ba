import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Handles } from '../store/handles.ts'
import { findActiveRun, findRun, requestStop } from '../store/run-rows.ts'
import type { RunState } from '../store/run-rows.ts'
import { findThread } from '../store/thread-rows.ts'
import type { LiveRuns } from './live-runs.ts'
import { Stopped } from './run-error.ts'

const CONFIRM_MS = 2_000

/** What a stop came to. `running`: asked for, and not confirmed yet. */
export interface StopOutcome {
  readonly ok: true
  /** Null where nothing ran. */
  readonly run: string | null
  readonly state: RunState | 'idle'
}

export interface StopParts extends Pick<Handles, 'scoped'> {
  readonly live: LiveRuns
}

/**
 * Stops the active run of a thread, and waits up to 2 s for the commit that confirms it. Asked twice, or after the end,
 * it says the same. `runId` guards against a stop that comes late and would hit the next run.
 */
export async function stopRun(
  { scoped, live }: StopParts,
  context: ChatExecutionContext,
  { thread: address, runId }: { readonly thread: string; readonly runId: string | null },
): Promise<StopOutcome | Refusal> {
  const projectId = homeOf(context)
  const found = await scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, { projectId, userId: context.rows.userId, address })
    if (!thread) return null
    const active = await findActiveRun(sql, projectId, thread.id)
    const run = active && (runId === null || active.id === runId) ? active : null
    if (run) await requestStop(sql, projectId, run.id)
    return { run }
  })
  if (!found) return NOT_FOUND
  if (!found.run) return { ok: true, run: null, state: 'idle' }
  const { id } = found.run
  const ended = live.abort(id, new Stopped())
  if (ended) await withinTime(ended, CONFIRM_MS)
  const row = await scoped(context.rows, (sql) => findRun(sql, projectId, id))
  return { ok: true, run: id, state: row?.state ?? 'running' }
}

async function withinTime(promise: Promise<void>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms)
  })
  await Promise.race([promise, late])
  clearTimeout(timer)
}
