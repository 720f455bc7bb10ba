import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

/** What becomes of a message that comes while its thread is being answered. */
export type OnActive = 'reject' | 'queue' | 'interrupt'

export interface ThreadRow {
  readonly id: string
  readonly author_id: string
  readonly alias: string | null
  readonly shared: boolean
  readonly title: string
  readonly on_active: OnActive
  /** The end of the branch that was chosen; null: the newest message. */
  readonly head_id: string | null
  readonly created_at: string
  readonly updated_at: string
}

/** What a thread is found by: an id in the address, which is an own alias first and a visible server id second. */
export interface ThreadAddress {
  readonly projectId: string
  readonly userId: string
  readonly address: string
}

const COLUMNS = `id, author_id, alias, shared, title, on_active, head_id, ${isoTime('created_at')} as created_at, ${isoTime('updated_at')} as updated_at`

const BY_ADDRESS = `select ${COLUMNS} from ambit.threads
  where project_id = $1 and ((author_id = $2 and alias = $3) or id = $3)
  order by (author_id = $2 and alias is not distinct from $3) desc limit 1`

export async function findThread(sql: ScopedSql, { projectId, userId, address }: ThreadAddress): Promise<ThreadRow | null> {
  const { rows } = await sql.query<ThreadRow>(BY_ADDRESS, [projectId, userId, address])
  return rows[0] ?? null
}

/** The thread, its row locked: whoever opens a run here next waits for this transaction. Whoever only points at it (a run's writer) does not. */
export async function lockThread(sql: ScopedSql, { projectId, userId, address }: ThreadAddress): Promise<ThreadRow | null> {
  const { rows } = await sql.query<ThreadRow>(`${BY_ADDRESS} for no key update`, [projectId, userId, address])
  return rows[0] ?? null
}

/** Begins an own thread under this alias; null where the same person began it in the same moment. */
export async function insertThread(
  sql: ScopedSql,
  thread: { projectId: string; id: string; userId: string; alias: string | null; title: string },
): Promise<ThreadRow | null> {
  const { rows } = await sql.query<ThreadRow>(
    `insert into ambit.threads (org_id, project_id, id, author_id, alias, title)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5)
     on conflict (org_id, project_id, author_id, alias) do nothing returning ${COLUMNS}`,
    [thread.projectId, thread.id, thread.userId, thread.alias, thread.title],
  )
  return rows[0] ?? null
}

/** Takes `count` numbers for the messages of a turn, whose answer ends the chosen branch from now on; answers the first. */
export async function takeNumbers(
  sql: ScopedSql,
  turn: { readonly projectId: string; readonly threadId: string; readonly count: number; readonly headId: string | null },
): Promise<number> {
  const { rows } = await sql.query<{ first: number }>(
    `update ambit.threads set next_number = next_number + $3, head_id = $4, updated_at = now()
     where project_id = $1 and id = $2 returning next_number - $3 as first`,
    [turn.projectId, turn.threadId, turn.count, turn.headId],
  )
  const first = rows[0]?.first
  if (first === undefined) throw new Error('A thread that this transaction had locked is gone.')
  return first
}

/** Which threads of a place are listed, and how many. */
export interface ThreadPage {
  readonly limit: number
  readonly after?: { readonly at: string; readonly id: string } | undefined
  /** Only those of this person. */
  readonly authorId?: string | undefined
  /** Only those with all of these in their title, in whatever case. */
  readonly words?: readonly string[] | undefined
}

/** A page of threads, the last changed first. */
export async function listThreads(sql: ScopedSql, projectId: string, page: ThreadPage): Promise<readonly ThreadRow[]> {
  const { rows } = await sql.query<ThreadRow>(
    `select ${COLUMNS} from ambit.threads t
     where project_id = $1 and ($2::timestamptz is null or (t.updated_at, t.id) < ($2::timestamptz, $3))
       and ($5::text is null or t.author_id = $5)
       and not exists (select from unnest($6::text[]) as word where strpos(lower(t.title), lower(word)) = 0)
     order by t.updated_at desc, t.id desc limit $4`,
    [projectId, page.after?.at ?? null, page.after?.id ?? '', page.limit, page.authorId ?? null, page.words ?? []],
  )
  return rows
}

/** Titles of these threads, by id: of those that the reader sees. */
export async function readTitles(sql: ScopedSql, projectId: string, ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await sql.query<{ id: string; title: string }>('select id, title from ambit.threads where project_id = $1 and id = any($2::text[])', [projectId, ids])
  return new Map(rows.map(({ id, title }) => [id, title]))
}

/** Titles for the context of a run: of shared threads only, because the answer, and what it repeats, may be shared later. */
export async function listRecentTitles(
  sql: ScopedSql,
  { projectId, threadId, limit }: { projectId: string; threadId: string; limit: number },
): Promise<readonly string[]> {
  const { rows } = await sql.query<{ title: string }>(
    `select t.title from ambit.threads t
     where t.project_id = $1 and t.id <> $2 and t.title <> '' and t.shared
     order by t.updated_at desc limit $3`,
    [projectId, threadId, limit],
  )
  return rows.map((row) => row.title)
}

/** What its author may change of a thread; null stays as it is. */
export interface OwnChange {
  readonly title?: string | null | undefined
  readonly shared?: boolean | null | undefined
  readonly onActive?: OnActive | null | undefined
}

/** Changes an own thread; answers it, or null where it is not the user's to change. */
export async function updateOwnThread(
  sql: ScopedSql,
  thread: { readonly projectId: string; readonly userId: string; readonly id: string } & OwnChange,
): Promise<ThreadRow | null> {
  const { rows } = await sql.query<ThreadRow>(
    `update ambit.threads set title = coalesce($4, title), shared = coalesce($5, shared), on_active = coalesce($6, on_active), updated_at = now()
     where project_id = $1 and author_id = $2 and id = $3 returning ${COLUMNS}`,
    [thread.projectId, thread.userId, thread.id, thread.title ?? null, thread.shared ?? null, thread.onActive ?? null],
  )
  return rows[0] ?? null
}

/** Chooses the branch that ends in this message, for everybody who sees the thread. It is no change of what was said: its time stays. */
export async function chooseHead(
  sql: ScopedSql,
  thread: { readonly projectId: string; readonly id: string; readonly headId: string },
): Promise<ThreadRow | null> {
  const { rows } = await sql.query<ThreadRow>(
    `update ambit.threads set head_id = $3 where project_id = $1 and id = $2 returning ${COLUMNS}`,
    [thread.projectId, thread.id, thread.headId],
  )
  return rows[0] ?? null
}

/** Takes an own thread away, with all that was said and done in it. Answers whether it was there, and the user's. */
export async function deleteOwnThread(sql: ScopedSql, thread: { readonly projectId: string; readonly userId: string; readonly id: string }): Promise<boolean> {
  const { count } = await sql.query('delete from ambit.threads where project_id = $1 and author_id = $2 and id = $3', [thread.projectId, thread.userId, thread.id])
  return count > 0
}
