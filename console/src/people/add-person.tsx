import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { organisationMembersQuery } from '../api/people.ts'
import type { Member } from '../api/people.ts'
import type { Role } from '../api/role.ts'
import { Choices } from '../design/choices.tsx'
import { TextField } from '../design/field.tsx'
import { FormDialog } from '../design/form-dialog.tsx'
import { placeName, useHere, useInOrganisation } from '../shell/place-context.ts'
import { PersonField } from './person-field.tsx'
import { isPersonId } from './person-id.ts'
import { rolesToGive } from './roles.ts'
import { useMemberChange } from './use-member-change.ts'

interface AddPersonProps {
  /** Who is here already. */
  readonly members: readonly Member[]
  /** All of them are known. */
  readonly whole: boolean
  close(): void
}

/** Gives somebody a role here. Who is in the organisation around a project is offered by name. */
export function AddPerson({ members, whole, close }: AddPersonProps) {
  const { place, scope } = useHere()
  const inside = useInOrganisation()
  const around = useQuery({ ...organisationMembersQuery(place), enabled: inside && scope.project !== null })
  const [id, setId] = useState('')
  const [typedName, setTypedName] = useState<string | null>(null)
  const [role, setRole] = useState<Role>('member')
  const add = useMemberChange(close)
  const here = members.find((member) => member.id === id)
  const known = (around.data ?? []).filter((one) => members.every((member) => member.id !== one.id))
  const name = typedName ?? known.find((one) => one.id === id)?.name ?? ''
  const send = () => add.mutate({ id, role, ...(name.trim() !== '' && { name: name.trim() }) })
  return (
    <FormDialog title={`Add somebody to ${placeName(scope)}`} submit="Add" busy={add.isPending} ready={isPersonId(id) && whole && !here} error={add.error} onSubmit={send} onClose={close}>
      <PersonField label="Id" help={here ? `${here.name} is here already. Change the role in the list.` : 'By which your sign-in knows the person. For somebody who will only have keys, choose one.'} value={id} known={known} autoFocus onChange={setId} />
      <TextField label="Name (optional)" help="As it stands here, beside the id." maxLength={200} autoComplete="off" value={name} onChange={(event) => setTypedName(event.currentTarget.value)} />
      <Choices label="Role" value={role} choices={rolesToGive(scope.role)} onChange={setRole} />
    </FormDialog>
  )
}
