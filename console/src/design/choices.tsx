import { Radio } from '@base-ui/react/radio'
import { RadioGroup } from '@base-ui/react/radio-group'
import { useId } from 'react'
import styles from './choices.module.css'

export interface ExplainedChoice<Value extends string> {
  readonly value: Value
  readonly label: string
  readonly help: string
}

interface ChoicesProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly choices: readonly ExplainedChoice<Value>[]
  onChange(value: NoInfer<Value>): void
}

/** One of a few that have to be understood before one is taken. */
export function Choices<Value extends string>({ label, value, choices, onChange }: ChoicesProps<Value>) {
  const id = useId()
  return (
    <RadioGroup aria-labelledby={id} className={styles.choices} value={value} onValueChange={(next) => onChange(next as Value)}>
      <span id={id} className={styles.label}>{label}</span>
      {choices.map((choice) => (
        <label key={choice.value} htmlFor={`${id}-${choice.value}`} className={styles.choice}>
          <Radio.Root id={`${id}-${choice.value}`} value={choice.value} className={styles.dot}><Radio.Indicator className={styles.mark} /></Radio.Root>
          <span className={styles.words}>
            <span className={styles.name}>{choice.label}</span>
            <span className={styles.help}>{choice.help}</span>
          </span>
        </label>
      ))}
    </RadioGroup>
  )
}
