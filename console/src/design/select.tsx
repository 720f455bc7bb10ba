import { Select as Base } from '@base-ui/react/select'
import { Check, ChevronDown } from 'lucide-react'
import { useId } from 'react'
import type { ComponentProps, ReactNode } from 'react'
import field from './field.module.css'
import styles from './select.module.css'
import popup from './popup.module.css'

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
  onChange(value: NoInfer<Value>): void
}

/** One of a few. */
export function Select<Value extends string>({ label, ...props }: SelectProps<Value>) {
  return <Plain {...props} aria-label={label} />
}

/** The same in a form, below its label. */
export function SelectField<Value extends string>({ label, help, ...props }: SelectProps<Value> & { readonly help?: ReactNode }) {
  const id = useId()
  return (
    <div className={field.field}>
      <span id={`${id}-label`} className={field.label}>{label}</span>
      <Plain {...props} aria-labelledby={`${id}-label`} {...(help !== undefined && { 'aria-describedby': `${id}-help` })} />
      {help !== undefined && <span id={`${id}-help`} className={field.help}>{help}</span>}
    </div>
  )
}

type Named = Pick<ComponentProps<typeof Base.Trigger>, 'aria-label' | 'aria-labelledby' | 'aria-describedby'>

function Plain<Value extends string>({ value, choices, small = false, disabled = false, onChange, ...named }: Omit<SelectProps<Value>, 'label'> & Named) {
  return (
    <Base.Root items={choices} value={value} disabled={disabled} onValueChange={(next) => next !== null && onChange(next)}>
      <Base.Trigger {...named} className={[styles.trigger, small && styles.small].filter(Boolean).join(' ')}>
        <Base.Value className={styles.value} />
        <Base.Icon><ChevronDown size={14} /></Base.Icon>
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className={popup.positioner} sideOffset={4} alignItemWithTrigger={false}>
          <Base.Popup className={[popup.popup, styles.popup].join(' ')}>
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
