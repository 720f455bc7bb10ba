import type { ReactNode } from 'react'
import { Button } from './button.tsx'
import { Problem, wordsOf } from './problem.tsx'
import styles from './rows.module.css'
import { Skeleton } from './skeleton.tsx'

interface RowProps {
  readonly title: ReactNode
  /** By what the interface knows it, beside its name. */
  readonly id?: string
  readonly badges?: ReactNode
  readonly about?: ReactNode
  /** What can be seen to and changed at once. */
  readonly side?: ReactNode
  /** What else can be done with it. */
  readonly menu?: ReactNode
  /** Why something that was tried with it was not done. */
  readonly error?: unknown
}

/** A thing of a page, with what is to be known of it and what can be done. Stands in `Rows`. */
export function Row({ title, id, badges, about, side, menu, error }: RowProps) {
  return (
    <li className={styles.row}>
      <div className={styles.main}>
        <div className={styles.head}>
          <span className={styles.title}>{title}</span>
          {id !== undefined && <span className={styles.id}>{id}</span>}
          {badges}
        </div>
        {about !== undefined && about !== false && <div className={styles.about}>{about}</div>}
      </div>
      <div className={styles.side}>{side}</div>
      <div className={styles.menu}>{menu}</div>
      {error !== undefined && error !== null && <p role="alert" className={styles.wrong}>{wordsOf(error)}</p>}
    </li>
  )
}

/** Pages of things, as far as they have been asked for. */
export interface Paged<Thing> {
  readonly data: readonly Thing[] | undefined
  readonly error: unknown
  readonly hasNextPage: boolean
  readonly isFetchingNextPage: boolean
  refetch(): unknown
  fetchNextPage(): unknown
}

interface RowsProps<Thing> {
  readonly label: string
  readonly things: Paged<Thing>
  /** Of what was asked for; all, where it is left out. */
  readonly shown?: readonly Thing[]
  /** Instead of a list without rows. */
  readonly empty: ReactNode
  children(thing: Thing): ReactNode
}

/** The things of a page below each other, and the way to more of them. */
export function Rows<Thing>({ label, things, shown = things.data ?? [], empty, children }: RowsProps<Thing>) {
  const { data, error, hasNextPage, isFetchingNextPage, refetch, fetchNextPage } = things
  const problem = error !== null && <Problem error={error} retry={() => void refetch()} />
  if (data === undefined) return problem || <Skeleton lines={6} label={`${label}: loading`} />
  return (
    <>
      {problem}
      {shown.length > 0 ? <ul role="list" aria-label={label} className={styles.rows}>{shown.map(children)}</ul> : !hasNextPage && !problem && empty}
      {hasNextPage && <Button className={styles.more} busy={isFetchingNextPage} onClick={() => void fetchNextPage()}>Show more</Button>}
    </>
  )
}
