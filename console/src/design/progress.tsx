import { Progress as Base } from '@base-ui/react/progress'
import styles from './progress.module.css'

/** How far something has come. */
export function Progress({ label, value, most }: { readonly label: string; readonly value: number; readonly most: number }) {
  return (
    <Base.Root aria-label={label} value={value} max={most}>
      <Base.Track className={styles.track}><Base.Indicator className={styles.done} /></Base.Track>
    </Base.Root>
  )
}
