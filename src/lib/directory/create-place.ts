import { findOrganisation, findPerson, insertOrganisation, insertPerson, insertProject, putMembership } from '../store/directory-rows.ts'
import type { RoleName } from '../store/directory-rows.ts'
import type { OperatorSql } from '../store/handles.ts'
import type { NewId } from './new-id.ts'

/** What an operator gets wrong: a value, so that the command line can say it. */
export interface Declined {
  readonly ok: false
  readonly code: 'exists' | 'not_found' | 'malformed'
  readonly detail: string
}

/** What a slug is, as a regular expression says it. */
export const SLUG_PATTERN = '^[a-z0-9][a-z0-9-]{0,62}$'
const SLUG = new RegExp(SLUG_PATTERN)

/** A new organisation with its first owner, who is made where nobody of that id is known. */
export async function createOrganisation(
  sql: OperatorSql,
  wanted: { slug: string; name: string; profile: string; owner: { id: string; name: string } | null },
  newId: NewId,
): Promise<{ readonly ok: true; readonly id: string } | Declined> {
  const declined = checkSlug(wanted.slug)
  if (declined) return declined
  if (await findOrganisation(sql, wanted.slug)) {
    return { ok: false, code: 'exists', detail: `There is already an organisation "${wanted.slug}".` }
  }
  const id = newId('org')
  await insertOrganisation(sql, { id, slug: wanted.slug, name: wanted.name, profile: wanted.profile })
  if (wanted.owner) await join(sql, { orgId: id, projectId: '*', role: 'owner', person: wanted.owner })
  return { ok: true, id }
}

export async function createProject(
  sql: OperatorSql,
  wanted: { orgId: string; slug: string; name: string; about: string; visibility: 'organisation' | 'private' },
  newId: NewId,
): Promise<{ readonly ok: true; readonly id: string } | Declined> {
  const declined = checkSlug(wanted.slug)
  if (declined) return declined
  const id = newId('prj')
  await insertProject(sql, { ...wanted, id })
  return { ok: true, id }
}

/** Gives a person a role in an organisation (`*`) or a project; the person is made where nobody of that id is known. */
export async function join(
  sql: OperatorSql,
  membership: { orgId: string; projectId: string; role: RoleName; person: { id: string; name: string } },
): Promise<void> {
  const { orgId, projectId, role, person } = membership
  if (!(await findPerson(sql, person.id))) await insertPerson(sql, person)
  await putMembership(sql, { orgId, projectId, personId: person.id, role, name: person.name })
}

function checkSlug(slug: string): Declined | null {
  if (SLUG.test(slug)) return null
  return { ok: false, code: 'malformed', detail: `"${slug}" is no slug: lower-case letters, digits and "-", at most 63, beginning with a letter or digit.` }
}
