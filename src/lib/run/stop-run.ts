import { WaitedTooLong, boundedWait } from '../limits/bounded-wait.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Handles } from '../store/handles.ts'
import { requestStop } from '../store/node-rows.ts'
import { findActiveRun, findRun } from '../store/run-rows.ts'
import type { RunRow, RunState } from '../store/run-rows.ts'
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

/** Which run: the active one of a thread, or this one of it, against a stop that comes late and would hit the next. */
export interface StopWanted {
  readonly thread: string
  readonly runId: string | null
}

export interface StopParts extends Pick<Handles, 'scoped' | 'sweeper'> {
  readonly live: LiveRuns
}

/**
 * Stops a run of a thread, and waits up to 2 s for the commit that confirms it. Asked twice, or after the end, it says
 * the same: the state in which the run ended.
 */
export async function stopRun(parts: StopParts, context: ChatExecutionContext, wanted: StopWanted): Promise<StopOutcome | Refusal> {
  const found = await findWanted(parts, context, wanted)
  if (!found) return NOT_FOUND
  const { run } = found
  if (!run) return { ok: true, run: null, state: 'idle' }
  if (run.state !== 'running') return { ok: true, run: run.id, state: run.state }
  const projectId = homeOf(context)
  await parts.sweeper((sql) => requestStop(sql, { orgId: context.org.id, projectId, id: run.id }))
  await confirmed(parts.live.abort(run.id, new Stopped()))
  const row = await parts.scoped(context.rows, (sql) => findRun(sql, projectId, run.id))
  return { ok: true, run: run.id, state: row?.state ?? 'running' }
}

/** Null where the thread is not this person's to see. */
async function findWanted(
  { scoped }: StopParts,
  context: ChatExecutionContext,
  { thread: address, runId }: StopWanted,
): Promise<{ readonly run: RunRow | null } | null> {
  const projectId = homeOf(context)
  return scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, { projectId, userId: context.rows.userId, address })
    if (!thread) return null
    const run = runId === null ? await findActiveRun(sql, projectId, thread.id) : await findRun(sql, projectId, runId)
    return { run: run?.thread_id === thread.id ? run : null }
  })
}

/** Null: driven elsewhere, or by nobody. What takes longer than 2 s is told as running. */
async function confirmed(ended: Promise<void> | null): Promise<void> {
  try {
    if (ended) await boundedWait(ended, { ms: CONFIRM_MS })
  } catch (error) {
    if (!(error instanceof WaitedTooLong)) throw error
  }
}
