import { useId } from 'react'
import type { ReactNode } from 'react'
import type { Member } from '../api/people.ts'
import { TextField } from '../design/field.tsx'
import { faultOfId } from './person-id.ts'

interface PersonFieldProps {
  readonly label: string
  readonly help: ReactNode
  readonly value: string
  /** Offered while one types. */
  readonly known: readonly Pick<Member, 'id' | 'name'>[]
  readonly autoFocus?: boolean
  onChange(id: string): void
}

/** Somebody's id, with the names of those who are known. */
export function PersonField({ label, help, value, known, autoFocus = false, onChange }: PersonFieldProps) {
  const list = useId()
  const found = known.find(({ id }) => id === value)
  return (
    <>
      <TextField
        label={label} help={found && found.name !== found.id ? found.name : help} error={faultOfId(value)} value={value} autoFocus={autoFocus}
        list={list} autoComplete="off" autoCapitalize="none" spellCheck={false} onChange={(event) => onChange(event.currentTarget.value.trim())}
      />
      <datalist id={list}>{known.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}</datalist>
    </>
  )
}
