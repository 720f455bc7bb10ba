import type { LookupSql, OperatorSql } from './handles.ts'

export interface SettingsRow {
  readonly ai_enabled: boolean
  readonly instructions: string
}

const DEFAULTS: SettingsRow = { ai_enabled: true, instructions: '' }

/** What the organisation rules, and what it rules for this project (`*` for none). An absent row is the default. */
export async function readSettings(
  sql: LookupSql,
  orgId: string,
  projectId: string,
): Promise<{ org: SettingsRow; project: SettingsRow }> {
  const { rows } = await sql.query<SettingsRow & { project_id: string }>(
    "select project_id, ai_enabled, instructions from ambit.settings where org_id = $1 and project_id in ('*', $2)",
    [orgId, projectId],
  )
  const of = (id: string): SettingsRow => rows.find((row) => row.project_id === id) ?? DEFAULTS
  return { org: of('*'), project: of(projectId) }
}

export async function putSettings(
  sql: OperatorSql,
  settings: { orgId: string; projectId: string; aiEnabled: boolean; instructions: string },
): Promise<void> {
  const { orgId, projectId, aiEnabled, instructions } = settings
  await sql.query(
    `insert into ambit.settings (org_id, project_id, ai_enabled, instructions) values ($1, $2, $3, $4)
     on conflict (org_id, project_id) do update set ai_enabled = excluded.ai_enabled, instructions = excluded.instructions`,
    [orgId, projectId, aiEnabled, instructions],
  )
}
