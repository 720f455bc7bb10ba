import { useState } from 'react'
import { TextField } from '../design/field.tsx'
import { SelectField } from '../design/select.tsx'
import { allows, namesOf, patternsOf } from '../api/model-names.ts'
import styles from './model-choice.module.css'

/** Neither is a model's name. */
const INHERITED = ''
const TYPED = '*'

interface ModelChoiceProps {
  readonly label: string
  readonly models: readonly string[]
  /** Null: what is around the place decides. */
  readonly model: string | null
  /** What that is called: "As in Acme". */
  readonly inherited: string
  onChange(model: string | null): void
}

/** One of the models that are allowed here, by name, or by a name that fits a pattern. */
export function ModelChoice({ label, models, model, inherited, onChange }: ModelChoiceProps) {
  const names = namesOf(models)
  const patterns = patternsOf(models)
  const listed = model === null || names.includes(model)
  const [typing, setTyping] = useState(!listed)
  const typed = typing || !listed
  const choices = [
    { value: INHERITED, label: inherited },
    ...names.map((name) => ({ value: name, label: name })),
    ...(patterns.length > 0 || typed ? [{ value: TYPED, label: 'Another one, by its name' }] : []),
  ]
  const choose = (value: string) => {
    setTyping(value === TYPED)
    if (value === TYPED) onChange(model ?? '')
    else onChange(value === INHERITED ? null : value)
  }
  return (
    <div className={styles.choice}>
      <SelectField label={label} value={typed ? TYPED : (model ?? INHERITED)} choices={choices} onChange={choose} />
      {typed && (
        <TextField
          label="Name of the model" autoComplete="off" autoCapitalize="none" spellCheck={false} value={model ?? ''}
          help={patterns.length > 0 ? `Allowed: ${patterns.join(', ')}, where * stands for the rest of the name.` : 'Only those in the list are allowed.'}
          error={model === null || model === '' || allows(models, model) ? null : 'No model of this name is allowed here.'}
          onChange={(event) => onChange(event.currentTarget.value.trim())}
        />
      )}
    </div>
  )
}

/** Whether it can be saved as it stands. */
export function isModelReady(models: readonly string[], model: string | null | undefined): boolean {
  return model === undefined || model === null || allows(models, model)
}
