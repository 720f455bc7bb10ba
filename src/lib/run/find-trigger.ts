import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { readContents } from '../store/content-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findHead, findMessage } from '../store/message-rows.ts'
import type { MessagePlace } from '../store/message-rows.ts'
import { findRunByTrigger } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import type { ThreadRow } from '../store/thread-rows.ts'
import { partsText } from './spoken-message.ts'
import type { SpokenCommand, SpokenMessage } from './spoken-message.ts'

/** A message that is to be answered, and where it stands. */
export interface NewTurn {
  readonly kind: 'turn'
  readonly message: SpokenMessage
  readonly clientId: string | null
  readonly parentId: string | null
  /** Nobody said where: it follows the chosen branch, or, where others wait, the last of them. */
  readonly atEnd: boolean
}

/** A message that is answered once more. */
export interface AnotherAnswer {
  readonly kind: 'again'
  readonly userMessageId: string
}

export type Trigger =
  | { readonly kind: 'retry'; readonly run: RunRow }
  | { readonly kind: 'nothing' }
  | { readonly kind: 'unknown' }
  | AnotherAnswer
  | NewTurn

/** Where it is looked for, and how a message is found there by the id that the client knows it by. */
interface Looked {
  readonly sql: ScopedSql
  readonly place: { readonly projectId: string; readonly threadId: string; readonly headId: string | null }
  find(id: string | null): Promise<MessagePlace | null>
}

/** What a command means in this thread: a retry, an edit (a sibling of what it edits), a new turn, or an answer once more. */
export async function findTrigger(sql: ScopedSql, context: ChatExecutionContext, thread: ThreadRow, command: SpokenCommand): Promise<Trigger> {
  const place = { projectId: homeOf(context), threadId: thread.id, headId: thread.head_id }
  const find: Looked['find'] = async (id) => (id === null ? null : findMessage(sql, { ...place, userId: context.rows.userId, id }))
  const looked = { sql, place, find }
  const { message, messageId } = command
  const named = await find(messageId)
  if (!message) return messageId !== null && !named ? { kind: 'unknown' } : findAgain(looked, named)
  const known = (await find(message.clientId)) ?? named
  if (known?.role === 'user') return findKnown(looked, known, { message, messageId })
  // An edit of a message that never arrived is the message itself; of any other unknown one it is a mistake.
  if (messageId !== null && messageId !== message.clientId) return { kind: 'unknown' }
  return findPlace(looked, message, command.parentId)
}

/** The same words and files again are a retry, unless they are said to be an edit. */
async function findKnown(
  { sql, place }: Looked,
  known: MessagePlace,
  { message, messageId }: { readonly message: SpokenMessage; readonly messageId: string | null },
): Promise<Trigger> {
  const before = messageId === null ? await readContents(sql, place, [known.id]) : null
  const same = before?.get(known.id)?.parts === partsText(message)
  const run = same ? await findRunByTrigger(sql, place.projectId, place.threadId, known.id) : null
  return run ? { kind: 'retry', run } : { kind: 'turn', message, clientId: null, parentId: known.parent_id, atEnd: false }
}

/** A new message stands below the answer that was named, or at the end. */
async function findPlace({ sql, place, find }: Looked, message: SpokenMessage, parentId: string | undefined): Promise<Trigger> {
  const turn = { kind: 'turn', message, clientId: message.clientId } as const
  if (parentId === undefined) return { ...turn, parentId: (await findHead(sql, place))?.id ?? null, atEnd: true }
  const parent = await find(parentId)
  return parent?.role === 'assistant' ? { ...turn, parentId: parent.id, atEnd: false } : { kind: 'unknown' }
}

/** The user message above the answer that was named, or above the end of the chosen branch. */
async function findAgain({ sql, place }: Looked, named: MessagePlace | null): Promise<Trigger> {
  const from = named ?? (await findHead(sql, place))
  const userMessageId = from?.role === 'assistant' ? from.parent_id : from?.id
  return userMessageId ? { kind: 'again', userMessageId } : { kind: 'nothing' }
}
