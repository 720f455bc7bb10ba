import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from './button.tsx'
import styles from './panel.module.css'

/** Stands beside a page and says more of a thing on it; on a narrow screen it lies over the page. */
export function Panel({ title, actions, close, children }: { readonly title: string; readonly actions?: ReactNode; close(): void; readonly children: ReactNode }) {
  return (
    <aside className={styles.panel} aria-label={title} onKeyDown={(event) => event.key === 'Escape' && !event.defaultPrevented && close()}>
      <header className={styles.head}>
        <h2 className={styles.title}>{title}</h2>
        {actions}
        <IconButton label="Close" onClick={close}><X size={18} /></IconButton>
      </header>
      <div className={styles.content}>{children}</div>
    </aside>
  )
}
