import type { ObjectRef } from '../context/object-ref.ts'
import { restoreContext } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { listCalls } from '../store/call-rows.ts'
import type { ClaimedRun } from '../store/claim-rows.ts'
import { readFrames } from '../store/frame-rows.ts'
import type { Handles } from '../store/handles.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun } from '../store/run-rows.ts'
import type { Chunk } from '../wire/chunk.ts'
import { splitEvents } from '../wire/encode-event.ts'
import type { DrivenRun } from './drive-run.ts'
import { resumptionOf, splitSteps } from './resumption.ts'

const ALL_ROWS = 1_000_000

/** A claimed run as its last commit left it, read under the context that was frozen with it. Null: somebody has claimed it meanwhile. */
export async function readClaimed(claimed: ClaimedRun, { scoped }: Pick<Handles, 'scoped'>): Promise<Omit<DrivenRun, 'signal' | 'abort' | 'log'> | null> {
  const context: ChatExecutionContext = restoreContext(claimed.context)
  const { project_id: projectId, id } = claimed
  return scoped(context.rows, async (sql) => {
    const readSet = await findReadSet(sql, projectId, id)
    const rows = await readFrames(sql, { projectId, runId: id, seq: 0, limit: ALL_ROWS })
    const row = await findRun(sql, projectId, id) // last: under this fence, what was read before is nobody's but this claim's
    if (!row || !readSet) throw new Error('A claimed run cannot be read under its own context.')
    if (row.fence !== claimed.fence) return null // this process stood still, and would ask the model for what another has already
    const before = rows.flatMap((stored) => splitEvents(stored.text)).map((event) => JSON.parse(event.data) as Chunk)
    const calls = await listCalls(sql, { projectId, runId: id, step: splitSteps(before).steps.length + 1 })
    return {
      context,
      userMessageId: row.user_message_id,
      modelId: row.model_id,
      about: JSON.parse(row.about) as readonly ObjectRef[],
      resumed: resumptionOf(before, calls),
      owned: {
        id,
        projectId,
        threadId: row.thread_id,
        messageId: row.message_id,
        fence: claimed.fence,
        lastSeq: row.last_seq, // and not the claim's: an earlier try may have written without hearing of it
        readSet: readSet.number,
        reads: readSet.projects,
        before,
      },
    }
  })
}
