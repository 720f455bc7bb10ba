import type { Role } from '../api/role.ts'

interface ExplainedRole {
  readonly value: Role
  readonly label: string
  /** What it may do. */
  readonly help: string
}

/** From the highest to the lowest. */
export const ROLES: readonly ExplainedRole[] = [
  { value: 'owner', label: 'Owner', help: 'Does all that an admin does, and decides who else is an owner.' },
  { value: 'admin', label: 'Admin', help: 'Also adds and removes people, and changes instructions, model and projects.' },
  { value: 'member', label: 'Member', help: 'Asks questions, shares threads, and changes documents.' },
  { value: 'viewer', label: 'Viewer', help: 'Reads shared threads and documents. Cannot ask.' },
]

/** Those that somebody of a role may give: nobody but an owner makes an owner. */
export function rolesToGive(own: string): readonly ExplainedRole[] {
  return own === 'owner' ? ROLES : ROLES.filter(({ value }) => value !== 'owner')
}

export function roleName(role: string): string {
  return ROLES.find(({ value }) => value === role)?.label ?? role
}

/** Whether somebody of a role may change or remove somebody of another one. */
export function mayChange(own: string, other: Role): boolean {
  return own === 'owner' || (own === 'admin' && other !== 'owner')
}
