import { findOrgAccess, findProjectAccess, listVisibleProjects } from '../store/directory-rows.ts'
import type { AccessRow, PlaceRow } from '../store/directory-rows.ts'
import type { Handles } from '../store/handles.ts'
import type { Access, Directory, Place } from './directory.ts'
import type { Principal } from './principal.ts'

/**
 * Ambit's own directory: organisations, projects (visible in the organisation, or private), people and memberships in
 * Ambit's tables. A credential made for one organisation (`claims.org`) opens no other one.
 */
export function ownDirectory({ lookup }: Pick<Handles, 'lookup'>): Directory {
  return {
    async access(who, target) {
      if (!opens(who, target.org)) return null
      const { project } = target
      const row = await lookup((sql) =>
        project === undefined
          ? findOrgAccess(sql, who.subject, target.org)
          : findProjectAccess(sql, who.subject, target.org, project),
      )
      return row && accessOf(row)
    },
    async projects(who, org, page) {
      const rows = await lookup((sql) => listVisibleProjects(sql, who.subject, org, page))
      return rows.map(placeOf)
    },
  }
}

function opens(who: Principal, orgSlug: string): boolean {
  const only = who.claims?.['org']
  return only === undefined || only === orgSlug
}

function accessOf({ org, project, role }: AccessRow): Access {
  return { role, org: placeOf(org), ...(project && { project: placeOf(project) }) }
}

function placeOf({ id, slug, name, about }: PlaceRow): Place {
  return { id, slug, name, about }
}
