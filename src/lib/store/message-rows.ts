import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

/** A message's skeleton: who, where in the tree. What was said is in `content-rows.ts`, found by key. */
export interface MessageRow {
  readonly id: string
  readonly number: number
  readonly parent_id: string | null
  readonly role: 'user' | 'assistant'
  readonly author_id: string
  readonly client_id: string | null
  readonly created_at: string
}

/** A message's place in the tree. */
export type MessagePlace = Pick<MessageRow, 'id' | 'parent_id' | 'role'>

export interface NewMessage {
  readonly projectId: string
  readonly threadId: string
  readonly id: string
  readonly number: number
  readonly parentId: string | null
  readonly role: 'user' | 'assistant'
  readonly authorId: string
  readonly clientId: string | null
}

/** Several in one statement: a turn is a question and the place of its answer. */
export async function insertMessages(sql: ScopedSql, messages: readonly NewMessage[]): Promise<void> {
  const column = (of: (message: NewMessage) => string | number | null) => messages.map(of)
  await sql.query(
    `insert into ambit.messages (org_id, project_id, thread_id, id, number, parent_id, role, author_id, client_id)
     select current_setting('ambit.org_id'), * from unnest(
       $1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[])`,
    [
      column((one) => one.projectId), column((one) => one.threadId), column((one) => one.id), column((one) => one.number),
      column((one) => one.parentId), column((one) => one.role), column((one) => one.authorId), column((one) => one.clientId),
    ],
  )
}

/** The message that a client names: by the id it chose itself, or by a server id. */
export async function findMessage(
  sql: ScopedSql,
  named: { projectId: string; threadId: string; userId: string; id: string },
): Promise<MessagePlace | null> {
  const { rows } = await sql.query<MessagePlace>(
    `select m.id, m.parent_id, m.role from ambit.messages m
     where m.project_id = $1 and m.thread_id = $2 and ((m.author_id = $3 and m.client_id = $4) or m.id = $4)
     order by (m.author_id = $3 and m.client_id is not distinct from $4) desc limit 1`,
    [named.projectId, named.threadId, named.userId, named.id],
  )
  return rows[0] ?? null
}

/** The end of the chosen branch, where the next turn is appended: the newest message of a thread in which nobody chose. */
export async function findHead(
  sql: ScopedSql,
  thread: { readonly projectId: string; readonly threadId: string; readonly headId: string | null },
): Promise<MessagePlace | null> {
  const { projectId, threadId, headId } = thread
  const one = `select m.id, m.parent_id, m.role from ambit.messages m where m.project_id = $1 and m.thread_id = $2`
  const { rows } = headId === null
    ? await sql.query<MessagePlace>(`${one} order by m.number desc limit 1`, [projectId, threadId])
    : await sql.query<MessagePlace>(`${one} and m.id = $3`, [projectId, threadId, headId])
  return rows[0] ?? null
}

/** The branch that ends in this message, oldest first, at most `limit` of its last messages. */
export async function listBranch(
  sql: ScopedSql,
  end: { projectId: string; threadId: string; leafId: string; limit: number },
): Promise<readonly MessagePlace[]> {
  const { rows } = await sql.query<MessagePlace>(
    `with recursive branch as (
       select m.*, 1 as depth from ambit.messages m where m.project_id = $1 and m.thread_id = $2 and m.id = $3
       union all
       select m.*, branch.depth + 1 from branch
       join ambit.messages m on m.org_id = branch.org_id and m.project_id = branch.project_id
         and m.thread_id = branch.thread_id and m.id = branch.parent_id
       where branch.depth < $4
     )
     select id, parent_id, role from branch order by number`,
    [end.projectId, end.threadId, end.leafId, end.limit],
  )
  return rows
}

/** The end of the branch through this message: its newest child, that one's newest child, and so on. */
export async function findBranchEnd(
  sql: ScopedSql,
  from: { projectId: string; threadId: string; messageId: string },
): Promise<string | null> {
  const { rows } = await sql.query<{ id: string }>(
    `with recursive below as (
       select m.id, m.number from ambit.messages m where m.project_id = $1 and m.thread_id = $2 and m.id = $3
       union all
       select child.id, child.number from below cross join lateral (
         select m.id, m.number from ambit.messages m
         where m.org_id = current_setting('ambit.org_id') and m.project_id = $1 and m.thread_id = $2 and m.parent_id = below.id
         order by m.number desc limit 1) child
     )
     select id from below order by number desc limit 1`,
    [from.projectId, from.threadId, from.messageId],
  )
  return rows[0]?.id ?? null
}

/** A page of a thread's messages by number: how far the reader has come, and how many. */
export interface MessagePage {
  readonly projectId: string
  readonly threadId: string
  readonly after: number
  readonly limit: number
}

const COLUMNS = `m.id, m.number, m.parent_id, m.role, m.author_id, m.client_id, ${isoTime('m.created_at')} as created_at`

/** All branches, by number. */
export async function listMessages(sql: ScopedSql, page: MessagePage): Promise<readonly MessageRow[]> {
  const { rows } = await sql.query<MessageRow>(
    `select ${COLUMNS} from ambit.messages m
     where m.project_id = $1 and m.thread_id = $2 and m.number > $3 order by m.number limit $4`,
    [page.projectId, page.threadId, page.after, page.limit],
  )
  return rows
}

/** The branch that ends in this message, and no other: walked from its end, up to where the page begins. */
export async function listBranchPage(sql: ScopedSql, page: MessagePage & { readonly leafId: string }): Promise<readonly MessageRow[]> {
  const { rows } = await sql.query<MessageRow>(
    `with recursive m as (
       select m.* from ambit.messages m where m.project_id = $1 and m.thread_id = $2 and m.number > $3 and m.id = $5
       union all
       select parent.* from m
       join ambit.messages parent on parent.org_id = m.org_id and parent.project_id = m.project_id
         and parent.thread_id = m.thread_id and parent.id = m.parent_id
       where parent.number > $3
     )
     select ${COLUMNS} from m order by m.number limit $4`,
    [page.projectId, page.threadId, page.after, page.limit, page.leafId],
  )
  return rows
}

/** The messages that stand where these stand, they themselves included, in the order in which they were said. */
export async function listSiblings(
  sql: ScopedSql,
  thread: { readonly projectId: string; readonly threadId: string },
  parentIds: readonly (string | null)[],
): Promise<readonly MessagePlace[]> {
  const { rows } = await sql.query<MessagePlace & { number: number }>(
    `select m.id, m.parent_id, m.role, m.number from ambit.messages m
     where m.project_id = $1 and m.thread_id = $2 and m.parent_id = any($3::text[])
     union all
     select m.id, m.parent_id, m.role, m.number from ambit.messages m
     where $4 and m.project_id = $1 and m.thread_id = $2 and m.parent_id is null
     order by number`,
    [thread.projectId, thread.threadId, parentIds.filter((id) => id !== null), parentIds.includes(null)],
  )
  return rows
}
