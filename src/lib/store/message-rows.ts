import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

/** A message: its skeleton, and its content where the reader may see it. `parts` is JSON text; null is hidden, or not said yet. */
export interface MessageRow {
  readonly id: string
  readonly number: number
  readonly parent_id: string | null
  readonly role: 'user' | 'assistant'
  readonly author_id: string
  readonly client_id: string | null
  readonly parts: string | null
  readonly created_at: string
}

/** A message of a branch, with the projects that its content drew from. */
export interface BranchRow extends MessageRow {
  readonly reads: readonly string[] | null
}

export interface MessageSkeleton {
  readonly projectId: string
  readonly threadId: string
  readonly id: string
  readonly number: number
  readonly parentId: string | null
  readonly role: 'user' | 'assistant'
  readonly authorId: string
  readonly clientId: string | null
}

const COLUMNS = `m.id, m.number, m.parent_id, m.role, m.author_id, m.client_id, c.parts, ${isoTime('m.created_at')} as created_at`

const CONTENT = `left join ambit.message_contents c
  on c.org_id = m.org_id and c.project_id = m.project_id and c.thread_id = m.thread_id and c.message_id = m.id`

export async function insertMessage(sql: ScopedSql, message: MessageSkeleton): Promise<void> {
  await sql.query(
    `insert into ambit.messages (org_id, project_id, thread_id, id, number, parent_id, role, author_id, client_id)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5, $6, $7, $8)`,
    [
      message.projectId, message.threadId, message.id, message.number,
      message.parentId, message.role, message.authorId, message.clientId,
    ],
  )
}

/** What was said, once: content is never changed. `runId` is null for a person's words; an answer stands behind the read set of its run. */
export async function insertContent(
  sql: ScopedSql,
  content: { projectId: string; threadId: string; messageId: string; runId: string | null; parts: string },
): Promise<void> {
  await sql.query(
    `insert into ambit.message_contents (org_id, project_id, thread_id, message_id, run_id, parts)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5)`,
    [content.projectId, content.threadId, content.messageId, content.runId, content.parts],
  )
}

/** The message that a client names: by the id it chose itself, or by a server id. */
export async function findMessage(
  sql: ScopedSql,
  named: { projectId: string; threadId: string; userId: string; id: string },
): Promise<MessageRow | null> {
  const { rows } = await sql.query<MessageRow>(
    `select ${COLUMNS} from ambit.messages m ${CONTENT}
     where m.project_id = $1 and m.thread_id = $2 and ((m.author_id = $3 and m.client_id = $4) or m.id = $4)
     order by (m.author_id = $3 and m.client_id is not distinct from $4) desc limit 1`,
    [named.projectId, named.threadId, named.userId, named.id],
  )
  return rows[0] ?? null
}

/** A message's place in the tree, without what was said. */
export type MessagePlace = Pick<MessageRow, 'id' | 'parent_id' | 'role'>

/** The newest message: where the next turn is appended. */
export async function findNewestMessage(sql: ScopedSql, projectId: string, threadId: string): Promise<MessagePlace | null> {
  const { rows } = await sql.query<MessagePlace>(
    `select m.id, m.parent_id, m.role from ambit.messages m
     where m.project_id = $1 and m.thread_id = $2 order by m.number desc limit 1`,
    [projectId, threadId],
  )
  return rows[0] ?? null
}

/** The branch that ends in this message, oldest first, at most `limit` of its last messages: walked over the skeletons. */
export async function readBranch(
  sql: ScopedSql,
  branch: { projectId: string; threadId: string; leafId: string; limit: number },
): Promise<readonly BranchRow[]> {
  const { rows } = await sql.query<BranchRow>(
    `with recursive branch as (
       select m.*, 1 as depth from ambit.messages m where m.project_id = $1 and m.thread_id = $2 and m.id = $3
       union all
       select m.*, branch.depth + 1 from branch
       join ambit.messages m on m.org_id = branch.org_id and m.project_id = branch.project_id
         and m.thread_id = branch.thread_id and m.id = branch.parent_id
       where branch.depth < $4
     )
     select ${COLUMNS}, s.projects as reads from branch m ${CONTENT}
     left join ambit.read_sets s on s.org_id = c.org_id and s.project_id = c.project_id and s.run_id = c.run_id
     order by m.number`,
    [branch.projectId, branch.threadId, branch.leafId, branch.limit],
  )
  return rows
}

/** A message with the run that answers in it, if it is an answer. */
export interface ListedMessageRow extends MessageRow {
  readonly run_id: string | null
  readonly run_state: string | null
}

/** A page of a thread's messages, all branches, by number. */
export async function listMessages(
  sql: ScopedSql,
  page: { projectId: string; threadId: string; after: number; limit: number },
): Promise<readonly ListedMessageRow[]> {
  const { rows } = await sql.query<ListedMessageRow>(
    `select ${COLUMNS}, r.id as run_id, r.state as run_state from ambit.messages m ${CONTENT}
     left join ambit.runs r on r.org_id = m.org_id and r.project_id = m.project_id and r.thread_id = m.thread_id and r.message_id = m.id
     where m.project_id = $1 and m.thread_id = $2 and m.number > $3 order by m.number limit $4`,
    [page.projectId, page.threadId, page.after, page.limit],
  )
  return rows
}
