import { DEFAULT_LIMITS } from '../limits/limits.ts'
import type { Log } from '../observe/log.ts'
import type { ClaimedRun } from '../store/claim-rows.ts'
import type { DriveParts } from './drive-run.ts'
import { createPen } from './pen.ts'
import { settleRun } from './settle-run.ts'
import type { Outcome } from './settle-run.ts'

/**
 * Ends a claimed run whose record cannot be read, or refuses its answer: with its terminal chunk and no content. Left as it
 * is, it would be claimed for ever, and its thread would answer 409 for as long. Written under its author's name in its home
 * alone, which is enough for one's own record; what it had read is still asked of whoever reads the rest.
 */
export async function endUnread(claimed: ClaimedRun, cause: unknown, parts: DriveParts, log: Log): Promise<Outcome> {
  const rows = { orgId: claimed.org_id, projectIds: [claimed.project_id], userId: claimed.author_id }
  const owned = {
    id: claimed.id,
    threadId: claimed.thread_id,
    messageId: claimed.message_id,
    projectId: claimed.project_id,
    fence: claimed.fence,
    lastSeq: claimed.last_seq,
    readSet: 0,
    reads: [],
    before: [],
  }
  const pen = createPen(owned, { rows, limits: DEFAULT_LIMITS }, parts)
  return settleRun(cause, { pen, log, release: () => parts.journal.end(owned.id), giveUp: parts.giveUp })
}
