import { insertCalls, settleCall } from '../../src/lib/store/call-rows.ts'
import { insertEvent } from '../../src/lib/store/event-rows.ts'
import { insertFrames } from '../../src/lib/store/frame-rows.ts'
import type { Handles, RowScope, ScopedSql } from '../../src/lib/store/handles.ts'
import { insertContent } from '../../src/lib/store/content-rows.ts'
import { insertMessages } from '../../src/lib/store/message-rows.ts'
import { insertManifest } from '../../src/lib/store/manifest-rows.ts'
import { insertReadSet } from '../../src/lib/store/read-set-rows.ts'
import { advanceRun, insertRun } from '../../src/lib/store/run-rows.ts'
import { insertStep } from '../../src/lib/store/step-rows.ts'
import { insertThread, takeNumbers, updateOwnThread } from '../../src/lib/store/thread-rows.ts'
import { newId } from './world.ts'

/** Rows of one question and its answer. */
export interface PlantedAnswer {
  readonly threadId: string
  readonly questionId: string
  readonly answerId: string
  readonly runId: string
}

/** Writes a thread with a question and a finished answer, a row in every table that a run fills, as their author would. */
export async function plantAnswer(
  handles: Handles,
  author: RowScope,
  what: { projectId: string; shared: boolean; reads: readonly string[]; question: string; answer: string },
): Promise<PlantedAnswer> {
  const { projectId, shared, reads, question, answer } = what
  const [threadId, questionId, answerId, runId] = [newId('thr'), newId('msg'), newId('msg'), newId('run')]
  const place = { projectId, threadId }
  const { userId } = author
  await handles.scoped(author, async (sql) => {
    await insertThread(sql, { projectId, id: threadId, userId, alias: null, title: question })
    await updateOwnThread(sql, { projectId, userId, id: threadId, title: null, shared })
    const number = await takeNumbers(sql, { ...place, count: 2, headId: answerId })
    const said = { ...place, authorId: userId, clientId: null }
    await insertMessages(sql, [
      { ...said, id: questionId, number, parentId: null, role: 'user' },
      { ...said, id: answerId, number: number + 1, parentId: questionId, role: 'assistant' },
    ])
    await insertRun(sql, {
      ...place, id: runId, userMessageId: questionId, messageId: answerId, authorId: userId, modelId: 'test:planted',
      number: number + 1, about: '[]', state: 'running', owner: { id: 'planted', epoch: 1 },
      fence: 1, lastSeq: 1, principal: '{}', target: '{}', context: '{}',
    })
    await insertReadSet(sql, projectId, runId, reads)
    await insertFrames(sql, projectId, runId, { first_seq: 1, last_seq: 1, text: answer })
    await insertManifest(sql, projectId, runId, '{}')
    await insertStep(sql, { projectId, runId, number: 1, fence: 1, finishReason: 'stop', usage: '{}' })
    const owner = { projectId, runId, fence: 1 }
    await insertCalls(sql, owner, 1, [{ id: `call_${runId}`, place: 1, name: 'look_up', effect: 'read', input: partsOf(question), state: 'claimed' }])
    await settleCall(sql, owner, { id: `call_${runId}`, state: 'done', outcome: partsOf(answer) })
    await insertContent(sql, { ...place, messageId: questionId, runId: null, parts: partsOf(question) })
    await insertContent(sql, { ...place, messageId: answerId, runId, parts: partsOf(answer) })
    const end = { state: 'completed', finishReason: 'stop', errorCode: null } as const
    await advanceRun(sql, { projectId, id: runId, fence: 1 }, { from: 1, to: 1, end })
    await insertEvent(sql, { ...place, kind: 'run_ended', runId })
    await plantKey(sql, { projectId, userId, runId })
  })
  return { threadId, questionId, answerId, runId }
}

/** The key under which the run was asked for. */
async function plantKey(sql: ScopedSql, { projectId, userId, runId }: { projectId: string; userId: string; runId: string }): Promise<void> {
  await sql.query(
    `insert into ambit.idempotency_keys (org_id, project_id, author_id, request, key, body_hash, run_id)
     values (current_setting('ambit.org_id'), $1, $2, 'POST /chat', $3, '', $4)`,
    [projectId, userId, `key_${runId}`, runId],
  )
}

function partsOf(text: string): string {
  return JSON.stringify([{ type: 'text', text }])
}
