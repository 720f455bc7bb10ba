import { setTimeout as delay } from 'node:timers/promises'
import { WaitedTooLong, boundedWait } from '../limits/bounded-wait.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { listActiveRuns } from '../store/active-run-rows.ts'
import type { Handles } from '../store/handles.ts'
import { wakeNode } from '../store/node-rows.ts'
import { findRun, hasEnded } from '../store/run-rows.ts'
import type { RunRow, RunState } from '../store/run-rows.ts'
import { requestStop } from '../store/stop-rows.ts'
import { findThread } from '../store/thread-rows.ts'
import type { Claims } from './claim-runs.ts'
import type { LiveRuns } from './live-runs.ts'
import { Stopped } from './run-error.ts'

const CONFIRM_MS = 2_000
const LOOK_MS = 100

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
  readonly claims: Pick<Claims, 'takeToStop'>
}

/**
 * Stops a run of a thread, whoever drives it, and waits up to 2 s for the commit that confirms it. Asked twice, or after the
 * end, it says the same: the state in which the run ended. One that nobody drives, or that waits for its turn, is ended here.
 */
export async function stopRun(parts: StopParts, context: ChatExecutionContext, wanted: StopWanted): Promise<StopOutcome | Refusal> {
  const found = await findWanted(parts, context, wanted)
  if (!found) return NOT_FOUND
  const { run } = found
  if (!run) return { ok: true, run: null, state: 'idle' }
  if (hasEnded(run.state)) return { ok: true, run: run.id, state: run.state }
  const key = { orgId: context.org.id, projectId: homeOf(context), id: run.id }
  // Before anything else: whoever takes the run over from now on finds the mark, and calls no model.
  const owner = await parts.sweeper((sql) => requestStop(sql, key))
  const ended = parts.live.abort(run.id, new Stopped()) ?? (await parts.claims.takeToStop(key))?.ended
  const state = ended ? await stateAfter(ended, parts, context, run.id) : await stateSoon(parts, context, { id: run.id, owner })
  return { ok: true, run: run.id, state }
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
    const wanted = runId ?? (await listActiveRuns(sql, projectId, thread.id))[0]?.id
    const run = wanted === undefined ? null : await findRun(sql, projectId, wanted)
    return { run: run?.thread_id === thread.id ? run : null }
  })
}

/** Driven here: its end is heard of. What takes longer than 2 s is told as running. */
async function stateAfter(ended: Promise<void>, parts: StopParts, context: ChatExecutionContext, runId: string): Promise<RunState> {
  try {
    await boundedWait(ended, { ms: CONFIRM_MS })
  } catch (error) {
    if (!(error instanceof WaitedTooLong)) throw error
  }
  return stateOf(parts, context, runId)
}

/** Driven elsewhere, or about to be driven here (then nobody else would tell it): its owner is told, and the end shows in its row. */
async function stateSoon(parts: StopParts, context: ChatExecutionContext, { id: runId, owner }: { readonly id: string; readonly owner: string | null }): Promise<RunState> {
  if (owner) await parts.sweeper((sql) => wakeNode(sql, owner))
  const until = performance.now() + CONFIRM_MS
  for (;;) {
    void parts.live.abort(runId, new Stopped())
    const state = await stateOf(parts, context, runId)
    if (hasEnded(state) || performance.now() > until) return state
    await delay(LOOK_MS)
  }
}

async function stateOf({ scoped }: StopParts, context: ChatExecutionContext, runId: string): Promise<RunState> {
  const row = await scoped(context.rows, (sql) => findRun(sql, homeOf(context), runId))
  return row?.state ?? 'running'
}
