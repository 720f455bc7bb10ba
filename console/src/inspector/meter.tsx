import { countOf } from '../design/count.ts'
import styles from './meter.module.css'

/** How near something came to its bound: in numbers, and as a bar. */
export function Meter({ used, of, words = countOf }: { readonly used: number; readonly of: number; words?(count: number): string }) {
  return (
    <span className={styles.meter}>
      <span>{words(used)} of {words(of)}</span>
      <span className={styles.track} aria-hidden><span className={styles.bar} data-full={used >= of || undefined} style={{ width: `${Math.min(100, (100 * used) / of)}%` }} /></span>
    </span>
  )
}
