import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { placeKey } from '../address/address.ts'
import { createKey } from '../api/keys.ts'
import { organisationMembersQuery } from '../api/people.ts'
import { FormDialog } from '../design/form-dialog.tsx'
import { SelectField } from '../design/select.tsx'
import { PersonField } from '../people/person-field.tsx'
import { isPersonId } from '../people/person-id.ts'
import { useHere, useMay } from '../shell/place-context.ts'
import { KeyMade } from './key-made.tsx'

const EXPIRIES = [
  { value: '7', label: 'In 7 days' },
  { value: '30', label: 'In 30 days' },
  { value: '90', label: 'In 90 days' },
  { value: '365', label: 'In a year' },
  { value: '', label: 'Never' },
] as const

/** Asks for whom and for how long; then shows the key, once. */
export function NewKey({ close }: { close(): void }) {
  const { place, scope } = useHere()
  const forOthers = useMay('admin') && scope.project === null
  const client = useQueryClient()
  const known = useQuery({ ...organisationMembersQuery(place), enabled: forOthers })
  const [person, setPerson] = useState('')
  const [days, setDays] = useState<(typeof EXPIRIES)[number]['value']>('90')
  const make = useMutation({
    mutationFn: () => createKey(place, { ...(person !== '' && { person }), ...(days !== '' && { expires_in_days: Number(days) }) }),
    onSuccess: () => client.invalidateQueries({ queryKey: [placeKey(place), 'keys'] }),
    gcTime: 0, // the answer holds the key, which nothing here keeps
  })
  if (make.data) return <KeyMade made={make.data} close={close} />
  return (
    <FormDialog title="New key" about={`Whoever has it acts as its person everywhere in ${scope.org.name}, and no further than that person may.`} submit="Make the key" busy={make.isPending} ready={person === '' || isPersonId(person)} error={make.error} onSubmit={make.mutate} onClose={close}>
      {forOthers && <PersonField label="For whom (optional)" help="The id of somebody in this organisation or a project of it. Empty: for yourself." value={person} known={known.data ?? []} autoFocus onChange={setPerson} />}
      <SelectField label="Ends" value={days} choices={EXPIRIES} help="It can be revoked at any time." onChange={setDays} />
    </FormDialog>
  )
}
