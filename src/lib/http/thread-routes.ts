import { z } from 'zod'
import { threadTitle } from '../run/thread-title.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import { readContents } from '../store/content-rows.ts'
import type { ContentRow } from '../store/content-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { listMessages } from '../store/message-rows.ts'
import type { MessageRow } from '../store/message-rows.ts'
import { findRunsByMessages } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import { findThread, listThreads, updateOwnThread } from '../store/thread-rows.ts'
import type { ThreadRow } from '../store/thread-rows.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { messageSchema } from './message-schema.ts'
import type { Message } from './message-schema.ts'
import { documented, time } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { next, numberPageQuery, parseNumberPage, parseTimePage, timeCursor, timePageQuery } from './page.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'

const threadChange = z
  .object({
    title: z.string().transform(threadTitle).refine((title) => title !== '', 'a title must not be empty').optional(),
    shared: z.boolean().optional(),
  })
  .refine((body) => body.title !== undefined || body.shared !== undefined, 'nothing to change: send title or shared')
  .meta({ minProperties: 1 }) // of the generators that there are, some make `unknown` of a choice between what is required
  .register(documented, { id: 'ThreadChange' })

const threadSchema = z
  .object({
    id: z.string(),
    chat_id: z.string().describe('What a chat client names the thread by: to its author, his own word for it.'),
    title: z.string(),
    shared: z.boolean(),
    author_id: z.string(),
    created_at: time,
    updated_at: time,
  })
  .register(documented, { id: 'Thread' })

type Thread = z.output<typeof threadSchema>

const threadsSchema = z.object({ threads: z.array(threadSchema), next }).register(documented, { id: 'ThreadPage' })
const messagesSchema = z.object({ messages: z.array(messageSchema), next }).register(documented, { id: 'MessagePage' })

export const getThreadsOperation = {
  id: 'listThreads',
  summary: 'Own and shared threads, the last changed first.',
  query: timePageQuery,
  answers: { 200: threadsSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET …/threads`: own and shared ones, the last changed first. */
export async function getThreads({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getThreadsOperation>> {
  const parsed = parseTimePage(query)
  if (!parsed.ok) return problem(parsed, requestId)
  const rows = await house.scoped(context.rows, (sql) => listThreads(sql, homeOf(context), parsed.page))
  const last = rows.length === parsed.page.limit ? rows.at(-1) : undefined
  return json<z.output<typeof threadsSchema>>({ threads: rows.map((row) => threadOf(row, context)), next: last ? timeCursor(last.updated_at, last.id) : null }, requestId)
}

export const getThreadOperation = { id: 'getThread', summary: 'A thread.', answers: { 200: threadSchema } } satisfies Operation

/** `GET …/threads/{threadId}`. */
export async function getThread({ context, params, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getThreadOperation>> {
  const row = await house.scoped(context.rows, (sql) => findThread(sql, addressOf(context, params)))
  return row ? json<Thread>(threadOf(row, context), requestId) : problem(NOT_FOUND, requestId)
}

export const patchThreadOperation = {
  id: 'changeThread',
  summary: 'Renames a thread of the caller\'s own, or shares it with its scope.',
  body: threadChange,
  answers: { 200: threadSchema },
} satisfies Operation

/** `PATCH …/threads/{threadId}`: its author renames it, or shares it with its scope. */
export async function patchThread(exchange: ScopedExchange<BodyOf<typeof patchThreadOperation>>, house: House): Promise<Answer<typeof patchThreadOperation>> {
  const { context, params, requestId } = exchange
  const { title = null, shared = null } = exchange.body
  const result = await house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, addressOf(context, params))
    if (!thread) return NOT_FOUND
    const changed = await updateOwnThread(sql, { projectId: homeOf(context), userId: context.rows.userId, id: thread.id, title, shared })
    return changed ?? refuse('forbidden', 'Only the author of a thread can rename or share it.')
  })
  return 'code' in result ? problem(result, requestId) : json<Thread>(threadOf(result, context), requestId)
}

export const getMessagesOperation = {
  id: 'listMessages',
  summary: 'The messages of a thread, all branches, by number.',
  query: numberPageQuery,
  answers: { 200: messagesSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET …/threads/{threadId}/messages`: all branches, by number, as UI messages. Hidden ones have no parts. */
export async function getMessages({ context, params, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getMessagesOperation>> {
  const page = parseNumberPage(query)
  if (!page.ok) return problem(page, requestId)
  const rows = await house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, addressOf(context, params))
    return thread && readPage(sql, { projectId: homeOf(context), threadId: thread.id, after: page.after, limit: page.limit })
  })
  if (!rows) return problem(NOT_FOUND, requestId)
  const last = rows.length === page.limit ? rows.at(-1) : undefined
  return json<z.output<typeof messagesSchema>>({ messages: rows.map((row) => messageOf(row, context)), next: last ? String(last.number) : null }, requestId)
}

function addressOf(context: ChatExecutionContext, params: Readonly<Record<string, string>>) {
  return { projectId: homeOf(context), userId: context.rows.userId, address: params['thread'] ?? '' }
}

/** `chat_id` is what a chat client names the thread by: its own alias, if it is the author's. */
function threadOf(row: ThreadRow, context: ChatExecutionContext): Thread {
  const own = row.author_id === context.rows.userId
  const { id, title, shared, author_id, created_at, updated_at } = row
  return { id, chat_id: (own ? row.alias : null) ?? id, title, shared, author_id, created_at, updated_at }
}

interface ReadMessage extends MessageRow {
  readonly content: ContentRow | undefined
  readonly run: Pick<RunRow, 'id' | 'state'> | undefined
}

/** The skeletons, with what the reader may see of them and the runs that answer in them. */
async function readPage(
  sql: ScopedSql,
  page: { projectId: string; threadId: string; after: number; limit: number },
): Promise<readonly ReadMessage[]> {
  const rows = await listMessages(sql, page)
  const ids = rows.map((row) => row.id)
  const contents = await readContents(sql, page, ids)
  const runs = await findRunsByMessages(sql, page, ids)
  return rows.map((row) => ({ ...row, content: contents.get(row.id), run: runs.get(row.id) }))
}

function messageOf(row: ReadMessage, context: ChatExecutionContext): Message {
  const own = row.author_id === context.rows.userId
  const { number, parent_id, author_id, created_at, content } = row
  const hidden = !content && row.run?.state !== 'running'
  const run = row.run ? { id: row.run.id, state: row.run.state } : null
  return {
    id: (own ? row.client_id : null) ?? row.id,
    role: row.role,
    parts: content ? (JSON.parse(content.parts) as readonly MessagePart[]) : [],
    metadata: { ambit: { id: row.id, number, parent_id, author_id, created_at, hidden, run } },
  }
}
