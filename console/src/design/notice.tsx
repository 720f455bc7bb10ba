import { CircleAlert, Info, TriangleAlert } from 'lucide-react'
import type { ReactNode } from 'react'
import styles from './notice.module.css'

type Tone = 'info' | 'warn' | 'bad'

const SIGNS = { info: Info, warn: TriangleAlert, bad: CircleAlert } as const

/** Something to know where one is looking. `urgent` is said aloud at once. */
export function Notice({ tone = 'info', title, children, action, urgent = false }: { readonly tone?: Tone; readonly title?: string; readonly children?: ReactNode; readonly action?: ReactNode; readonly urgent?: boolean }) {
  const Sign = SIGNS[tone]
  return (
    <div className={[styles.notice, styles[tone]].join(' ')} role={urgent ? 'alert' : 'status'}>
      <Sign size={18} aria-hidden />
      <div className={styles.words}>
        {title !== undefined && <p className={styles.title}>{title}</p>}
        {children !== undefined && <div className={styles.text}>{children}</div>}
      </div>
      {action}
    </div>
  )
}
