import type { ReactNode } from 'react'
import styles from './empty.module.css'
import { useTitle } from './use-title.ts'

/** Nothing is here yet, or nothing fits: why, and what to do. */
export function Empty({ icon, title, children, action, alone = false }: { /** Nothing else is on the page: its title is the page's. */ readonly alone?: boolean; readonly icon?: ReactNode; readonly title: string; readonly children?: ReactNode; readonly action?: ReactNode }) {
  useTitle(alone ? title : null)
  const Title = alone ? 'h1' : 'h2'
  return (
    <div className={styles.empty}>
      {icon !== undefined && <div className={styles.icon} aria-hidden>{icon}</div>}
      <Title className={styles.title}>{title}</Title>
      {children !== undefined && <div className={styles.text}>{children}</div>}
      {action}
    </div>
  )
}
