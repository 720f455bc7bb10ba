import type { RoleName } from './directory-rows.ts'
import type { ScopedSql } from './handles.ts'
import { isoTime } from './iso-time.ts'

export interface ProjectRow {
  readonly slug: string
  readonly name: string
  readonly about: string
  readonly visibility: 'organisation' | 'private'
  readonly created_at: string
}

const COLUMNS = `slug, name, about, visibility, ${isoTime('created_at')} as created_at`

/** The projects of the scope, by slug, with the role of somebody in them: as `findProjectAccess` has it, of rows of the scope. */
export async function listProjects(
  sql: ScopedSql,
  personId: string,
  page: { readonly limit: number; readonly after: string },
): Promise<readonly (ProjectRow & { readonly role: RoleName })[]> {
  const { rows } = await sql.query<ProjectRow & { role: RoleName }>(
    `select ${COLUMNS}, (array['owner', 'admin', 'member', 'viewer'])[rank] as role
     from ambit.projects p
     cross join lateral (
       select min(array_position(array['owner', 'admin', 'member', 'viewer'], m.role)) as rank from ambit.memberships m
       where m.person_id = $1 and (m.project_id = p.id or (m.project_id = '*' and p.visibility = 'organisation'))) own
     where slug > $2 and deleted_at is null and rank is not null
     order by slug limit $3`,
    [personId, page.after, page.limit],
  )
  return rows
}

/** Null where the slug is taken, be it by a project that nobody in this scope sees. */
export async function insertOwnProject(
  sql: ScopedSql,
  project: { readonly id: string; readonly slug: string; readonly name: string; readonly about: string; readonly visibility: ProjectRow['visibility'] },
): Promise<ProjectRow | null> {
  const { id, slug, name, about, visibility } = project
  const { rows } = await sql.query<ProjectRow>(
    `insert into ambit.projects (org_id, id, slug, name, about, visibility) values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5)
     on conflict (org_id, slug) do nothing returning ${COLUMNS}`,
    [id, slug, name, about, visibility],
  )
  return rows[0] ?? null
}

/** Changes what is given and answers the whole; null where it was deleted meanwhile. */
export async function updateProject(
  sql: ScopedSql,
  id: string,
  change: { readonly name?: string | undefined; readonly about?: string | undefined; readonly visibility?: ProjectRow['visibility'] | undefined },
): Promise<ProjectRow | null> {
  const { rows } = await sql.query<ProjectRow>(
    `update ambit.projects set name = coalesce($2::text, name), about = coalesce($3::text, about), visibility = coalesce($4::text, visibility)
     where id = $1 and deleted_at is null returning ${COLUMNS}`,
    [id, change.name ?? null, change.about ?? null, change.visibility ?? null],
  )
  return rows[0] ?? null
}

export async function findVisibility(sql: ScopedSql, id: string): Promise<ProjectRow['visibility'] | null> {
  const { rows } = await sql.query<{ visibility: ProjectRow['visibility'] }>('select visibility from ambit.projects where id = $1', [id])
  return rows[0]?.visibility ?? null
}

/** Gone from every look-up at once; the rows stay for the record. False where it was deleted before. */
export async function markDeleted(sql: ScopedSql, id: string): Promise<boolean> {
  const { count } = await sql.query('update ambit.projects set deleted_at = now() where id = $1 and deleted_at is null', [id])
  return count > 0
}
