import type { SweeperSql } from './handles.ts'

/** A run may have 50 MB of frames, and a statement has 5 s. */
const AT_A_TIME = 20

/** Throws away the frames of some runs that ended a day ago: what was said is in their messages. Answers of how many. */
export async function trimFrames(sql: SweeperSql): Promise<number> {
  const { count } = await sql.query(
    `with old as (
       select org_id, project_id, id from ambit.runs
       where not trimmed and ended_at < now() - interval '24 hours' order by ended_at limit $1 for update skip locked
     ), gone as (
       delete from ambit.frames f using old where f.org_id = old.org_id and f.project_id = old.project_id and f.run_id = old.id
     )
     update ambit.runs r set trimmed = true from old where r.org_id = old.org_id and r.project_id = old.project_id and r.id = old.id`,
    [AT_A_TIME],
  )
  return count
}
