import { z } from 'zod'
import { isId } from '../directory/principal.ts'
import { parseCursor } from '../journal/cursor.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findActiveRun } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import { findThread } from '../store/thread-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { problem } from './problem.ts'
import { json, noContent, sse } from './respond.ts'

/** May be absent as a whole: then whatever runs is meant. */
export const stopBody = z.object({ run: z.string().refine(isId, 'must be the id of a run').nullish() }).optional()

/**
 * `GET …/chat/{threadId}/stream`: the active run from its start, or 204 where nothing runs, the thread is unknown, or
 * its answer is not this reader's to see. (`useChat({resume: true})` asks on every mount; a 404 would break a new chat.)
 */
export async function resumeStream({ context, params, request, requestId, log }: ScopedExchange, house: House): Promise<Response> {
  const found = await findVisibleRun(context, params['thread'] ?? '', house)
  const lastEventId = request.headers.get('last-event-id')
  const cursor = lastEventId === null ? null : parseCursor(lastEventId)
  if (lastEventId !== null && !cursor) return problem(refuse('malformed', 'Last-Event-ID is not the id of an event of Ambit.'), requestId)
  if (!found) return noContent(requestId)
  const { run, readSet } = found
  if (cursor && (cursor.runId !== run.id || cursor.fence !== run.fence)) {
    return problem(refuse('conflict', 'This Last-Event-ID is of another run or attempt. Ask again without it.', { run: run.id }), requestId)
  }
  const ref = { id: run.id, threadId: run.thread_id, projectId: homeOf(context) }
  return sse((signal) => house.follow(context, ref, { after: cursor?.seq ?? 0, readSet }, signal), {
    runId: run.id, requestId, heartbeatMs: context.limits.heartbeatMs, log: log.child({ run_id: run.id }),
  })
}

async function findVisibleRun(context: ChatExecutionContext, address: string, house: House): Promise<{ readonly run: RunRow; readonly readSet: number } | null> {
  const projectId = homeOf(context)
  return house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, { projectId, userId: context.rows.userId, address })
    const run = thread && (await findActiveRun(sql, projectId, thread.id))
    const readSet = run && (await findReadSet(sql, projectId, run.id))
    return run && readSet ? { run, readSet: readSet.number } : null
  })
}

/** `POST …/chat/{threadId}/stop`: 200 with the state that was committed, 202 where the owner has not confirmed within 2 s. */
export async function stopThread(exchange: ScopedExchange<z.output<typeof stopBody>>, house: House): Promise<Response> {
  const { context, params, body, requestId, log } = exchange
  const outcome = await house.stop(context, { thread: params['thread'] ?? '', runId: body?.run ?? null })
  if (!outcome.ok) return problem(outcome, requestId)
  log.info({ run_id: outcome.run, state: outcome.state }, 'stop')
  return json({ run: outcome.run, state: outcome.state }, requestId, outcome.state === 'running' ? 202 : 200)
}
