import { ArrowLeft, X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import type { KeyboardEvent, ReactNode } from 'react'
import { IconButton } from '../design/button.tsx'
import { Page } from '../design/page.tsx'
import styles from './document-frame.module.css'

/** Below this the document lies over the list. */
const NARROW = '(max-width: 64rem)'

/** What stands beside the list: a document that is read or written. */
export function DocumentFrame({ title, actions, close, children }: { readonly title: string; readonly actions?: ReactNode; close(): void; readonly children: ReactNode }) {
  const box = useRef<HTMLElement>(null)
  // Where the list is covered, so is the row that was clicked.
  useEffect(() => {
    if (matchMedia(NARROW).matches && !box.current?.contains(document.activeElement)) box.current?.querySelector<HTMLElement>('h1')?.focus()
  }, [])
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return
    const current = document.querySelector<HTMLElement>('[data-document][aria-current]')
    close()
    current?.focus()
  }
  return (
    <article ref={box} className={styles.frame} onKeyDown={onKeyDown}>
      <Page
        title={title}
        before={<IconButton className={styles.back} label="Back to the list" onClick={close}><ArrowLeft size={18} /></IconButton>}
        actions={<>{actions}<IconButton className={styles.close} label="Close" keys="escape" onClick={close}><X size={18} /></IconButton></>}
      >
        {children}
      </Page>
    </article>
  )
}
