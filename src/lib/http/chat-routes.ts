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
import { malformed } from './parse-chat-command.ts'
import { problem } from './problem.ts'
import { readJson } from './read-json.ts'
import { json, noContent, sse } from './respond.ts'

const STOP_BYTES = 10_000
const stopBody = z.object({ run: z.string().refine(isId, 'must be the id of a run').nullish() })

/**
 * `GET …/chat/{threadId}/stream`: the active run from its start, or 204 where nothing runs, the thread is unknown, or
 * its answer is not this reader's to see. (`useChat({resume: true})` asks on every mount; a 404 would break a new chat.)
 */
export async function resumeStream({ context, params, request, requestId, log }: ScopedExchange, house: House): Promise<Response> {
  const run = await findVisibleRun(context, params['thread'] ?? '', house)
  const lastEventId = request.headers.get('last-event-id')
  const cursor = lastEventId === null ? null : parseCursor(lastEventId)
  if (lastEventId !== null && !cursor) return problem(refuse('malformed', 'Last-Event-ID is not the id of an event of Ambit.'), requestId)
  if (!run) return noContent(requestId)
  if (cursor && (cursor.runId !== run.id || cursor.fence !== run.fence)) {
    return problem(refuse('conflict', 'This Last-Event-ID is of another run or attempt. Ask again without it.', { run: run.id }), requestId)
  }
  const ref = { id: run.id, threadId: run.thread_id, projectId: homeOf(context) }
  return sse((signal) => house.follow(context, ref, cursor?.seq ?? 0, signal), {
    runId: run.id, requestId, heartbeatMs: context.limits.heartbeatMs, log: log.child({ run_id: run.id }),
  })
}

async function findVisibleRun(context: ChatExecutionContext, address: string, house: House): Promise<RunRow | null> {
  const projectId = homeOf(context)
  return house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, { projectId, userId: context.rows.userId, address })
    const run = thread && (await findActiveRun(sql, projectId, thread.id))
    return run && (await findReadSet(sql, projectId, run.id)) ? run : null
  })
}

/** `POST …/chat/{threadId}/stop`: 200 with the state that was committed, 202 where the owner has not confirmed within 2 s. */
export async function stopThread({ context, params, request, requestId, log }: ScopedExchange, house: House): Promise<Response> {
  const body = request.headers.get('content-type') === null ? { ok: true as const, value: {} } : await readJson(request, STOP_BYTES)
  if (!body.ok) return problem(body, requestId)
  const parsed = stopBody.safeParse(body.value ?? {})
  if (!parsed.success) return problem(malformed(parsed.error, []), requestId)
  const outcome = await house.stop(context, { thread: params['thread'] ?? '', runId: parsed.data.run ?? null })
  if (!outcome.ok) return problem(outcome, requestId)
  log.info({ run_id: outcome.run, state: outcome.state }, 'stop')
  return json({ run: outcome.run, state: outcome.state }, requestId, outcome.state === 'running' ? 202 : 200)
}
