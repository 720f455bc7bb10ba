import { countOf } from '../design/count.ts'
import styles from './meter.module.css'

const NEAR = 0.8

/** How near something came to its bound: in numbers, and as a bar. */
export function Meter({ used, of, words = countOf }: { readonly used: number; readonly of: number; words?(count: number): string }) {
  const level = used >= of ? 'full' : used >= NEAR * of ? 'near' : null
  return (
    <span className={styles.meter}>
      <span>{words(used)} of {words(of)}{level === 'full' && ': the limit'}{level === 'near' && ': near the limit'}</span>
      <span className={styles.track} aria-hidden><span className={styles.bar} data-level={level} style={{ width: `${Math.min(100, (100 * used) / Math.max(of, 1))}%` }} /></span>
    </span>
  )
}
