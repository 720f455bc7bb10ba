import { Field as Base } from '@base-ui/react/field'
import type { ComponentProps, ReactNode } from 'react'
import styles from './field.module.css'

interface FieldProps {
  readonly label: string
  /** The label is there for those who hear it, and the place says the rest. */
  readonly labelUnseen?: boolean
  readonly help?: ReactNode
  /** What is wrong with what stands in it. */
  readonly error?: string | null
}

export function TextField({ label, labelUnseen, help, error, className, ...rest }: FieldProps & Omit<ComponentProps<'input'>, 'value' | 'defaultValue'> & { readonly value: string }) {
  return (
    <Frame {...{ label, labelUnseen, help, error, className }}>
      <Base.Control {...rest} className={styles.control} />
    </Frame>
  )
}

export function TextArea({ label, labelUnseen, help, error, className, ...rest }: FieldProps & ComponentProps<'textarea'>) {
  return (
    <Frame {...{ label, labelUnseen, help, error, className }}>
      <Base.Control render={<textarea {...rest} />} className={[styles.control, styles.area].join(' ')} />
    </Frame>
  )
}

function Frame({ label, labelUnseen = false, help, error, className, children }: { readonly [name in keyof FieldProps]: FieldProps[name] | undefined } & { readonly label: string; readonly className: string | undefined; readonly children: ReactNode }) {
  const wrong = error !== undefined && error !== null
  return (
    <Base.Root className={[styles.field, className].filter(Boolean).join(' ')} invalid={wrong}>
      <Base.Label className={labelUnseen ? 'unseen' : styles.label}>{label}</Base.Label>
      {children}
      {help !== undefined && <Base.Description className={styles.help}>{help}</Base.Description>}
      {wrong && <Base.Error match className={styles.error}>{error}</Base.Error>}
    </Base.Root>
  )
}
