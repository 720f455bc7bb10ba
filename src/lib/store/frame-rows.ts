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

export interface FramesWanted {
  readonly projectId: string
  readonly runId: string
  /** Behind which frame. */
  readonly seq: number
  readonly limit: number
  /** No further row once they have so many bytes; absent: however many they have. */
  readonly bytes?: number
}

/** The first rows that hold frames after `seq`, and at least one if there are any. */
export async function readFrames(sql: ScopedSql, { projectId, runId, seq, limit, bytes }: FramesWanted): Promise<readonly FramesRow[]> {
  const { rows } = await sql.query<FramesRow>(
    `select first_seq, last_seq, text from (
       select *, sum(octet_length(text)) over (order by first_seq) - octet_length(text) as bytes_before from (
         select first_seq, last_seq, text from ambit.frames
         where project_id = $1 and run_id = $2 and last_seq > $3 order by first_seq limit $4) as next) as counted
     where bytes_before < $5 order by first_seq`,
    [projectId, runId, seq, limit, bytes ?? Number.MAX_SAFE_INTEGER],
  )
  return rows
}
