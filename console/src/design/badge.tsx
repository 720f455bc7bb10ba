import type { ReactNode } from 'react'
import styles from './badge.module.css'

export type Tone = 'neutral' | 'accent' | 'good' | 'warn' | 'bad'

/** A word about a thing, beside its name. */
export function Badge({ tone = 'neutral', live = false, children }: { readonly tone?: Tone; readonly live?: boolean; readonly children: ReactNode }) {
  return <span className={[styles.badge, styles[tone]].join(' ')}>{live && <span className={styles.dot} aria-hidden />}{children}</span>
}
