import styles from './mark.module.css'

/** Ambit's sign and name. */
export function Mark() {
  return (
    <div className={styles.mark}>
      <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden>
        <rect width="32" height="32" rx="8" fill="var(--accent-solid)" />
        <circle cx="16" cy="16" r="8.5" fill="none" stroke="var(--on-accent)" strokeWidth="3" />
        <circle cx="16" cy="16" r="3" fill="var(--on-accent)" />
      </svg>
      Ambit
    </div>
  )
}
