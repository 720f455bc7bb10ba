import type { Journal } from '../journal/journal.ts'
import type { Log } from '../observe/log.ts'
import { restoreContext } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { readFrames } from '../store/frame-rows.ts'
import type { Handles } from '../store/handles.ts'
import { claimOrphans } from '../store/node-rows.ts'
import type { ClaimedRun } from '../store/node-rows.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun } from '../store/run-rows.ts'
import type { Chunk } from '../wire/chunk.ts'
import { splitEvents } from '../wire/encode-event.ts'
import type { Node } from './join-node.ts'
import { createPen } from './pen.ts'
import type { OwnedRun } from './pen.ts'
import { RunError, Stopped } from './run-error.ts'
import { settleRun } from './settle-run.ts'

const AT_A_TIME = 20
const ALL_ROWS = 1_000_000

export interface RecoveryParts extends Pick<Handles, 'scoped' | 'sweeper'> {
  readonly journal: Journal
  readonly node: Node
  readonly log: Log
  readonly giveUp: AbortSignal
  /** Ids of the runs that this process drives. */
  driven(): readonly string[]
}

/** Ends what nobody drives. */
export interface Recovery {
  /**
   * Claims the runs that nobody drives and ends them: what was committed is kept, the reader is told that the answer
   * was interrupted (or stopped, where that had been asked), and the thread is free again.
   */
  sweep(): Promise<void>
}

export function createRecovery(parts: RecoveryParts): Recovery {
  const { sweeper, node, driven } = parts
  return {
    async sweep() {
      for (let more = true; more; ) {
        const claimed = await sweeper((sql) => claimOrphans(sql, { nodeId: node.id, epoch: node.epoch, driven: driven(), limit: AT_A_TIME }))
        for (const run of claimed) await tryToEnd(run, parts)
        more = claimed.length === AT_A_TIME
      }
    },
  }
}

/** One that cannot be ended is this node's and driven by nobody: a later sweep claims it again. */
async function tryToEnd(run: ClaimedRun, parts: RecoveryParts): Promise<void> {
  try {
    await endOrphan(run, parts)
  } catch (error) {
    parts.log.error({ org_id: run.org_id, run_id: run.id, cause: error }, 'an orphaned run could not be ended; it will be tried again')
  }
}

async function endOrphan(claimed: ClaimedRun, parts: RecoveryParts): Promise<void> {
  const context = restoreContext(claimed.context)
  const log = parts.log.child({ org_slug: context.org.slug, project_slug: context.project?.slug, run_id: claimed.id })
  const owned = await readOwned(claimed, context, parts)
  const pen = createPen(owned, { rows: context.rows, maxBytes: context.limits.runBytes }, parts)
  // A dropped attempt began with its own start-step; what stands in its place begins with one too (protocol: reset-step).
  if (owned.before.at(-1)?.type === 'start' || owned.before.at(-1)?.type === 'finish-step') await pen.commit([{ type: 'start-step' }])
  const reason = claimed.stop_requested ? new Stopped() : new RunError('interrupted', 'The server went away while it was answering. Ask again.')
  await settleRun(reason, { pen, log, release: () => parts.journal.end(claimed.id), giveUp: parts.giveUp })
}

/** The run as its last commit left it, read under the context that was frozen with it. */
async function readOwned(claimed: ClaimedRun, context: ChatExecutionContext, { scoped }: RecoveryParts): Promise<OwnedRun> {
  const { project_id: projectId, id } = claimed
  return scoped(context.rows, async (sql) => {
    const row = await findRun(sql, projectId, id)
    const readSet = await findReadSet(sql, projectId, id)
    const rows = await readFrames(sql, { projectId, runId: id, seq: 0, limit: ALL_ROWS })
    if (!row || !readSet) throw new Error('A claimed run cannot be read under its own context.')
    return {
      id,
      projectId,
      threadId: row.thread_id,
      messageId: row.message_id,
      fence: claimed.fence,
      lastSeq: row.last_seq, // and not the claim's: an earlier try may have written without hearing of it
      readSet: readSet.number,
      reads: readSet.projects,
      before: rows.flatMap((stored) => splitEvents(stored.text)).map((event) => JSON.parse(event.data) as Chunk),
    }
  })
}
