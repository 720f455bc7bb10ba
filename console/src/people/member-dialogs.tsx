import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { placeKey } from '../address/address.ts'
import { addressIn, navigate } from '../address/navigation.ts'
import { removeMember } from '../api/people.ts'
import type { Member } from '../api/people.ts'
import type { Role } from '../api/role.ts'
import { scopeQuery } from '../api/scope.ts'
import { TextField } from '../design/field.tsx'
import { FormDialog } from '../design/form-dialog.tsx'
import { toast } from '../design/toast.tsx'
import { placeName, useHere } from '../shell/place-context.ts'
import { ROLES, roleName } from './roles.ts'
import { useMemberChange } from './use-member-change.ts'

interface Asking {
  readonly member: Member
  close(): void
}

export function RenameMember({ member, close }: Asking) {
  const [name, setName] = useState(member.name)
  const change = useMemberChange(close)
  return (
    <FormDialog title={`Rename ${member.name}`} submit="Rename" busy={change.isPending} ready={name.trim() !== ''} error={change.error} onSubmit={() => change.mutate({ id: member.id, role: member.role, name: name.trim() })} onClose={close}>
      <TextField label="Name" help={`Of ${member.id}, here only.`} maxLength={200} autoComplete="off" autoFocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
    </FormDialog>
  )
}

/** One's own role is not changed by a slip: who gives it up may not be able to take it back. */
export function ChangeOwnRole({ member, role, close }: Asking & { readonly role: Role }) {
  const change = useMemberChange(close)
  const help = ROLES.find(({ value }) => value === role)?.help
  return (
    <FormDialog
      title={`Change your own role to ${roleName(role).toLowerCase()}?`} submit="Change my role" danger busy={change.isPending} error={change.error}
      about={`${roleName(role)}: ${help} You may not be able to take this back yourself.`}
      onSubmit={() => change.mutate({ id: member.id, role })} onClose={close}
    />
  )
}

export function RemoveMember({ member, close }: Asking) {
  const { place, scope, me } = useHere()
  const client = useQueryClient()
  const own = member.id === me.subject
  const where = placeName(scope)
  const remove = useMutation({
    mutationFn: () => removeMember(place, member.id),
    onSuccess: async () => {
      if (own) {
        toast({ title: `You have left ${where}` })
        await client.invalidateQueries({ queryKey: ['me'] })
        // A project that is open to its organisation is still there; anything else is looked for elsewhere.
        const stays = await client.fetchQuery({ ...scopeQuery(place), staleTime: 0, retry: false }).then(() => true, () => false)
        if (!stays) return navigate(addressIn(null, 'chats'), { replace: true })
      }
      await client.invalidateQueries({ queryKey: [placeKey(place)] })
      close()
    },
  })
  const what = own ? 'Your answers that are still running end' : `Answers that ${member.name} is waiting for end`
  const kept = scope.project === null ? ' Roles in single projects stay; they are taken in each project.' : ''
  return (
    <FormDialog
      title={own ? `Leave ${where}?` : `Remove ${member.name} from ${where}?`} submit={own ? 'Leave' : 'Remove'} danger busy={remove.isPending} error={remove.error}
      about={`${what} within seconds. Threads and documents stay.${kept} An admin can give a role again later.`}
      onSubmit={remove.mutate} onClose={close}
    />
  )
}
