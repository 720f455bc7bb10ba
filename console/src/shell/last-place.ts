import type { Place } from '../address/address.ts'
import type { Me } from '../api/me.ts'

const KEPT = 'ambit-place'

/** Where to begin when the address says nothing: where this browser was last, or the first place that there is. Null: there is none. */
export function firstPlace(me: Me): Place | null {
  const last = readLast()
  if (last && isKnown(me, last)) return last
  const [organisation] = me.organisations
  if (!organisation) return null
  const [project] = organisation.projects.toSorted((one, other) => one.name.localeCompare(other.name))
  if (project) return { org: organisation.org, project: project.project }
  return { org: organisation.org }
}

export function keepPlace(place: Place): void {
  localStorage.setItem(KEPT, JSON.stringify(place))
}

function readLast(): Place | null {
  try {
    const { org, project } = JSON.parse(localStorage.getItem(KEPT) ?? 'null') as Place
    return typeof org === 'string' ? { org, ...(typeof project === 'string' && { project }) } : null
  } catch {
    return null // nothing was kept, or what somebody wrote there is no place
  }
}

function isKnown({ organisations }: Me, { org, project }: Place): boolean {
  const found = organisations.find((one) => one.org === org)
  if (!found) return false
  return project === undefined ? found.role !== null : found.more || found.projects.some((one) => one.project === project)
}
