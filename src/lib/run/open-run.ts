import type { NewId } from '../directory/new-id.ts'
import { formatCursor } from '../journal/cursor.ts'
import type { Cursor } from '../journal/cursor.ts'
import type { Frame } from '../journal/journal.ts'
import { allowsModel, isPattern } from '../model/model-name.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { insertFrames } from '../store/frame-rows.ts'
import type { Handles, ScopedSql } from '../store/handles.ts'
import { insertContent, readContents } from '../store/content-rows.ts'
import { findMessage, findNewestMessage, insertMessages } from '../store/message-rows.ts'
import type { MessagePlace } from '../store/message-rows.ts'
import { findReadSet, insertReadSet } from '../store/read-set-rows.ts'
import { findActiveRun, findRunByTrigger, insertRun } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import { insertThread, lockThread, takeNumbers } from '../store/thread-rows.ts'
import type { ThreadRow } from '../store/thread-rows.ts'
import { encodeEvent } from '../wire/encode-event.ts'
import type { ChatCommand, UserMessage } from './chat-command.ts'
import type { Node } from './join-node.ts'
import type { OwnedRun } from './pen.ts'
import { threadTitle } from './thread-title.ts'

const FIRST_FENCE = 1

/** Where a run is, for whoever follows or stops it. */
export interface RunRef {
  readonly id: string
  readonly projectId: string
  readonly threadId: string
}

/** A run that answers this command, and the place from which to follow it. */
export interface OpenedRun {
  readonly ok: true
  readonly run: RunRef
  readonly cursor: Cursor
  /** The number of the read set that the opener was found to see. */
  readonly readSet: number
}

/** What `openRun` hands to the node that must now drive the run. */
export interface BegunRun {
  readonly owned: OwnedRun
  readonly userMessageId: string
  readonly modelId: string
  /** Committed with the run's row. */
  readonly start: Frame
}

export interface OpenParts {
  readonly scoped: Handles['scoped']
  readonly newId: NewId
  readonly node: Node
}

/**
 * Takes a command into the thread, in one transaction: the user's message, the answer's place, the run. A message that
 * is known already with the same content is a retry and gets the same run; with other content it is an edit and begins
 * a sibling. Refuses with `forbidden` (role, model), `conflict` (a run is active, or nothing to answer again) or
 * `not_found` (a thread to regenerate, a message to edit, that is not there).
 */
export async function openRun(
  { scoped, newId, node }: OpenParts,
  context: ChatExecutionContext,
  command: ChatCommand,
): Promise<(OpenedRun & { readonly begun: BegunRun | null }) | Refusal> {
  if (!context.may.includes('chat')) return refuse('forbidden', 'This scope was resolved for reading only.')
  const modelId = command.model ?? context.models.find((name) => !isPattern(name))
  if (modelId === undefined || !allowsModel(context.models, modelId)) {
    return refuse('forbidden', 'This model is not allowed here. Leave "model" out to use the default one.')
  }
  return scoped(context.rows, async (sql) => {
    const taken = await takeThread(sql, context, command, newId)
    if (!taken) return NOT_FOUND
    const { thread, fresh } = taken
    const trigger = fresh ?? (await findTrigger(sql, context, thread, command))
    if (trigger.kind === 'unknown') return NOT_FOUND
    if (trigger.kind === 'retry') {
      // What it read may no longer be this person's to see: settled here, before the first byte.
      const visible = await findReadSet(sql, homeOf(context), trigger.run.id)
      return visible ? opened(context, trigger.run, { readSet: visible.number, begun: null }) : NOT_FOUND
    }
    const active = fresh ? null : await findActiveRun(sql, homeOf(context), thread.id)
    if (active) return conflict(active)
    if (trigger.kind === 'nothing') {
      return refuse('conflict', 'There is no user message to answer again in this thread.')
    }
    const begun = await insertTurn(sql, { context, thread, trigger, modelId, newId, node })
    return opened(context, begun.owned, { readSet: begun.owned.readSet, begun })
  })
}

function opened(
  context: ChatExecutionContext,
  run: { readonly id: string } & ({ readonly threadId: string } | Pick<RunRow, 'thread_id'>),
  rest: { readonly readSet: number; readonly begun: BegunRun | null },
): OpenedRun & { readonly begun: BegunRun | null } {
  const threadId = 'threadId' in run ? run.threadId : run.thread_id
  return {
    ok: true,
    run: { id: run.id, projectId: homeOf(context), threadId },
    cursor: { runId: run.id, fence: FIRST_FENCE, seq: 0 },
    ...rest,
  }
}

function conflict(active: RunRow): Refusal {
  return refuse('conflict', 'This thread is being answered. Follow the active run, stop it, or wait for its end.', {
    run: active.id,
    thread: active.thread_id,
  })
}

interface TakenThread {
  readonly thread: ThreadRow
  /** The first turn, where the thread was begun for it: nothing can stand in its way. */
  readonly fresh: NewTurn | null
}

/** The thread, locked; made where the client names none that it can see. A regeneration or an edit demands one that is there. */
async function takeThread(
  sql: ScopedSql,
  context: ChatExecutionContext,
  { thread: alias, message, messageId }: ChatCommand,
  newId: NewId,
): Promise<TakenThread | null> {
  const id = newId('thr')
  const at = { projectId: homeOf(context), userId: context.rows.userId, address: alias ?? id }
  const known = alias === null ? null : await lockThread(sql, at)
  if (known) return { thread: known, fresh: null }
  if (!message || (messageId !== null && messageId !== message.clientId)) return null
  const begun = await insertThread(sql, { projectId: at.projectId, id, userId: at.userId, alias, title: threadTitle(message.text) })
  if (begun) return { thread: begun, fresh: { kind: 'turn', message, clientId: message.clientId, parentId: null } }
  const raced = await lockThread(sql, at)
  return raced && { thread: raced, fresh: null }
}

interface NewTurn {
  readonly kind: 'turn'
  readonly message: UserMessage
  readonly clientId: string | null
  readonly parentId: string | null
}

type Trigger =
  | { readonly kind: 'retry'; readonly run: RunRow }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'again'; readonly userMessageId: string }
  | NewTurn

/** What the command means in this thread: a retry, an edit (a sibling of what it edits), a new turn, or the last one again. */
async function findTrigger(sql: ScopedSql, context: ChatExecutionContext, thread: ThreadRow, command: ChatCommand): Promise<Trigger> {
  const projectId = homeOf(context)
  const find = (id: string | null) =>
    id === null ? null : findMessage(sql, { projectId, threadId: thread.id, userId: context.rows.userId, id })
  const { message, messageId } = command
  const named = await find(messageId)
  if (!message) return messageId !== null && !named ? { kind: 'unknown' } : findAgain(sql, projectId, thread.id, named)
  const known = (await find(message.clientId)) ?? named
  if (known?.role === 'user') {
    const before = messageId === null ? await readContents(sql, { projectId, threadId: thread.id }, [known.id]) : null
    const same = before?.get(known.id)?.parts === partsText(message)
    const run = same ? await findRunByTrigger(sql, projectId, thread.id, known.id) : null
    return run ? { kind: 'retry', run } : { kind: 'turn', message, clientId: null, parentId: known.parent_id }
  }
  // An edit of a message that never arrived is the message itself; of any other unknown one it is a mistake.
  if (messageId !== null && messageId !== message.clientId) return { kind: 'unknown' }
  const newest = await findNewestMessage(sql, projectId, thread.id)
  return { kind: 'turn', message, clientId: message.clientId, parentId: newest?.id ?? null }
}

/** The user message above the answer that was named, or above the newest message. */
async function findAgain(sql: ScopedSql, projectId: string, threadId: string, named: MessagePlace | null): Promise<Trigger> {
  const from = named ?? (await findNewestMessage(sql, projectId, threadId))
  const userMessageId = from?.role === 'assistant' ? from.parent_id : from?.id
  return userMessageId ? { kind: 'again', userMessageId } : { kind: 'nothing' }
}

interface Turn {
  readonly context: ChatExecutionContext
  readonly thread: ThreadRow
  readonly trigger: Extract<Trigger, { kind: 'again' | 'turn' }>
  readonly modelId: string
  readonly newId: NewId
  readonly node: Node
}

/** The user's message (if it is new), the answer's skeleton, the run with its claim, read set and first frame. */
async function insertTurn(sql: ScopedSql, { context, thread, trigger, modelId, newId, node }: Turn): Promise<BegunRun> {
  const place = { projectId: homeOf(context), threadId: thread.id }
  const authorId = context.rows.userId
  const number = await takeNumbers(sql, place.projectId, place.threadId, trigger.kind === 'turn' ? 2 : 1)
  const userMessageId = trigger.kind === 'again' ? trigger.userMessageId : newId('msg')
  const messageId = newId('msg')
  const answer = { ...place, id: messageId, parentId: userMessageId, role: 'assistant', authorId, clientId: null } as const
  const asked = trigger.kind === 'turn'
    ? [{ ...place, id: userMessageId, number, parentId: trigger.parentId, role: 'user', authorId, clientId: trigger.clientId } as const]
    : []
  const id = newId('run')
  const reads = context.project ? [context.project.id] : []
  const first = { type: 'start', messageId, messageMetadata: { ambit: { run: id, thread: thread.id } } } as const
  const text = encodeEvent(formatCursor({ runId: id, fence: FIRST_FENCE, seq: 1 }), first)
  // Given without waiting: they run in this order, and go to the server together.
  await Promise.all([
    insertMessages(sql, [...asked, { ...answer, number: number + asked.length }]),
    ...(trigger.kind === 'turn' ? [insertContent(sql, { ...place, messageId: userMessageId, runId: null, parts: partsText(trigger.message) })] : []),
    insertRun(sql, {
      ...place, id, userMessageId, messageId, authorId, modelId,
      nodeId: node.id, epoch: node.epoch, fence: FIRST_FENCE, lastSeq: 1,
      principal: JSON.stringify(context.principal), target: JSON.stringify(context.target), context: JSON.stringify(context),
    }),
    insertReadSet(sql, place.projectId, id, reads),
    insertFrames(sql, place.projectId, id, { first_seq: 1, last_seq: 1, text }),
  ])
  return {
    owned: { ...place, id, messageId, fence: FIRST_FENCE, lastSeq: 1, readSet: 1, reads, before: [first] },
    userMessageId,
    modelId,
    start: { fence: FIRST_FENCE, seq: 1, text, terminal: false, readSet: 1 },
  }
}

function partsText({ text }: UserMessage): string {
  return JSON.stringify([{ type: 'text', text }])
}
