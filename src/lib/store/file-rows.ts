import type { ScopedSql, SweeperSql } from './handles.ts'

/** A file as it came, and whose it is. */
export interface NewFile {
  readonly projectId: string
  readonly userId: string
  readonly id: string
  readonly name: string
  readonly mediaType: string
  readonly content: Uint8Array
}

/** What there is to know of a file without reading it. */
export interface FileFacts {
  readonly id: string
  readonly name: string
  readonly media_type: string
  readonly bytes: number
}

/** A person's own file: in a thread once it was sent. */
export interface OwnFile extends FileFacts {
  readonly thread_id: string | null
}

export interface FileRow {
  readonly name: string
  readonly media_type: string
  readonly content: Uint8Array
}

const UNSENT_LIFE = "interval '24 hours'"
/** Each may be 5 MB, and a statement has 5 s. */
const DELETED_AT_A_TIME = 100

const FACTS = 'id, name, media_type, octet_length(content) as bytes'

/**
 * How many files a person has here that no message names, and in how many seconds the oldest of them goes. Whoever comes in
 * the same moment waits here, until the first one's file is counted.
 */
export async function countUnsent(sql: ScopedSql, { projectId, userId }: Pick<NewFile, 'projectId' | 'userId'>): Promise<{ readonly count: number; readonly seconds: number }> {
  await sql.query("select pg_advisory_xact_lock(hashtextextended(current_setting('ambit.org_id') || ' ' || $1 || ' ' || $2, 0))", [projectId, userId])
  const { rows } = await sql.query<{ count: number; seconds: number }>(
    `select count(*)::int as count, coalesce(ceil(extract(epoch from min(created_at) + ${UNSENT_LIFE} - now())), 0)::int as seconds
     from ambit.files where project_id = $1 and author_id = $2 and message_id is null`,
    [projectId, userId],
  )
  return rows[0] ?? { count: 0, seconds: 0 }
}

export async function insertFile(sql: ScopedSql, { projectId, userId, id, name, mediaType, content }: NewFile): Promise<void> {
  await sql.query(
    `insert into ambit.files (org_id, project_id, id, author_id, name, media_type, content)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5, $6)`,
    [projectId, id, userId, name, mediaType, content],
  )
}

/** These files, as far as they are this person's own. Those that were not sent yet stay so until the transaction ends. */
export async function takeOwnFiles(sql: ScopedSql, { projectId, userId }: Pick<NewFile, 'projectId' | 'userId'>, ids: readonly string[]): Promise<readonly OwnFile[]> {
  const own = 'project_id = $1 and author_id = $2 and id = any($3::text[])'
  await sql.query(`select id from ambit.files where ${own} and message_id is null order by id for no key update`, [projectId, userId, ids])
  // A statement of its own: it sees what somebody else, for whom the one before had to wait, has made of them.
  const { rows } = await sql.query<OwnFile>(`select ${FACTS}, thread_id from ambit.files where ${own}`, [projectId, userId, ids])
  return rows
}

/** Sends these files with a message. Those that were sent before stay where they are. */
export async function sendFiles(
  sql: ScopedSql,
  message: { readonly projectId: string; readonly threadId: string; readonly messageId: string },
  ids: readonly string[],
): Promise<void> {
  await sql.query('update ambit.files set thread_id = $2, message_id = $3 where project_id = $1 and id = any($4::text[]) and message_id is null', [
    message.projectId, message.threadId, message.messageId, ids,
  ])
}

export async function findFile(sql: ScopedSql, projectId: string, id: string): Promise<FileRow | null> {
  const { rows } = await sql.query<FileRow>('select name, media_type, content from ambit.files where project_id = $1 and id = $2', [projectId, id])
  return rows[0] ?? null
}

/** What these files are, as far as the reader may see them. */
export async function listFiles(sql: ScopedSql, projectId: string, ids: readonly string[]): Promise<readonly FileFacts[]> {
  const { rows } = await sql.query<FileFacts>(`select ${FACTS} from ambit.files where project_id = $1 and id = any($2::text[])`, [projectId, ids])
  return rows
}

/** The beginnings of these files, by id: of each as many bytes as are wanted. */
export async function readFiles(
  sql: ScopedSql,
  projectId: string,
  wanted: ReadonlyMap<string, number>,
): Promise<ReadonlyMap<string, Uint8Array>> {
  const { rows } = await sql.query<{ id: string; content: Uint8Array }>(
    `select id, substring(content from 1 for ($3::jsonb ->> id)::int) as content from ambit.files where project_id = $1 and id = any($2::text[])`,
    [projectId, [...wanted.keys()], JSON.stringify(Object.fromEntries(wanted))],
  )
  return new Map(rows.map(({ id, content }) => [id, content]))
}

/** Throws away some of the files that were not sent within a day; answers how many. */
export async function deleteUnsentFiles(sql: SweeperSql): Promise<number> {
  const { count } = await sql.query(
    `delete from ambit.files where message_id is null and created_at = any(array(
       select created_at from ambit.files where message_id is null and created_at < now() - ${UNSENT_LIFE} order by created_at limit $1))`,
    [DELETED_AT_A_TIME],
  )
  return count
}
