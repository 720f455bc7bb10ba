import { z } from 'zod'
import { parseCursor } from '../journal/cursor.ts'
import type { Cursor } from '../journal/cursor.ts'
import { FROM_THE_START, beginsAnew, readFramesAfter } from '../journal/follow-run.ts'
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
import { nameRun } from './exchange.ts'
import type { House, ScopedExchange } from './exchange.ts'
import type { Answer, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { noContent, sse } from './respond.ts'

const placeHeader = {
  'last-event-id': z.string().describe('The id of the last event that came: what comes after it is answered, or 204 where nothing does.'),
}

export const resumeStreamOperation = {
  id: 'resumeChat',
  summary: 'Follows a run of a thread: the active one from its start, or one of which events have come from the next on.',
  headers: placeHeader,
  answers: { 200: 'stream', 204: 'nothing' },
  refuses: ['malformed', 'conflict', 'gone', 'over_limit'],
} satisfies Operation

/**
 * `GET …/chat/{threadId}/stream`: the active run from its start, or 204 where nothing runs, the thread is unknown, or
 * its answer is not this reader's to see. (`useChat({resume: true})` asks on every mount; a 404 would break a new chat.)
 * With a `Last-Event-ID`: what comes after it, also of a run of this thread that has ended meanwhile.
 */
export async function resumeStream(exchange: ScopedExchange, house: House): Promise<Answer<typeof resumeStreamOperation>> {
  const { context, params } = exchange
  return follow(exchange, house, {
    none: 'nothing',
    async find(sql, cursor) {
      const thread = await findThread(sql, { projectId: homeOf(context), userId: context.rows.userId, address: params['thread'] ?? '' })
      if (!thread) return null
      const run = cursor ? await findRun(sql, homeOf(context), cursor.runId) : await findActive(sql, context, thread.id)
      return run?.thread_id === thread.id ? run : null
    },
  })
}

export const followRunOperation = {
  id: 'followRun',
  summary: 'The events of a run, live or ended (for 24 hours), from its start or from the next one on.',
  headers: placeHeader,
  answers: { 200: 'stream', 204: 'nothing' },
  refuses: ['malformed', 'conflict', 'gone', 'over_limit'],
} satisfies Operation

/** `GET …/runs/{runId}/events`: what an `EventSource` follows. After the end, 204 tells it to stop. */
export async function followRunEvents(exchange: ScopedExchange, house: House): Promise<Answer<typeof followRunOperation>> {
  const { context, params } = exchange
  return follow(exchange, house, { none: NOT_FOUND, find: (sql) => findRun(sql, homeOf(context), params['run'] ?? '') })
}

/** A way to a run. */
interface Door {
  /** The run that is asked for, as far as the reader sees any. */
  find(sql: ScopedSql, cursor: Cursor | null): Promise<RunRow | null>
  /** The answer where there is none, and nobody said to have had events of one. */
  readonly none: 'nothing' | Refusal
}

async function follow(exchange: ScopedExchange, house: House, { find, none }: Door): Promise<Answer<typeof followRunOperation>> {
  const { context, request, requestId } = exchange
  const lastEventId = request.headers.get('last-event-id')
  const cursor = lastEventId === null ? null : readEventId(lastEventId)
  if (lastEventId !== null && !cursor) return problem(NO_EVENT, requestId)
  const found = await house.scoped(context.rows, async (sql) => {
    const run = await find(sql, cursor)
    return run && locate(sql, context, run, cursor)
  })
  if (!found) return withoutStream(cursor ? NOT_FOUND : none, requestId)
  nameRun(exchange, found.run.id)
  const answer = judge(found, cursor)
  return answer === 'rest' ? stream(exchange, house, found, cursor) : withoutStream(answer, requestId)
}

function withoutStream(answer: 'nothing' | Refusal, requestId: string): Answer<typeof followRunOperation> {
  return answer === 'nothing' ? noContent(requestId) : problem(answer, requestId)
}

const NO_EVENT = refuse('malformed', 'Last-Event-ID is not the id of an event of Ambit.')
const ANOTHER_RUN = refuse('malformed', 'This Last-Event-ID is of another run.')

/** A place before the first event is no event: to follow from there, ask without one. */
function readEventId(text: string): Cursor | null {
  const cursor = parseCursor(text)
  return cursor && cursor.seq > 0 ? cursor : null
}

async function findActive(sql: ScopedSql, context: ChatExecutionContext, threadId: string): Promise<RunRow | null> {
  const [first] = await listActiveRuns(sql, homeOf(context), threadId)
  return first ? findRun(sql, homeOf(context), first.id) : null
}

interface Located {
  readonly run: RunRow
  readonly readSet: number
  /** What became of what the reader has: `dropped` where it has some of an attempt that was; `never` where no event has that id. */
  readonly place: 'kept' | 'dropped' | 'never'
}

/** Null where what the run has read is not this reader's to see: then it is not there. */
async function locate(sql: ScopedSql, context: ChatExecutionContext, run: RunRow, cursor: Cursor | null): Promise<Located | null> {
  const projectId = homeOf(context)
  const readSet = await findReadSet(sql, projectId, run.id)
  if (!readSet) return null
  const older = cursor !== null && cursor.runId === run.id && cursor.fence < run.fence
  return { run, readSet: readSet.number, place: older ? await judgeOlder(sql, { projectId, runId: run.id }, cursor) : 'kept' }
}

/** Of what an earlier owner said. What was dropped is always followed by a step of its own: where something else follows, nothing was. */
async function judgeOlder(sql: ScopedSql, run: { projectId: string; runId: string }, cursor: Cursor): Promise<Located['place']> {
  const base = await findDroppedBase(sql, run, cursor)
  if (base === null) return 'kept'
  const [next] = await readFramesAfter(sql, run, { seq: base, limit: 1 })
  return !next || beginsAnew(next) ? 'dropped' : 'never'
}

/** What a place in a run is answered with: never a replay by accident, and never a jump. */
function judge({ run, place }: Located, cursor: Cursor | null): 'rest' | 'nothing' | Refusal {
  if (cursor) {
    if (cursor.runId !== run.id) return ANOTHER_RUN
    if (cursor.fence > run.fence || place === 'never') return beyond(run)
    if (hasEnded(run.state) && place === 'kept') {
      if (cursor.seq > run.last_seq) return beyond(run)
      if (cursor.seq === run.last_seq) return 'nothing'
    }
  }
  return run.trimmed ? refuse('gone', 'The events of this run are no longer kept. Load the messages of its thread instead.', { run: run.id }) : 'rest'
}

function beyond(run: RunRow): Refusal {
  return refuse('conflict', 'This Last-Event-ID is beyond what this run has said. Ask again without it.', { run: run.id })
}

function stream({ context, requestId, log }: ScopedExchange, house: House, { run, readSet }: Located, cursor: Cursor | null): Answer<typeof followRunOperation> {
  const place = house.streams.take(context)
  if (!place.ok) return problem(place, requestId)
  const ref = { id: run.id, threadId: run.thread_id, projectId: homeOf(context) }
  return sse((signal, cut) => house.follow(context, ref, { after: cursor ?? FROM_THE_START, readSet, cut }, signal), run.id, {
    requestId, limits: context.limits, log, place,
  })
}
