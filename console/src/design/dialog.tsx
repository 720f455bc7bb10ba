import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { IconButton } from './button.tsx'
import styles from './dialog.module.css'

interface DialogProps {
  readonly open: boolean
  readonly title: string
  readonly about?: ReactNode
  readonly wide?: boolean
  readonly children?: ReactNode
  /** The buttons, the one that matters last. */
  readonly actions?: ReactNode
  onClose(): void
}

/** Something that wants an answer first. What is behind it waits. */
export function Dialog({ open, title, about, wide = false, children, actions, onClose }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={[styles.dialog, wide && styles.wide].filter(Boolean).join(' ')}>
          <header className={styles.head}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            <Base.Close render={<IconButton label="Close" small><X size={16} /></IconButton>} />
          </header>
          {about !== undefined && <Base.Description className={styles.about}>{about}</Base.Description>}
          {children}
          {actions !== undefined && <footer className={styles.actions}>{actions}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
