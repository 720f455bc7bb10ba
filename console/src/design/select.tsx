import { Select as Base } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'
import styles from './select.module.css'

export interface Choice<Value extends string> {
  readonly value: Value
  readonly label: string
}

interface SelectProps<Value extends string> {
  readonly label: string
  readonly value: Value
  readonly choices: readonly Choice<Value>[]
  readonly small?: boolean
  readonly disabled?: boolean
  onChange(value: Value): void
}

/** One of a few. */
export function Select<Value extends string>({ label, value, choices, small = false, disabled = false, onChange }: SelectProps<Value>) {
  return (
    <Base.Root items={choices} value={value} disabled={disabled} onValueChange={(next) => next !== null && onChange(next)}>
      <Base.Trigger aria-label={label} className={[styles.trigger, small && styles.small].filter(Boolean).join(' ')}>
        <Base.Value className={styles.value} />
        <Base.Icon><ChevronDown size={14} /></Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className={styles.positioner} sideOffset={4} alignItemWithTrigger={false}>
          <Base.Popup className={styles.popup}>
            {choices.map((choice) => (
              <Base.Item key={choice.value} value={choice.value} className={styles.item}>
                <Base.ItemText className={styles.text}>{choice.label}</Base.ItemText>
                <Base.ItemIndicator><Check size={14} /></Base.ItemIndicator>
              </Base.Item>
            ))}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  )
}
