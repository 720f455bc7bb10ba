import { Switch as Base } from '@base-ui/react/switch'
import type { ReactNode } from 'react'
import styles from './switch.module.css'

/** On or off, at once. */
export function Switch({ label, help, checked, disabled = false, onChange }: { readonly label: string; readonly help?: ReactNode; readonly checked: boolean; readonly disabled?: boolean; onChange(checked: boolean): void }) {
  return (
    <label className={styles.row}>
      <span className={styles.words}>
        <span className={styles.label}>{label}</span>
        {help !== undefined && <span className={styles.help}>{help}</span>}
      </span>
      <Base.Root className={styles.track} checked={checked} disabled={disabled} onCheckedChange={onChange}>
        <Base.Thumb className={styles.thumb} />
      </Base.Root>
    </label>
  )
}
