import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { listActiveRuns } from '../store/active-run-rows.ts'
import type { Handles } from '../store/handles.ts'
import { findThread } from '../store/thread-rows.ts'
import { oncePerKey } from './once-per-key.ts'
import type { RequestKey } from './once-per-key.ts'
import type { StopOutcome, StopWanted } from './stop-run.ts'

export interface StopParts extends Pick<Handles, 'scoped'> {
  stop(context: ChatExecutionContext, wanted: StopWanted): Promise<StopOutcome | Refusal>
}

/** A stop with a key is for the run that was active when it came first: however late it comes again, it never hits the next one. */
export async function stopOnce(
  parts: StopParts,
  context: ChatExecutionContext,
  wanted: StopWanted,
  key: RequestKey | null,
): Promise<StopOutcome | Refusal> {
  if (!key) return parts.stop(context, wanted)
  const named = await nameRun(parts, context, wanted, key)
  if (!named.ok) return named
  return named.runId === null ? { ok: true, run: null, state: 'idle' } : parts.stop(context, { ...wanted, runId: named.runId })
}

/** The run that the stop is for; null where nothing ran when it was asked for first. */
interface Named {
  readonly ok: true
  readonly runId: string | null
}

async function nameRun({ scoped }: StopParts, context: ChatExecutionContext, { thread: address, runId }: StopWanted, key: RequestKey): Promise<Named | Refusal> {
  const projectId = homeOf(context)
  return scoped(context.rows, (sql) =>
    oncePerKey<Named>(sql, context, key, {
      async first() {
        const thread = await findThread(sql, { projectId, userId: context.rows.userId, address })
        if (!thread) return NOT_FOUND
        return { ok: true, runId: runId ?? (await listActiveRuns(sql, projectId, thread.id))[0]?.id ?? null }
      },
      again: async (named) => ({ ok: true, runId: named }),
      runOf: (named) => named.runId,
    }),
  )
}
