import { z } from 'zod'
import { isId } from '../directory/principal.ts'
import type { Principal } from '../directory/principal.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import { readContents } from '../store/content-rows.ts'
import type { ContentRow } from '../store/content-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findBranchEnd, findHead, findMessage, listBranchPage, listMessages, listSiblings } from '../store/message-rows.ts'
import type { MessagePage, MessageRow } from '../store/message-rows.ts'
import { findRunsOfMessages, hasEnded } from '../store/run-rows.ts'
import type { RunOfMessage } from '../store/run-rows.ts'
import { findThread } from '../store/thread-rows.ts'
import type { ThreadRow } from '../store/thread-rows.ts'
import { fileIdOf } from '../wire/file-url.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { nameOf } from './me-routes.ts'
import { messageSchema } from './message-schema.ts'
import type { Message } from './message-schema.ts'
import { documented } from './operation.ts'
import type { Answer, Operation } from './operation.ts'
import { next, numberPageQuery, parseNumberPage } from './page.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'
import { addressOf } from './thread-address.ts'

const messagesSchema = z.object({ messages: z.array(messageSchema), next }).register(documented, { id: 'MessagePage' })

export const getMessagesOperation = {
  id: 'listMessages',
  summary: 'The messages of a thread by number: of all branches, or of one.',
  query: {
    ...numberPageQuery,
    branch: z.string().describe('`chosen`: the branch that is followed by what is said next. The id of a message: the one through it, to its newest end.'),
  },
  answers: { 200: messagesSchema },
  refuses: ['malformed'],
} satisfies Operation

const BAD_BRANCH = refuse('malformed', '"branch" is "chosen", or the id of a message.')

/** `GET …/threads/{threadId}/messages`: by number, as UI messages. Hidden ones have no parts. */
export async function getMessages({ context, params, query, request, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getMessagesOperation>> {
  const page = parseNumberPage(query)
  if (!page.ok) return problem(page, requestId)
  const branch = query.get('branch')
  if (branch !== null && !isId(branch)) return problem(BAD_BRANCH, requestId)
  const rows = await house.scoped(context.rows, async (sql) => {
    const thread = await findThread(sql, addressOf(context, params))
    if (!thread) return null
    const { limit, after } = page
    const listed = await listPage(sql, { projectId: homeOf(context), threadId: thread.id, limit, after }, await leafOf(sql, context, thread, branch))
    return listed && readPage(sql, { projectId: homeOf(context), threadId: thread.id }, listed)
  })
  if (!rows) return problem(NOT_FOUND, requestId)
  // As the host has mounted it: where its files are read is beside it.
  const scopePath = new URL(request.url).pathname.replace(/\/threads\/[^/]*\/messages$/, '')
  const last = rows.length === page.limit ? rows.at(-1) : undefined
  return json<z.output<typeof messagesSchema>>({ messages: rows.map((row) => messageOf(row, context, scopePath)), next: last ? String(last.number) : null }, requestId)
}

/** The end of the branch that is asked for; `all`, or null where there is no such message. */
async function leafOf(sql: ScopedSql, context: ChatExecutionContext, thread: ThreadRow, branch: string | null): Promise<{ readonly id: string } | 'all' | null> {
  const place = { projectId: homeOf(context), threadId: thread.id }
  if (branch === null) return 'all'
  if (branch === 'chosen') return findHead(sql, { ...place, headId: thread.head_id })
  const named = await findMessage(sql, { ...place, userId: context.rows.userId, id: branch })
  const id = named && (await findBranchEnd(sql, { ...place, messageId: named.id }))
  return id === null ? null : { id }
}

async function listPage(sql: ScopedSql, page: MessagePage, leaf: { readonly id: string } | 'all' | null): Promise<readonly MessageRow[] | null> {
  if (leaf === 'all') return listMessages(sql, page)
  return leaf && listBranchPage(sql, { ...page, leafId: leaf.id })
}

interface ReadMessage extends MessageRow {
  readonly content: ContentRow | undefined
  readonly run: RunOfMessage | undefined
  /** One that knows what its author was called. */
  readonly told: RunOfMessage | undefined
  readonly siblings: readonly string[]
}

/** The skeletons, with what the reader may see of them, the runs that answer in them, and what else stands in their place. */
async function readPage(
  sql: ScopedSql,
  thread: { readonly projectId: string; readonly threadId: string },
  rows: readonly MessageRow[],
): Promise<readonly ReadMessage[]> {
  const ids = rows.map((row) => row.id)
  // Of a run that had ended before, the content is there: a run that ends in between would look like one whose answer is not to be seen.
  const runs = await findRunsOfMessages(sql, thread, ids)
  const contents = await readContents(sql, thread, ids)
  const siblings = Map.groupBy(await listSiblings(sql, thread, rows.map((row) => row.parent_id)), placeOf)
  const answering = new Map(runs.map((run) => [run.message_id, run]))
  const asking = new Map(runs.map((run) => [run.user_message_id, run]))
  return rows.map((row) => ({
    ...row, content: contents.get(row.id), run: answering.get(row.id), told: answering.get(row.id) ?? asking.get(row.id), siblings: (siblings.get(placeOf(row)) ?? []).map(({ id }) => id),
  }))
}

function placeOf({ parent_id: parentId, role }: Pick<MessageRow, 'parent_id' | 'role'>): string {
  return `${role} ${parentId ?? ''}`
}

function messageOf(row: ReadMessage, context: ChatExecutionContext, scopePath: string): Message {
  const own = row.author_id === context.rows.userId
  const { number, parent_id, author_id, created_at, content, siblings } = row
  const hidden = !content && (!row.run || hasEnded(row.run.state))
  const run = row.run ? { id: row.run.id, state: row.run.state, error_code: row.run.error_code } : null
  return {
    id: (own ? row.client_id : null) ?? row.id,
    role: row.role,
    parts: content ? (JSON.parse(content.parts) as readonly MessagePart[]).map((part) => partOf(part, scopePath)) : [],
    metadata: { ambit: { id: row.id, number, parent_id, siblings: [...siblings], author_id, author_name: row.told ? nameOf(JSON.parse(row.told.principal) as Principal) : null, created_at, hidden, run } },
  }
}

/** A file with the path at which it is read, which names it in a message, too. */
function partOf(part: MessagePart, scopePath: string): MessagePart {
  return part.type === 'file' ? { ...part, url: `${scopePath}/files/${fileIdOf(part.url)}` } : part
}
