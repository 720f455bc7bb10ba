import type { ScopedSql } from './handles.ts'

/** Frames `first_seq` to `last_seq`, as the text that was sent. */
export interface FramesRow {
  readonly first_seq: number
  readonly last_seq: number
  readonly text: string
}

export async function insertFrames(sql: ScopedSql, projectId: string, runId: string, frames: FramesRow): Promise<void> {
  await sql.query(
    `insert into ambit.frames (org_id, project_id, run_id, first_seq, last_seq, text)
     values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5)`,
    [projectId, runId, frames.first_seq, frames.last_seq, frames.text],
  )
}

/** The first rows that hold frames after `seq`, at most `limit` rows. */
export async function readFrames(
  sql: ScopedSql,
  after: { projectId: string; runId: string; seq: number; limit: number },
): Promise<readonly FramesRow[]> {
  const { rows } = await sql.query<FramesRow>(
    `select first_seq, last_seq, text from ambit.frames
     where project_id = $1 and run_id = $2 and last_seq > $3 order by first_seq limit $4`,
    [after.projectId, after.runId, after.seq, after.limit],
  )
  return rows
}
