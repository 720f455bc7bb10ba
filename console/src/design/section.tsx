import { useId } from 'react'
import type { ReactNode } from 'react'
import styles from './section.module.css'

/** A part of a page that has a title of its own. */
export function Section({ title, about, children }: { readonly title: string; readonly about?: ReactNode; readonly children: ReactNode }) {
  const id = useId()
  return (
    <section aria-labelledby={id} className={styles.section}>
      <h2 id={id} className={styles.title}>{title}</h2>
      {about !== undefined && <p className={styles.about}>{about}</p>}
      {children}
    </section>
  )
}
