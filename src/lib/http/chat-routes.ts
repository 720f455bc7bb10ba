import { z } from 'zod'
import { parseCursor } from '../journal/cursor.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findActiveRun, findRun } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import { findThread } from '../store/thread-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented, id } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { json, noContent, sse } from './respond.ts'
import { runState } from './run-schema.ts'

export const resumeStreamOperation = {
  id: 'resumeChat',
  summary: 'Follows a run of a thread: the active one from its start, or one of which events have come from the next on.',
  headers: { 'last-event-id': z.string().describe('The id of the last event that came: what comes after it is answered, or 204 where nothing does.') },
  answers: { 200: 'stream', 204: 'nothing' },
  refuses: ['malformed', 'conflict'],
} satisfies Operation

/**
 * `GET …/chat/{threadId}/stream`: the active run from its start, or 204 where nothing runs, the thread is unknown, or
 * its answer is not this reader's to see. (`useChat({resume: true})` asks on every mount; a 404 would break a new chat.)
 * With a `Last-Event-ID`: what comes after it, also of a run of this thread that has ended meanwhile, or 204 where
 * nothing does. An answer that ends while the network is away would be lost to the open page otherwise.
 */
export async function resumeStream({ context, params, request, requestId, log }: ScopedExchange, house: House): Promise<Answer<typeof resumeStreamOperation>> {
  const lastEventId = request.headers.get('last-event-id')
  const cursor = lastEventId === null ? null : parseCursor(lastEventId)
  const found = await findVisibleRun(context, { address: params['thread'] ?? '', runId: cursor?.runId ?? null }, house)
  if (lastEventId !== null && !cursor) return problem(refuse('malformed', 'Last-Event-ID is not the id of an event of Ambit.'), requestId)
  if (!found) return noContent(requestId)
  const { run, readSet } = found
  const ended = run.state !== 'running'
  if (cursor && (cursor.runId !== run.id || cursor.fence !== run.fence || (ended && cursor.seq > run.last_seq))) {
    return problem(refuse('conflict', 'This Last-Event-ID is of another run or attempt. Ask again without it.', { run: run.id }), requestId)
  }
  if (ended && cursor?.seq === run.last_seq) return noContent(requestId)
  const ref = { id: run.id, threadId: run.thread_id, projectId: homeOf(context) }
  return sse((signal) => house.follow(context, ref, { after: cursor?.seq ?? 0, readSet }, signal), {
    runId: run.id, requestId, heartbeatMs: context.limits.heartbeatMs, log: log.child({ run_id: run.id }),
  })
}

interface VisibleRun {
  readonly run: RunRow
  readonly readSet: number
}

/** The run of this thread that a cursor names, or else the active one: what this reader may not see is not there. */
async function findVisibleRun(
  context: ChatExecutionContext,
  { address, runId }: { readonly address: string; readonly runId: string | null },
  house: House,
): Promise<VisibleRun | null> {
  const projectId = homeOf(context)
  return house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, { projectId, userId: context.rows.userId, address })
    if (!thread) return null
    const visible = async (run: RunRow | null): Promise<VisibleRun | null> => {
      const readSet = run && (await findReadSet(sql, projectId, run.id))
      return run && readSet ? { run, readSet: readSet.number } : null
    }
    const named = runId === null ? null : await findRun(sql, projectId, runId)
    const own = named?.thread_id === thread.id ? await visible(named) : null
    return own ?? visible(await findActiveRun(sql, projectId, thread.id))
  })
}

/** May be absent as a whole: then whatever runs is meant. */
const stopBody = z.object({ run: id.nullish().describe('Only if this run is the active one.') }).optional().register(documented, { id: 'StopRequest' })

const stopped = z
  .object({
    run: z.string().nullable().describe('Null where nothing ran.'),
    state: z.union([runState, z.literal('idle')]).describe('As it was committed; `running` where that is not confirmed yet.'),
  })
  .register(documented, { id: 'Stopped' })

export const stopThreadOperation = {
  id: 'stopChat',
  summary: 'Stops the active run of a thread: 202 where its end is not confirmed yet.',
  body: stopBody,
  answers: { 200: stopped, 202: stopped },
} satisfies Operation

/** `POST …/chat/{threadId}/stop`: 200 with the state that was committed, 202 where the owner has not confirmed within 2 s. */
export async function stopThread(exchange: ScopedExchange<BodyOf<typeof stopThreadOperation>>, house: House): Promise<Answer<typeof stopThreadOperation>> {
  const { context, params, body, requestId, log } = exchange
  const outcome = await house.stop(context, { thread: params['thread'] ?? '', runId: body?.run ?? null })
  if (!outcome.ok) return problem(outcome, requestId)
  log.info({ run_id: outcome.run, state: outcome.state }, 'stop')
  return json<z.output<typeof stopped>, 200 | 202>({ run: outcome.run, state: outcome.state }, requestId, outcome.state === 'running' ? 202 : 200)
}
