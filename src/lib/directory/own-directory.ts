import { findOrgAccess, findProjectAccess, listOrganisations, listVisibleProjects } from '../store/directory-rows.ts'
import type { AccessRow, PlaceRow } from '../store/directory-rows.ts'
import type { Handles } from '../store/handles.ts'
import type { Access, ChatTarget, Directory, Place } from './directory.ts'
import type { Principal } from './principal.ts'

/**
 * Ambit's own directory: organisations, projects (visible in the organisation, or private), people and memberships in
 * Ambit's tables. A credential made for one organisation (`claims.org`) opens no other one; one made for one project of
 * it (`claims.project`) opens that project and nothing else, not the organisation either.
 */
export function ownDirectory({ lookup }: Pick<Handles, 'lookup'>): Directory {
  return {
    async access(who, target) {
      if (!opens(who, target)) return null
      const { project } = target
      const row = await lookup((sql) =>
        project === undefined
          ? findOrgAccess(sql, who.subject, target.org)
          : findProjectAccess(sql, who.subject, target.org, project),
      )
      return row && accessOf(row)
    },
    async projects(who, org, page) {
      const rows = await lookup((sql) => listVisibleProjects(sql, who.subject, org, { ...page, only: narrowed(who, 'project') }))
      return rows.map(placeOf)
    },
    async organisations(who, page) {
      const rows = await lookup((sql) => listOrganisations(sql, who.subject, { ...page, only: narrowed(who, 'org') }))
      return rows.map(placeOf)
    },
  }
}

/**
 * What the credential itself leaves open, whatever the person may do besides. A project is named within its organisation:
 * without that, its name (which another organisation's project may have, too) opens nothing.
 */
export function opens(who: Principal, target: ChatTarget): boolean {
  const claims = who.claims ?? {}
  const { org, project } = claims
  // A claim that is named and not there narrows to nothing: it must not open what it was to bound.
  if (Object.hasOwn(claims, 'project')) return org === target.org && project !== undefined && project === target.project
  return !Object.hasOwn(claims, 'org') || org === target.org
}

/** The one place of this kind that the credential leaves open; undefined where it does not narrow. A claim that is no name is that of no place. */
function narrowed(who: Principal, kind: 'org' | 'project'): string | undefined {
  const claims = who.claims ?? {}
  // A project is named within its organisation: without that it opens nothing, and no organisation is listed for it either.
  if (!Object.hasOwn(claims, kind)) return kind === 'org' && Object.hasOwn(claims, 'project') ? '' : undefined
  const name = claims[kind]
  return typeof name === 'string' ? name : ''
}

function accessOf({ org, project, role }: AccessRow): Access {
  return { role, org: placeOf(org), ...(project && { project: placeOf(project) }) }
}

function placeOf({ id, slug, name, about }: PlaceRow): Place {
  return { id, slug, name, about }
}
