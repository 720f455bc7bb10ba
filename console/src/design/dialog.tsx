import { Dialog as Base } from '@base-ui/react/dialog'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import styles from './dialog.module.css'

interface DialogProps {
  readonly open: boolean
  readonly title: string
  readonly about?: ReactNode
  readonly children?: ReactNode
  /** The buttons, the one that matters last. */
  readonly actions?: ReactNode
  onClose(): void
}

/** Something that wants an answer first. What is behind it waits. */
export function Dialog({ open, title, about, children, actions, onClose }: DialogProps) {
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.backdrop} />
        <Base.Popup className={styles.dialog}>
          <header className={styles.head}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            {/* Without a tooltip: it would be what the first Escape closes. */}
            <Base.Close render={<Button look="plain" small aria-label="Close" />}><X size={16} /></Base.Close>
          </header>
          {about !== undefined && <Base.Description className={styles.about}>{about}</Base.Description>}
          {children}
          {actions !== undefined && <footer className={styles.actions}>{actions}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  )
}
