import styles from './json.module.css'

/** A value as it was sent: text, never anything that acts. */
export function Json({ label, value }: { readonly label: string; readonly value: unknown }) {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  return (
    <div>
      <p className={styles.label}>{label}</p>
      <pre className={styles.json} tabIndex={0} aria-label={label}>{text ?? 'nothing'}</pre>
    </div>
  )
}
