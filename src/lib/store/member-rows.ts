import type { LookupSql, ScopedSql } from './handles.ts'
import type { RoleName } from './directory-rows.ts'
import { isoTime } from './iso-time.ts'

export interface MemberRow {
  readonly id: string
  /** As this place calls him; his id where it has no word for him. */
  readonly name: string
  readonly role: RoleName
  /** Null where it was not kept. */
  readonly since: string | null
}

const COLUMNS = `person_id as id, coalesce(nullif(name, ''), person_id) as name, role, ${isoTime('since')} as since`

/** Who was given a role in this place itself (`*` for the organisation), by id. */
export async function listMembers(
  sql: ScopedSql,
  projectId: string,
  page: { readonly limit: number; readonly after: string },
): Promise<readonly MemberRow[]> {
  const { rows } = await sql.query<MemberRow>(
    `select ${COLUMNS} from ambit.memberships where project_id = $1 and person_id > $2 order by person_id limit $3`,
    [projectId, page.after, page.limit],
  )
  return rows
}

export async function findMemberRole(sql: ScopedSql, projectId: string, personId: string): Promise<RoleName | null> {
  const { rows } = await sql.query<{ role: RoleName }>('select role from ambit.memberships where project_id = $1 and person_id = $2', [projectId, personId])
  return rows[0]?.role ?? null
}

/** How many owners the place has, locked: of two who go at once, the second sees that the first has gone. */
export async function lockOwners(sql: ScopedSql, projectId: string): Promise<number> {
  const { rows } = await sql.query(`select 1 from ambit.memberships where project_id = $1 and role = 'owner' order by person_id for update`, [projectId])
  return rows.length
}

/** A member's place and person, and the role that was read of him before: a change that comes second changes nothing. */
export interface MemberChange {
  readonly projectId: string
  readonly personId: string
  readonly before: RoleName | null
}

/** Gives or changes a role; a name that is not given stays. Null where somebody else changed it meanwhile. */
export async function putMember(sql: ScopedSql, { projectId, personId, before }: MemberChange, { role, name }: { role: RoleName; name?: string | undefined }): Promise<MemberRow | null> {
  const { rows } =
    before === null
      ? await sql.query<MemberRow>(
          `insert into ambit.memberships (org_id, project_id, person_id, role, name) values (current_setting('ambit.org_id'), $1, $2, $3, $4)
           on conflict (org_id, person_id, project_id) do nothing returning ${COLUMNS}`,
          [projectId, personId, role, name ?? ''],
        )
      : await sql.query<MemberRow>(
          `update ambit.memberships set role = $4, name = coalesce($5::text, name)
           where project_id = $1 and person_id = $2 and role = $3 returning ${COLUMNS}`,
          [projectId, personId, before, role, name ?? null],
        )
  return rows[0] ?? null
}

/** False where somebody else changed it meanwhile. */
export async function removeMember(sql: ScopedSql, { projectId, personId, before }: MemberChange): Promise<boolean> {
  const { count } = await sql.query('delete from ambit.memberships where project_id = $1 and person_id = $2 and role = $3', [projectId, personId, before])
  return count > 0
}

/** What two people are to each other in one organisation, over all its places. */
export interface Reach {
  /** Places that were given to the one, and that the other sees, too. */
  readonly seen: number
  /** Places that the other does not see, or in which his role is lower. */
  readonly beyond: number
}

const RANK = (role: string): string => `array_position(array['owner', 'admin', 'member', 'viewer'], ${role})`

/** How far `makerId` reaches of what `personId` may do: of the roles of somebody in private projects, too, so no scope can tell. */
export async function findReach(sql: LookupSql, orgId: string, { personId, makerId }: { readonly personId: string; readonly makerId: string }): Promise<Reach> {
  const { rows } = await sql.query<Reach>(
    `select count(rank)::int as seen,
            count(*) filter (where (rank <= ${RANK('theirs.role')}) is not true)::int as beyond
     from ambit.memberships theirs
     left join ambit.projects p on p.org_id = theirs.org_id and p.id = theirs.project_id and p.deleted_at is null
     cross join lateral (
       select min(${RANK('own.role')}) as rank from ambit.memberships own
       where own.org_id = theirs.org_id and own.person_id = $3
         and (own.project_id = theirs.project_id or (own.project_id = '*' and p.visibility = 'organisation'))) maker
     where theirs.org_id = $1 and theirs.person_id = $2 and (theirs.project_id = '*' or p.id is not null)`,
    [orgId, personId, makerId],
  )
  return rows[0] ?? { seen: 0, beyond: 0 }
}
