import type { ReactNode } from 'react'
import styles from './empty.module.css'

/** Nothing is here yet, or nothing fits: why, and what to do. */
export function Empty({ icon, title, children, action }: { readonly icon?: ReactNode; readonly title: string; readonly children?: ReactNode; readonly action?: ReactNode }) {
  return (
    <div className={styles.empty}>
      {icon !== undefined && <div className={styles.icon} aria-hidden>{icon}</div>}
      <h2 className={styles.title}>{title}</h2>
      {children !== undefined && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  )
}
