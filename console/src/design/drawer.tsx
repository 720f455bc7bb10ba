import { useLayoutEffect, useRef } from 'react'
import type { KeyboardEvent, ReactNode } from 'react'
import styles from './drawer.module.css'
import { isEscape } from './is-escape.ts'
import { useBorrowedFocus } from './use-borrowed-focus.ts'
import { useMedia } from './use-media.ts'

interface DrawerProps {
  readonly as: 'aside' | 'nav'
  readonly label: string
  readonly className: string | undefined
  /** Where this holds it lies over what it stands beside elsewhere. */
  readonly overAt: string
  /** Escape closes it also where it lies over nothing. */
  readonly closesAnywhere?: boolean
  close(): void
  readonly children: ReactNode
}

/** Stands beside something. Where the screen has no room for both it lies over that, and what is below is out of reach until it is closed (WCAG 2.2, 2.4.11). */
export function Drawer({ as: Element, label, className, overAt, closesAnywhere = false, close, children }: DrawerProps) {
  const around = useRef<HTMLDivElement>(null)
  const box = useRef<HTMLElement>(null)
  const over = useMedia(overAt)
  useLayoutEffect(() => (over && around.current ? putOutOfReach(around.current) : undefined), [over])
  useBorrowedFocus(box, { over })
  const onKeyDown = (event: KeyboardEvent) => isEscape(event) && (over || closesAnywhere) && close()
  return (
    <div ref={around} className={styles.around}>
      {over && <button type="button" className={styles.veil} aria-label={`Close: ${label}`} tabIndex={-1} onClick={close} />}
      <Element ref={box} className={[styles.drawer, className].join(' ')} aria-label={label} tabIndex={-1} onKeyDown={onKeyDown}>{children}</Element>
    </div>
  )
}

/** Answers how to bring back what stands beside the drawer. */
function putOutOfReach(drawer: HTMLElement): () => void {
  const covered = [...(drawer.parentElement?.children ?? [])].filter((one): one is HTMLElement => one instanceof HTMLElement && one !== drawer)
  for (const one of covered) one.inert = true
  return () => {
    for (const one of covered) one.inert = false
  }
}
