import { useId } from 'react'
import type { ReactNode } from 'react'
import styles from './page.module.css'
import { useTitle } from './use-title.ts'

interface PageProps {
  readonly title: string
  /** 2: it stands beside another page. */
  readonly level?: 1 | 2
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
export function Page({ title, level = 1, before, about, actions, tools, filled = false, children }: PageProps) {
  const titleId = useId()
  const Title = `h${level}` as const
  useTitle(title)
  return (
    <section className={styles.page} aria-labelledby={titleId}>
      <header className={styles.head}>
        {before}
        <Title id={titleId} className={styles.title} tabIndex={-1}>{title}</Title>
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
