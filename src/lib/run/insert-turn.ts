import type { ObjectRef } from '../context/object-ref.ts'
import type { NewId } from '../directory/new-id.ts'
import { formatCursor } from '../journal/cursor.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { insertContent } from '../store/content-rows.ts'
import { insertEvent } from '../store/event-rows.ts'
import { sendFiles } from '../store/file-rows.ts'
import { insertFrames } from '../store/frame-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { insertMessages } from '../store/message-rows.ts'
import { insertReadSet } from '../store/read-set-rows.ts'
import { insertRun } from '../store/run-rows.ts'
import type { RunOwner } from '../store/run-rows.ts'
import { takeNumbers } from '../store/thread-rows.ts'
import { encodeEvent } from '../wire/encode-event.ts'
import type { Admitted } from './line-up.ts'
import type { BegunRun } from './open-run.ts'
import { partsText } from './spoken-message.ts'

export const FIRST_FENCE = 1

/** What is written of a turn that was admitted. */
export interface WrittenTurn extends Admitted {
  readonly context: ChatExecutionContext
  readonly threadId: string
  readonly modelId: string
  readonly about: readonly ObjectRef[]
  readonly newId: NewId
  readonly owner: RunOwner | null
}

/** The user's message (if it is new), the answer's skeleton, the run with its claim, read set and first frame; and the word of it. */
export async function insertTurn(sql: ScopedSql, written: WrittenTurn): Promise<BegunRun> {
  const { context, threadId, turn, state, modelId, newId, owner } = written
  const place = { projectId: homeOf(context), threadId }
  const authorId = context.rows.userId
  const [id, messageId] = [newId('run'), newId('msg')]
  const userMessageId = turn.kind === 'again' ? turn.userMessageId : newId('msg')
  const count = turn.kind === 'again' ? 1 : 2
  const first = await takeNumbers(sql, { ...place, count, headId: messageId })
  const number = first + count - 1
  const answer = { ...place, id: messageId, number, parentId: userMessageId, role: 'assistant', authorId, clientId: null } as const
  const asked = turn.kind === 'again' ? [] : [
    { ...place, id: userMessageId, number: first, parentId: turn.parentId, role: 'user', authorId, clientId: turn.clientId } as const,
  ]
  const unsent = turn.kind === 'turn' ? turn.message.files.filter((file) => file.thread_id === null).map((file) => file.id) : []
  const reads = context.project ? [context.project.id] : []
  const start = { type: 'start', messageId, messageMetadata: { ambit: { run: id, thread: threadId } } } as const
  const text = encodeEvent(formatCursor({ runId: id, fence: FIRST_FENCE, seq: 1 }), start)
  // Given without waiting: they run in this order, and go to the server together.
  await Promise.all([
    insertMessages(sql, [...asked, answer]),
    ...(turn.kind === 'turn' ? [insertContent(sql, { ...place, messageId: userMessageId, runId: null, parts: partsText(turn.message) })] : []),
    ...(unsent.length > 0 ? [sendFiles(sql, { ...place, messageId: userMessageId }, unsent)] : []),
    insertRun(sql, {
      ...place, id, userMessageId, messageId, authorId, modelId, number, about: JSON.stringify(written.about),
      state, owner: state === 'running' ? owner : null, fence: FIRST_FENCE, lastSeq: 1,
      principal: JSON.stringify(context.principal), target: JSON.stringify(context.target), context: JSON.stringify(context),
    }),
    insertReadSet(sql, place.projectId, id, reads),
    insertFrames(sql, place.projectId, id, { first_seq: 1, last_seq: 1, text }),
    insertEvent(sql, { ...place, kind: state === 'queued' ? 'run_queued' : 'run_began', runId: id }),
  ])
  return {
    owned: { ...place, id, messageId, fence: FIRST_FENCE, lastSeq: 1, readSet: 1, reads, before: [start] },
    userMessageId,
    modelId,
    start: { fence: FIRST_FENCE, seq: 1, text, terminal: false, readSet: 1 },
  }
}
