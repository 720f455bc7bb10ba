import { homeOf } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { listActiveRuns } from '../store/active-run-rows.ts'
import { insertOtherEvent } from '../store/event-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { deleteOwnThread, lockThread } from '../store/thread-rows.ts'
import type { ThreadAddress } from '../store/thread-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import type { Answer, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { noContent } from './respond.ts'
import { addressOf } from './thread-address.ts'

export const deleteThreadOperation = {
  id: 'deleteThread',
  summary: 'Deletes a thread of the caller\'s own, with all that was said in it, also by others.',
  answers: { 204: 'nothing' },
  refuses: ['conflict'],
} satisfies Operation

/** `DELETE …/threads/{threadId}`: by its author, while nothing runs or waits in it. */
export async function deleteThread({ context, params, requestId, log }: ScopedExchange, house: House): Promise<Answer<typeof deleteThreadOperation>> {
  const removed = await house.scoped(context.rows, (sql) => removeThread(sql, addressOf(context, params)))
  if (!removed.ok) return problem(removed, requestId)
  house.events.notify({ orgId: context.org.id, projectId: homeOf(context) })
  log.info({ subject: context.principal.subject, thread_id: removed.id }, 'thread deleted')
  return noContent(requestId)
}

const NOT_OWN = refuse('forbidden', 'Only the author of a thread can delete it.')

/** The thread is locked before its runs are looked at: whoever opens one next finds no thread. */
async function removeThread(sql: ScopedSql, address: ThreadAddress): Promise<{ readonly ok: true; readonly id: string } | Refusal> {
  const { projectId, userId } = address
  const thread = await lockThread(sql, address)
  if (!thread) return NOT_FOUND
  const { id, shared } = thread
  if (thread.author_id !== userId) return NOT_OWN
  const [active] = await listActiveRuns(sql, projectId, id)
  if (active) return refuse('conflict', 'This thread is being answered. Stop that first, or wait for its end; then delete it.', { run: active.id, thread: id })
  // What was told of the thread goes with it, so this word stands alone: for whoever saw the thread until now.
  await insertOtherEvent(sql, { projectId, kind: 'thread_deleted', aboutId: id, readerId: shared ? null : userId })
  return (await deleteOwnThread(sql, { projectId, userId, id })) ? { ok: true, id } : NOT_FOUND
}
