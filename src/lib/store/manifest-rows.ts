import type { ScopedSql } from './handles.ts'

/** What the model was told in a run, as JSON text. Once: a commit that is tried again without word of the first finds it there. */
export async function insertManifest(sql: ScopedSql, projectId: string, runId: string, content: string): Promise<void> {
  await sql.query(
    `insert into ambit.manifests (org_id, project_id, run_id, content) values (current_setting('ambit.org_id'), $1, $2, $3)
     on conflict do nothing`,
    [projectId, runId, content],
  )
}

/** To whoever may see all that the run has read; to others, and before the run's first commit, there is none. */
export async function findManifest(sql: ScopedSql, projectId: string, runId: string): Promise<string | null> {
  const { rows } = await sql.query<{ content: string }>('select content from ambit.manifests where project_id = $1 and run_id = $2', [projectId, runId])
  return rows[0]?.content ?? null
}
