import { z } from 'zod'
import { threadTitle } from '../run/thread-title.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { insertEvent } from '../store/event-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findBranchEnd, findMessage } from '../store/message-rows.ts'
import { chooseHead, findThread, listThreads, updateOwnThread } from '../store/thread-rows.ts'
import type { ThreadPage, ThreadRow } from '../store/thread-rows.ts'
import { onActive } from './chat-schema.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented, id, time } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { next, parseAuthor, parseSearch, parseTimePage, timeCursor, timePageQuery } from './page.ts'
import type { TimePage } from './page.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'
import { addressOf } from './thread-address.ts'

const threadChange = z
  .object({
    title: z.string().transform(threadTitle).refine((title) => title !== '', 'a title must not be empty').optional(),
    shared: z.boolean().optional(),
    on_active: onActive.optional(),
    head: id.optional().describe('A message of the branch that is to be shown, and followed by what is said next.'),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'nothing to change: send title, shared, on_active or head')
  .meta({ minProperties: 1 }) // of the generators that there are, some make `unknown` of a choice between what is required
  .register(documented, { id: 'ThreadChange' })

const threadSchema = z
  .object({
    id: z.string(),
    chat_id: z.string().describe('What a chat client names the thread by: to its author, his own word for it.'),
    title: z.string(),
    shared: z.boolean(),
    on_active: onActive,
    head: z.string().nullable().describe('The message that ends the chosen branch; null: the newest one.'),
    author_id: z.string(),
    created_at: time,
    updated_at: time,
  })
  .register(documented, { id: 'Thread' })

export type Thread = z.output<typeof threadSchema>

const threadsSchema = z.object({ threads: z.array(threadSchema), next }).register(documented, { id: 'ThreadPage' })

const QUERY_CHARS = 200

export const getThreadsOperation = {
  id: 'listThreads',
  summary: 'Own and shared threads, the last changed first.',
  query: {
    ...timePageQuery,
    query: z.string().min(1).max(QUERY_CHARS).describe('Only threads whose title contains all of these words.'),
    author: z.literal('me').describe('Only own threads.'),
  },
  answers: { 200: threadsSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET …/threads`: own and shared ones, the last changed first. */
export async function getThreads({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getThreadsOperation>> {
  const parsed = parseThreadPage(query, context)
  if (!parsed.ok) return problem(parsed, requestId)
  const rows = await house.scoped(context.rows, (sql) => listThreads(sql, homeOf(context), parsed.page))
  const last = rows.length === parsed.page.limit ? rows.at(-1) : undefined
  return json<z.output<typeof threadsSchema>>({ threads: rows.map((row) => threadOf(row, context)), next: last ? timeCursor(last.updated_at, last.id) : null }, requestId)
}

function parseThreadPage(query: URLSearchParams, context: ChatExecutionContext): { readonly ok: true; readonly page: TimePage & ThreadPage } | Refusal {
  const parsed = parseTimePage(query)
  if (!parsed.ok) return parsed
  const search = parseSearch(query, QUERY_CHARS)
  if (!search.ok) return search
  const author = parseAuthor(query, context.rows.userId)
  if (!author.ok) return author
  return { ok: true, page: { ...parsed.page, authorId: author.authorId, words: search.text?.split(/\s+/) } }
}

export const getThreadOperation = { id: 'getThread', summary: 'A thread.', answers: { 200: threadSchema } } satisfies Operation

/** `GET …/threads/{threadId}`. */
export async function getThread({ context, params, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getThreadOperation>> {
  const row = await house.scoped(context.rows, (sql) => findThread(sql, addressOf(context, params)))
  return row ? json<Thread>(threadOf(row, context), requestId) : problem(NOT_FOUND, requestId)
}

export const patchThreadOperation = {
  id: 'changeThread',
  summary: 'Renames a thread of the caller\'s own, shares it, says what becomes of a message while it is being answered; or chooses a branch.',
  body: threadChange,
  answers: { 200: threadSchema },
} satisfies Operation

/** `PATCH …/threads/{threadId}`: its author renames it, shares it with its scope, or says how it queues; whoever may write in it chooses a branch. */
export async function patchThread(exchange: ScopedExchange<BodyOf<typeof patchThreadOperation>>, house: House): Promise<Answer<typeof patchThreadOperation>> {
  const { context, params, body, requestId } = exchange
  const result = await house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, addressOf(context, params))
    return thread ? changeThread(sql, context, thread, body) : NOT_FOUND
  })
  if ('code' in result) return problem(result, requestId)
  house.events.notify({ orgId: context.org.id, projectId: homeOf(context) })
  return json<Thread>(threadOf(result, context), requestId)
}

const NOT_OWN = refuse('forbidden', 'Only the author of a thread can rename or share it, or say what becomes of a message while it is being answered.')

async function changeThread(
  sql: ScopedSql,
  context: ChatExecutionContext,
  { id: threadId, author_id: authorId }: ThreadRow,
  { title, shared, on_active: waiting, head }: z.output<typeof threadChange>,
): Promise<ThreadRow | Refusal> {
  const [projectId, userId] = [homeOf(context), context.rows.userId]
  const own = title !== undefined || shared !== undefined || waiting !== undefined
  if (own && authorId !== userId) return NOT_OWN
  const message = head === undefined ? null : await findMessage(sql, { projectId, threadId, userId, id: head })
  if (head !== undefined && !message) return NOT_FOUND
  const headId = message && (await findBranchEnd(sql, { projectId, threadId, messageId: message.id }))
  const chosen = headId === null ? null : await chooseHead(sql, { projectId, id: threadId, headId })
  const changed = own ? await updateOwnThread(sql, { projectId, userId, id: threadId, title, shared, onActive: waiting }) : chosen
  if (!changed) return NOT_FOUND
  await insertEvent(sql, { projectId, kind: 'thread_changed', threadId, runId: null })
  return changed
}

/** `chat_id` is what a chat client names the thread by: its own alias, if it is the author's. */
function threadOf(row: ThreadRow, context: ChatExecutionContext): Thread {
  const own = row.author_id === context.rows.userId
  const { title, shared, on_active, head_id: head, author_id, created_at, updated_at } = row
  return { id: row.id, chat_id: (own ? row.alias : null) ?? row.id, title, shared, on_active, head, author_id, created_at, updated_at }
}
