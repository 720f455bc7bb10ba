import type { LookupSql, OperatorSql, ScopedSql } from './handles.ts'

export interface SettingsRow {
  readonly ai_enabled: boolean
  readonly instructions: string
  /** The model with which runs begin that name none; null: nothing is ruled. */
  readonly model: string | null
}

const DEFAULTS: SettingsRow = { ai_enabled: true, instructions: '', model: null }

/** What the organisation rules, and what it rules for this project (`*` for none). An absent row is the default. */
export async function readSettings(
  sql: LookupSql,
  orgId: string,
  projectId: string,
): Promise<{ org: SettingsRow; project: SettingsRow }> {
  const { rows } = await sql.query<SettingsRow & { project_id: string }>(
    "select project_id, ai_enabled, instructions, model from ambit.settings where org_id = $1 and project_id in ('*', $2)",
    [orgId, projectId],
  )
  const of = (id: string): SettingsRow => rows.find((row) => row.project_id === id) ?? DEFAULTS
  return { org: of('*'), project: of(projectId) }
}

/** What is ruled for the place itself, to whoever may see it. */
export async function findSettings(sql: ScopedSql, projectId: string): Promise<SettingsRow> {
  const { rows } = await sql.query<SettingsRow>('select ai_enabled, instructions, model from ambit.settings where project_id = $1', [projectId])
  return rows[0] ?? DEFAULTS
}

/** What is absent stays as it is. A model that is null is one that is ruled no more. */
export type SettingsChange = { readonly [Name in keyof SettingsRow]?: SettingsRow[Name] | undefined }

/** Changes what is given and answers the whole. Needs a scope that was opened to administer. */
export async function changeSettings(sql: ScopedSql, projectId: string, { ai_enabled, instructions, model }: SettingsChange): Promise<SettingsRow> {
  const { rows } = await sql.query<SettingsRow>(
    `insert into ambit.settings as s (org_id, project_id, ai_enabled, instructions, model)
     values (current_setting('ambit.org_id'), $1, coalesce($2::boolean, $4::boolean), coalesce($3::text, $5::text), $7)
     on conflict (org_id, project_id) do update set ai_enabled = coalesce($2::boolean, s.ai_enabled), instructions = coalesce($3::text, s.instructions),
       model = case when $6::boolean then excluded.model else s.model end
     returning ai_enabled, instructions, model`,
    [projectId, ai_enabled ?? null, instructions ?? null, DEFAULTS.ai_enabled, DEFAULTS.instructions, model !== undefined, model ?? null],
  )
  const [row] = rows
  if (!row) throw new Error('Settings were written and not given back.')
  return row
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
