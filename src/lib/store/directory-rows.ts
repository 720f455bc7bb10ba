import type { LookupSql, OperatorSql } from './handles.ts'

export type RoleName = 'owner' | 'admin' | 'member' | 'viewer'

export interface PlaceRow {
  readonly id: string
  readonly slug: string
  readonly name: string
  readonly about: string
}

export interface AccessRow {
  readonly org: PlaceRow
  readonly project: PlaceRow | null
  readonly role: RoleName
}

/**
 * The organisation, if the person is a member of it. One statement for foreign and absent alike.
 */
export async function findOrgAccess(sql: LookupSql, personId: string, orgSlug: string): Promise<AccessRow | null> {
  const { rows } = await sql.query<AccessRow>(
    `select json_build_object('id', o.id, 'slug', o.slug, 'name', o.name, 'about', o.profile) as org, null as project, m.role
     from ambit.organisations o
     join ambit.memberships m on m.org_id = o.id and m.project_id = '*' and m.person_id = $1
     where o.slug = $2 and o.deleted_at is null`,
    [personId, orgSlug],
  )
  return rows[0] ?? null
}

/**
 * The project, if the person may see it. The role is the higher of the memberships of project and organisation, so that
 * taking one away never grants; that of the organisation does not reach private projects.
 */
export async function findProjectAccess(
  sql: LookupSql,
  personId: string,
  orgSlug: string,
  projectSlug: string,
): Promise<AccessRow | null> {
  const { rows } = await sql.query<AccessRow>(
    `select json_build_object('id', o.id, 'slug', o.slug, 'name', o.name, 'about', o.profile) as org,
            json_build_object('id', p.id, 'slug', p.slug, 'name', p.name, 'about', p.about) as project,
            (array['owner', 'admin', 'member', 'viewer'])[least(
              array_position(array['owner', 'admin', 'member', 'viewer'], own.role),
              case when p.visibility = 'organisation' then array_position(array['owner', 'admin', 'member', 'viewer'], m.role) end)] as role
     from ambit.organisations o
     join ambit.projects p on p.org_id = o.id and p.slug = $3 and p.deleted_at is null
     left join ambit.memberships own on own.org_id = o.id and own.project_id = p.id and own.person_id = $1
     left join ambit.memberships m on m.org_id = o.id and m.project_id = '*' and m.person_id = $1
     where o.slug = $2 and o.deleted_at is null
       and (own.role is not null or (m.role is not null and p.visibility = 'organisation'))`,
    [personId, orgSlug, projectSlug],
  )
  return rows[0] ?? null
}

/** Some of a list, by id; `only` is the slug of the one that a credential is for. */
export interface PlacePage {
  readonly limit: number
  readonly after?: string | undefined
  readonly only?: string | undefined
}

/** The organisations that the person is in, or in a project of. */
export async function listOrganisations(sql: LookupSql, personId: string, page: PlacePage): Promise<readonly PlaceRow[]> {
  const { rows } = await sql.query<PlaceRow>(
    `select o.id, o.slug, o.name, o.profile as about
     from ambit.organisations o
     where o.deleted_at is null and o.id > $2 and ($3::text is null or o.slug = $3)
       and o.id in (select m.org_id from ambit.memberships m
                    where m.person_id = $1
                      and (m.project_id = '*' or exists (select from ambit.projects p
                                                         where p.org_id = m.org_id and p.id = m.project_id and p.deleted_at is null)))
     order by o.id limit $4`,
    [personId, page.after ?? '', page.only ?? null, page.limit],
  )
  return rows
}

/** The projects of an organisation that the person may see. */
export async function listVisibleProjects(sql: LookupSql, personId: string, orgId: string, page: PlacePage): Promise<readonly PlaceRow[]> {
  const { rows } = await sql.query<PlaceRow>(
    `select p.id, p.slug, p.name, p.about
     from ambit.projects p
     where p.org_id = $2 and p.deleted_at is null and p.id > $3 and ($5::text is null or p.slug = $5)
       and (exists (select from ambit.memberships own
                    where own.org_id = p.org_id and own.project_id = p.id and own.person_id = $1)
            or (p.visibility = 'organisation'
                and exists (select from ambit.memberships m
                            where m.org_id = p.org_id and m.project_id = '*' and m.person_id = $1)))
     order by p.id limit $4`,
    [personId, orgId, page.after ?? '', page.limit, page.only ?? null],
  )
  return rows
}

/** Every address at which the person may chat or read. */
export async function listMemberships(
  sql: LookupSql | OperatorSql,
  personId: string,
  orgSlug: string,
): Promise<readonly { org: string; project: string | null; role: RoleName }[]> {
  const { rows } = await sql.query<{ org: string; project: string | null; role: RoleName }>(
    `select o.slug as org, p.slug as project, m.role
     from ambit.memberships m
     join ambit.organisations o on o.id = m.org_id and o.deleted_at is null
     left join ambit.projects p on p.org_id = m.org_id and p.id = m.project_id and p.deleted_at is null
     where m.person_id = $1 and o.slug = $2 and (m.project_id = '*' or p.id is not null)
     order by o.slug, p.slug nulls first`,
    [personId, orgSlug],
  )
  return rows
}

export async function findOrganisation(sql: OperatorSql, slug: string): Promise<{ id: string } | null> {
  const { rows } = await sql.query<{ id: string }>('select id from ambit.organisations where slug = $1', [slug])
  return rows[0] ?? null
}

export async function insertOrganisation(
  sql: OperatorSql,
  organisation: { id: string; slug: string; name: string; profile: string },
): Promise<void> {
  const { id, slug, name, profile } = organisation
  await sql.query('insert into ambit.organisations (id, slug, name, profile) values ($1, $2, $3, $4)', [id, slug, name, profile])
}

export async function insertProject(
  sql: OperatorSql,
  project: { orgId: string; id: string; slug: string; name: string; about: string; visibility: 'organisation' | 'private' },
): Promise<void> {
  const { orgId, id, slug, name, about, visibility } = project
  await sql.query(
    'insert into ambit.projects (org_id, id, slug, name, about, visibility) values ($1, $2, $3, $4, $5, $6)',
    [orgId, id, slug, name, about, visibility],
  )
}

/** The registry of the version before, which took names from it: what somebody is called stands in the memberships. */
export async function findPerson(sql: OperatorSql, id: string): Promise<{ id: string } | null> {
  const { rows } = await sql.query<{ id: string }>('select id from ambit.people where id = $1', [id])
  return rows[0] ?? null
}

export async function insertPerson(sql: OperatorSql, person: { id: string; name: string }): Promise<void> {
  await sql.query('insert into ambit.people (id, name) values ($1, $2)', [person.id, person.name])
}

/** Gives a role, or replaces the one that is there. `projectId` is `*` for the organisation. */
export async function putMembership(
  sql: OperatorSql,
  membership: { orgId: string; projectId: string; personId: string; role: RoleName; name: string },
): Promise<void> {
  const { orgId, projectId, personId, role, name } = membership
  await sql.query(
    `insert into ambit.memberships (org_id, project_id, person_id, role, name) values ($1, $2, $3, $4, $5)
     on conflict (org_id, person_id, project_id) do update set role = excluded.role`,
    [orgId, projectId, personId, role, name],
  )
}

export async function deleteMembership(
  sql: OperatorSql,
  membership: { orgId: string; projectId: string; personId: string },
): Promise<void> {
  const { orgId, projectId, personId } = membership
  await sql.query('delete from ambit.memberships where org_id = $1 and project_id = $2 and person_id = $3', [orgId, projectId, personId])
}

/** Deleted is gone from every look-up at once; the rows stay for the record. */
export async function markProjectDeleted(sql: OperatorSql, orgId: string, projectId: string): Promise<void> {
  await sql.query('update ambit.projects set deleted_at = now() where org_id = $1 and id = $2', [orgId, projectId])
}
