import { createContext, useContext } from 'react'
import type { Place } from '../address/address.ts'
import type { Me } from '../api/me.ts'
import type { Permission, Scope } from '../api/scope.ts'

/** Where one is, and what one may do there. */
export interface Here {
  /** Null: the host knows the one place. */
  readonly place: Place | null
  readonly scope: Scope
  readonly me: Me
}

export const HereContext = createContext<Here | null>(null)

export function useHere(): Here {
  const here = useContext(HereContext)
  if (!here) throw new Error('There is no place around this component.')
  return here
}

/** What a role may not do is not shown; the server refuses it all the same. */
export function useMay(permission: Permission): boolean {
  return useHere().scope.may.includes(permission)
}

/** Whether one is in the organisation itself, and not only in projects of it: those are refused what is the organisation's. */
export function useInOrganisation(): boolean {
  const { scope, me } = useHere()
  return me.organisations.find(({ org }) => org === scope.org.slug)?.role !== null
}

/** As people call it. */
export function placeName({ org, project }: Scope): string {
  return project?.name ?? org.name
}
