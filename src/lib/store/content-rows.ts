import type { ScopedSql } from './handles.ts'

/** What was said in a message, to whoever may see it; to others it does not exist. */
export interface ContentRow {
  readonly message_id: string
  /** Null for a person's words. */
  readonly run_id: string | null
  /** JSON text: UI message parts. */
  readonly parts: string
}

/** What was said, once: content is never changed. An answer stands behind the read set of its run. */
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

/**
 * The contents of these messages, by message id. A statement of its own and not a join: found by key, it costs the same
 * however much others wrote; joined under row-level security, the planner may read all contents of the organisation.
 */
export async function readContents(
  sql: ScopedSql,
  thread: { projectId: string; threadId: string },
  messageIds: readonly string[],
): Promise<ReadonlyMap<string, ContentRow>> {
  const { rows } = await sql.query<ContentRow>(
    `select message_id, run_id, parts from ambit.message_contents
     where project_id = $1 and thread_id = $2 and message_id = any($3::text[])`,
    [thread.projectId, thread.threadId, messageIds],
  )
  return new Map(rows.map((row) => [row.message_id, row]))
}
