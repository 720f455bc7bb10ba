import type { ScopedSql } from './handles.ts'

/** The read set that a run begins with. */
export async function insertReadSet(sql: ScopedSql, projectId: string, runId: string, projects: readonly string[]): Promise<void> {
  await sql.query(
    `insert into ambit.read_sets (org_id, project_id, run_id, projects) values (current_setting('ambit.org_id'), $1, $2, $3::jsonb)`,
    [projectId, runId, JSON.stringify(projects)],
  )
}

/** The whole read set after a growth, with its number. */
export async function updateReadSet(
  sql: ScopedSql,
  readSet: { projectId: string; runId: string; number: number; projects: readonly string[] },
): Promise<void> {
  await sql.query('update ambit.read_sets set number = $3, projects = $4::jsonb where project_id = $1 and run_id = $2', [
    readSet.projectId, readSet.runId, readSet.number, JSON.stringify(readSet.projects),
  ])
}

/** The read set, to whoever may see all of it; to others it does not exist. */
export async function findReadSet(
  sql: ScopedSql,
  projectId: string,
  runId: string,
): Promise<{ number: number; projects: readonly string[] } | null> {
  const { rows } = await sql.query<{ number: number; projects: readonly string[] }>(
    'select number, projects from ambit.read_sets where project_id = $1 and run_id = $2',
    [projectId, runId],
  )
  return rows[0] ?? null
}

/** The projects that these runs have read, by run id. */
export async function readReadSets(sql: ScopedSql, projectId: string, runIds: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> {
  if (runIds.length === 0) return new Map()
  const { rows } = await sql.query<{ run_id: string; projects: readonly string[] }>(
    'select run_id, projects from ambit.read_sets where project_id = $1 and run_id = any($2::text[])',
    [projectId, runIds],
  )
  return new Map(rows.map((row) => [row.run_id, row.projects]))
}
