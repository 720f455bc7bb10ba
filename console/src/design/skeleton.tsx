import styles from './skeleton.module.css'

/** Where something will stand in a moment: as much room as it will take, so that nothing jumps. */
export function Skeleton({ lines = 3, label = 'Loading' }: { readonly lines?: number; readonly label?: string }) {
  return (
    <div className={styles.skeleton} role="status" aria-label={label}>
      {Array.from({ length: lines }, (_, line) => <div key={line} className={styles.line} />)}
    </div>
  )
}
