import type { ScopedSql } from './handles.ts'

/** A run that has not ended: it runs, or waits for those before it in its thread. */
export interface ActiveRun {
  readonly id: string
  readonly thread_id: string
  /** Of its answer. */
  readonly message_id: string
  readonly state: 'queued' | 'running'
}

/** The line of a thread: what runs, and what waits for it, in order. Each half has an index of its own. */
export async function listActiveRuns(sql: ScopedSql, projectId: string, threadId: string): Promise<readonly ActiveRun[]> {
  const { rows } = await sql.query<ActiveRun & { number: number }>(
    `select id, thread_id, message_id, state, number from ambit.runs where project_id = $1 and thread_id = $2 and state = 'running'
     union all
     select id, thread_id, message_id, state, number from ambit.runs where project_id = $1 and thread_id = $2 and state = 'queued'
     order by number`,
    [projectId, threadId],
  )
  return rows
}
