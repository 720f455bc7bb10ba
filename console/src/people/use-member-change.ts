import { useMutation, useQueryClient } from '@tanstack/react-query'
import { placeKey } from '../address/address.ts'
import { putMember } from '../api/people.ts'
import type { Member } from '../api/people.ts'
import type { Role } from '../api/role.ts'
import { useHere } from '../shell/place-context.ts'

export interface MemberWanted {
  readonly id: string
  readonly role: Role
  readonly name?: string
}

/** Gives somebody a role or a name here. What one may do oneself is asked again, where it was one's own. */
export function useMemberChange(done?: (member: Member) => void) {
  const { place, me } = useHere()
  const client = useQueryClient()
  return useMutation({
    mutationFn: ({ id, ...wanted }: MemberWanted) => putMember(place, id, wanted),
    onSuccess: async (member) => {
      await client.invalidateQueries({ predicate: ({ queryKey: [of] }) => of === placeKey(place) || (member.id === me.subject && of === 'me') })
      done?.(member)
    },
  })
}
