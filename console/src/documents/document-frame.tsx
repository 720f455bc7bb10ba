import { ArrowLeft, X } from 'lucide-react'
import { useRef } from 'react'
import type { ReactNode } from 'react'
import { IconButton } from '../design/button.tsx'
import { isEscape } from '../design/is-escape.ts'
import { Page } from '../design/page.tsx'
import { useBorrowedFocus } from '../design/use-borrowed-focus.ts'
import { NARROW, useMedia } from '../design/use-media.ts'
import styles from './document-frame.module.css'

/** Its row in the list. */
const ROW = '[data-document][aria-current]'

/** What stands beside the list, and on a narrow screen over it: a document that is read or written. */
export function DocumentFrame({ title, actions, close, children }: { readonly title: string; readonly actions?: ReactNode; close(): void; readonly children: ReactNode }) {
  const box = useRef<HTMLElement>(null)
  const over = useMedia(NARROW)
  useBorrowedFocus(box, { over, home: ROW })
  return (
    <article ref={box} className={styles.frame} aria-label={title} tabIndex={-1} onKeyDown={(event) => isEscape(event) && close()}>
      <Page
        title={title} level={over ? 1 : 2}
        before={<IconButton className={styles.back} label="Back to the list" onClick={close}><ArrowLeft size={18} /></IconButton>}
        actions={<>{actions}<IconButton className={styles.close} label="Close" keys="escape" onClick={close}><X size={18} /></IconButton></>}
      >
        {children}
      </Page>
    </article>
  )
}
