import { useId } from 'react'
import type { ReactNode } from 'react'
import styles from './page.module.css'

interface PageProps {
  readonly title: string
  /** Before the title: a way back, or to what is hidden on a narrow screen. */
  readonly before?: ReactNode
  readonly about?: ReactNode
  readonly actions?: ReactNode
  /** Between head and content: filters, a search. */
  readonly tools?: ReactNode
  /** The content scrolls by itself, and fills the page. */
  readonly filled?: boolean
  readonly children: ReactNode
}

/** What every page stands in: a head, and what scrolls below it. */
export function Page({ title, before, about, actions, tools, filled = false, children }: PageProps) {
  const titleId = useId()
  return (
    <section className={styles.page} aria-labelledby={titleId}>
      <header className={styles.head}>
        {before}
        <h1 id={titleId} className={styles.title} tabIndex={-1}>{title}</h1>
        {actions !== undefined && actions !== false && <div className={styles.actions}>{actions}</div>}
      </header>
      {filled ? children : (
        <div className={styles.scroll}>
          <div className={styles.column}>
            {about !== undefined && <p className={styles.about}>{about}</p>}
            {tools !== undefined && tools !== false && <div className={styles.tools}>{tools}</div>}
            {children}
          </div>
        </div>
      )}
    </section>
  )
}
