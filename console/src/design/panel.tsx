import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from './button.tsx'
import { Drawer } from './drawer.tsx'
import styles from './panel.module.css'
import { NARROW } from './use-media.ts'

/** Stands beside a page and says more of a thing on it; on a narrow screen it lies over the page. */
export function Panel({ title, actions, close, children }: { readonly title: string; readonly actions?: ReactNode; close(): void; readonly children: ReactNode }) {
  return (
    <Drawer as="aside" label={title} className={styles.panel} overAt={NARROW} closesAnywhere close={close}>
      <header className={styles.head}>
        <h2 className={styles.title}>{title}</h2>
        {actions}
        <IconButton label="Close" onClick={close}><X size={18} /></IconButton>
      </header>
      <div className={styles.content}>{children}</div>
    </Drawer>
  )
}
