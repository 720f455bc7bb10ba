import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

/** `queued`: waits for the run before it in its thread. Ended is everything but `queued` and `running`. */
export type RunState = 'queued' | 'running' | 'completed' | 'stopped' | 'failed'

export function hasEnded(state: RunState): boolean {
  return state !== 'queued' && state !== 'running'
}

export interface RunRow {
  readonly id: string
  readonly thread_id: string
  readonly user_message_id: string
  readonly message_id: string
  readonly author_id: string
  readonly model_id: string
  readonly state: RunState
  readonly finish_reason: string | null
  readonly error_code: string | null
  readonly fence: number
  readonly last_seq: number
  /** JSON text: what its message is about. */
  readonly about: string
  /** Its frames are no longer kept. */
  readonly trimmed: boolean
  readonly created_at: string
  readonly ended_at: string | null
}

/** A run by its key, in whatever scope. */
export interface RunAddress {
  readonly orgId: string
  readonly projectId: string
  readonly id: string
}

/** What a run's writer must hold: the row's key and the fence under which it may write. */
export interface RunKey {
  readonly projectId: string
  readonly id: string
  readonly fence: number
}

/** One life of a node. */
export interface RunOwner {
  readonly id: string
  readonly epoch: number
}

export interface NewRun {
  readonly projectId: string
  readonly id: string
  readonly threadId: string
  readonly userMessageId: string
  readonly messageId: string
  readonly authorId: string
  readonly modelId: string
  /** Of its answer's message: the order of a queue. */
  readonly number: number
  readonly about: string
  readonly state: 'queued' | 'running'
  /** Who drives it; null: nobody yet. */
  readonly owner: RunOwner | null
  readonly fence: number
  readonly lastSeq: number
  readonly principal: string
  readonly target: string
  readonly context: string
}

export interface RunEnd {
  readonly state: Exclude<RunState, 'queued' | 'running'>
  readonly finishReason: string | null
  readonly errorCode: string | null
}

const COLUMNS = `id, thread_id, user_message_id, message_id, author_id, model_id, state, finish_reason, error_code, fence, last_seq, about, trimmed,
  ${isoTime('created_at')} as created_at, ${isoTime('ended_at')} as ended_at`

/** The run's row with its first claim: a run is born owned, or waits for whoever takes it. */
export async function insertRun(sql: ScopedSql, run: NewRun): Promise<void> {
  const { id: nodeId, epoch } = run.owner ?? NOBODY
  const born = sql.query(
    `insert into ambit.runs (org_id, project_id, id, thread_id, user_message_id, message_id, author_id, model_id, number, about, state,
                             node_id, epoch, fence, last_seq, principal, target, context)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
    [
      run.projectId, run.id, run.threadId, run.userMessageId, run.messageId, run.authorId, run.modelId, run.number, run.about, run.state,
      nodeId, epoch, run.fence, run.lastSeq, run.principal, run.target, run.context,
    ],
  )
  const claimed = sql.query(
    `insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch)
     values (current_setting('ambit.org_id'), $1, $2, $3, 0, $4, $5)`,
    [run.projectId, run.id, run.fence, nodeId, epoch],
  )
  await Promise.all([born, claimed])
}

/** No node is called so: whoever looks for runs that nobody drives finds it. */
const NOBODY: RunOwner = { id: '', epoch: 0 }

/** How far a commit takes a run, and from where its writer believes to start. */
export interface Advance {
  readonly from: number
  readonly to: number
  readonly end: RunEnd | null
}

/**
 * The guarded update that opens every transaction on a run's record: its lock guards the rest. False: the run has
 * another owner, has ended, or stands elsewhere than its writer believes, and nothing may be written.
 */
export async function advanceRun(sql: ScopedSql, run: RunKey, { from, to, end }: Advance): Promise<boolean> {
  const { count } = await sql.query(
    `update ambit.runs set last_seq = $5, state = coalesce($6, state), finish_reason = $7, error_code = $8,
            ended_at = case when $6::text is null then null else now() end
     where project_id = $1 and id = $2 and fence = $3 and last_seq = $4 and state in ('queued', 'running')`,
    [run.projectId, run.id, run.fence, from, to, end?.state ?? null, end?.finishReason ?? null, end?.errorCode ?? null],
  )
  return count === 1
}

export async function findRun(sql: ScopedSql, projectId: string, id: string): Promise<RunRow | null> {
  const { rows } = await sql.query<RunRow>(`select ${COLUMNS} from ambit.runs where project_id = $1 and id = $2`, [projectId, id])
  return rows[0] ?? null
}

/** The last run that this user message began: a retried post gets it again. */
export async function findRunByTrigger(
  sql: ScopedSql,
  projectId: string,
  threadId: string,
  userMessageId: string,
): Promise<RunRow | null> {
  const { rows } = await sql.query<RunRow>(
    `select ${COLUMNS} from ambit.runs r where project_id = $1 and thread_id = $2 and user_message_id = $3
     order by r.created_at desc, r.id desc limit 1`,
    [projectId, threadId, userMessageId],
  )
  return rows[0] ?? null
}

/** A run as whoever sees its thread is told of it. */
export interface ListedRun extends RunRow {
  /** JSON text of the principal who asked. */
  readonly principal: string
}

const LISTED = `${COLUMNS}, principal`

export async function findListedRun(sql: ScopedSql, projectId: string, id: string): Promise<ListedRun | null> {
  const { rows } = await sql.query<ListedRun>(`select ${LISTED} from ambit.runs where project_id = $1 and id = $2`, [projectId, id])
  return rows[0] ?? null
}

/** JSON text of the frozen ChatExecutionContext, to whoever may see all that the run has read; to others there is none. */
export async function findRunContext(sql: ScopedSql, projectId: string, id: string): Promise<string | null> {
  const { rows } = await sql.query<{ context: string }>(
    `select context from ambit.runs r where project_id = $1 and id = $2
       and exists (select from ambit.read_sets s where s.project_id = r.project_id and s.run_id = r.id offset 0)`,
    [projectId, id],
  )
  return rows[0]?.context ?? null
}

/** Which runs of a place are listed, and how many. */
export interface RunPage {
  readonly limit: number
  readonly after?: { readonly at: string; readonly id: string } | undefined
  /** Only those in one of these states. */
  readonly states?: readonly RunState[] | undefined
  /** Only those that this person asked for. */
  readonly authorId?: string | undefined
  readonly threadId?: string | undefined
}

/** A page of runs, the newest first. */
export async function listRuns(sql: ScopedSql, projectId: string, page: RunPage): Promise<readonly ListedRun[]> {
  const { rows } = await sql.query<ListedRun>(
    `select ${LISTED} from ambit.runs r
     where project_id = $1 and ($2::timestamptz is null or (r.created_at, r.id) < ($2::timestamptz, $3))
       and ($5::text[] is null or r.state = any($5)) and ($6::text is null or r.author_id = $6) and ($7::text is null or r.thread_id = $7)
     order by r.created_at desc, r.id desc limit $4`,
    [projectId, page.after?.at ?? null, page.after?.id ?? '', page.limit, page.states ?? null, page.authorId ?? null, page.threadId ?? null],
  )
  return rows
}

export interface RunOfMessage extends Pick<RunRow, 'id' | 'state' | 'error_code' | 'user_message_id' | 'message_id'> {
  /** JSON text of the principal who asked. */
  readonly principal: string
}

/** The runs that answer these messages or in them. */
export async function findRunsOfMessages(
  sql: ScopedSql,
  thread: { projectId: string; threadId: string },
  messageIds: readonly string[],
): Promise<readonly RunOfMessage[]> {
  const { rows } = await sql.query<RunOfMessage>(
    `select id, state, error_code, user_message_id, message_id, principal from ambit.runs
     where project_id = $1 and thread_id = $2 and (message_id = any($3::text[]) or user_message_id = any($3::text[]))`,
    [thread.projectId, thread.threadId, messageIds],
  )
  return rows
}
