import type { Role } from '../directory/directory.ts'
import { refuse } from './refusal.ts'
import type { Refusal } from './refusal.ts'

/** What is to become of somebody in a place; null: no member. */
export interface RoleChange {
  readonly before: Role | null
  readonly after: Role | null
}

export const LAST_OWNER = refuse('conflict', 'Somebody has to own this place, and this is its last owner. Make somebody else an owner first.')

const OWNERS_ONLY = refuse('forbidden', 'Only an owner of this place can make somebody an owner, or change or remove one. Ask an owner.')

const NOT_YOURS = refuse('forbidden', 'Only admins and owners of this place can remove others. You can leave it yourself.')

/** Whether somebody of this role may do this to another member, or to himself. Nobody gives a role above his own. */
export function judgeRoleChange(by: { readonly role: Role; readonly self: boolean }, { before, after }: RoleChange): Refusal | null {
  if (by.role === 'owner') return null
  if (by.role !== 'admin') return by.self && after === null ? null : NOT_YOURS
  return before === 'owner' || after === 'owner' ? OWNERS_ONLY : null
}
