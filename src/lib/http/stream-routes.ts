import { z } from 'zod'
import { parseCursor } from '../journal/cursor.ts'
import type { Cursor } from '../journal/cursor.ts'
import { FROM_THE_START } from '../journal/follow-run.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { listActiveRuns } from '../store/active-run-rows.ts'
import { findDroppedBase } from '../store/claim-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun, hasEnded } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import { findThread } from '../store/thread-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import type { Answer, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { noContent, sse } from './respond.ts'

const lastEventId = {
  'last-event-id': z.string().describe('The id of the last event that came: what comes after it is answered, or 204 where nothing does.'),
}

export const resumeStreamOperation = {
  id: 'resumeChat',
  summary: 'Follows a run of a thread: the active one from its start, or one of which events have come from the next on.',
  headers: lastEventId,
  answers: { 200: 'stream', 204: 'nothing' },
  refuses: ['malformed', 'conflict', 'gone', 'over_limit'],
} satisfies Operation

/**
 * `GET …/chat/{threadId}/stream`: the active run from its start, or 204 where nothing runs, the thread is unknown, or
 * its answer is not this reader's to see. (`useChat({resume: true})` asks on every mount; a 404 would break a new chat.)
 * With a `Last-Event-ID`: what comes after it, also of a run of this thread that has ended meanwhile.
 */
export async function resumeStream(exchange: ScopedExchange, house: House): Promise<Answer<typeof resumeStreamOperation>> {
  const { context, params, requestId } = exchange
  const asked = askedPlace(exchange)
  if (!asked.ok) return problem(asked, requestId)
  const found = await house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, { projectId: homeOf(context), userId: context.rows.userId, address: params['thread'] ?? '' })
    if (!thread) return null
    const run = asked.cursor ? await findRun(sql, homeOf(context), asked.cursor.runId) : await findActive(sql, context, thread.id)
    return run?.thread_id === thread.id ? locate(sql, context, run, asked.cursor) : null
  })
  if (!found) return asked.cursor ? problem(NOT_FOUND, requestId) : noContent(requestId)
  return follow(exchange, house, found, asked.cursor)
}

export const followRunOperation = {
  id: 'followRun',
  summary: 'The events of a run, live or ended (for 24 hours), from its start or from the next one on.',
  headers: lastEventId,
  answers: { 200: 'stream', 204: 'nothing' },
  refuses: ['malformed', 'conflict', 'gone', 'over_limit'],
} satisfies Operation

/** `GET …/runs/{runId}/events`: what an `EventSource` follows. After the end, 204 tells it to stop. */
export async function followRunEvents(exchange: ScopedExchange, house: House): Promise<Answer<typeof followRunOperation>> {
  const { context, params, requestId } = exchange
  const asked = askedPlace(exchange)
  if (!asked.ok) return problem(asked, requestId)
  const found = await house.scoped(context.rows, async (sql) => {
    const run = await findRun(sql, homeOf(context), params['run'] ?? '')
    return run && locate(sql, context, run, asked.cursor)
  })
  if (!found) return problem(NOT_FOUND, requestId)
  if (asked.cursor && asked.cursor.runId !== found.run.id) return problem(refuse('malformed', 'This Last-Event-ID is of another run.'), requestId)
  return follow(exchange, house, found, asked.cursor)
}

function askedPlace({ request }: ScopedExchange): { readonly ok: true; readonly cursor: Cursor | null } | Refusal {
  const text = request.headers.get('last-event-id')
  const cursor = text === null ? null : parseCursor(text)
  if (text !== null && !cursor) return refuse('malformed', 'Last-Event-ID is not the id of an event of Ambit.')
  return { ok: true, cursor }
}

async function findActive(sql: ScopedSql, context: ChatExecutionContext, threadId: string): Promise<RunRow | null> {
  const [first] = await listActiveRuns(sql, homeOf(context), threadId)
  return first ? findRun(sql, homeOf(context), first.id) : null
}

interface Located {
  readonly run: RunRow
  readonly readSet: number
  /** What the reader has beyond a claim's base was dropped. */
  readonly dropped: boolean
}

/** Null where what the run has read is not this reader's to see: then it is not there. */
async function locate(sql: ScopedSql, context: ChatExecutionContext, run: RunRow, cursor: Cursor | null): Promise<Located | null> {
  const projectId = homeOf(context)
  const readSet = await findReadSet(sql, projectId, run.id)
  if (!readSet) return null
  const older = cursor !== null && cursor.runId === run.id && cursor.fence < run.fence
  const dropped = older && (await findDroppedBase(sql, { projectId, runId: run.id }, cursor)) !== null
  return { run, readSet: readSet.number, dropped }
}

function follow({ context, requestId, log }: ScopedExchange, house: House, found: Located, cursor: Cursor | null): Answer<typeof followRunOperation> {
  const { run, readSet } = found
  const answer = judge(found, cursor)
  if (answer === 'nothing') return noContent(requestId)
  if (answer !== 'rest') return problem(answer, requestId)
  const place = house.streams.take(context)
  if (!place.ok) return problem(place, requestId)
  const ref = { id: run.id, threadId: run.thread_id, projectId: homeOf(context) }
  return sse((signal) => house.follow(context, ref, { after: cursor ?? FROM_THE_START, readSet }, signal), run.id, {
    requestId, limits: context.limits, log: log.child({ run_id: run.id }), place,
  })
}

/** What a place in a run is answered with: never a replay by accident, and never a jump. */
function judge({ run, dropped }: Located, cursor: Cursor | null): 'rest' | 'nothing' | Refusal {
  const ended = hasEnded(run.state)
  if (cursor && cursor.fence > run.fence) return beyond(run)
  if (cursor && ended && !dropped) {
    if (cursor.seq > run.last_seq) return beyond(run)
    if (cursor.seq === run.last_seq) return 'nothing'
  }
  return run.trimmed ? refuse('gone', 'The events of this run are no longer kept. Load the messages of its thread instead.', { run: run.id }) : 'rest'
}

function beyond(run: RunRow): Refusal {
  return refuse('conflict', 'This Last-Event-ID is beyond what this run has said. Ask again without it.', { run: run.id })
}
