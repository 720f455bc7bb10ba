import { useInfiniteQuery } from '@tanstack/react-query'
import { Users } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { VList } from 'virtua'
import type { VListHandle } from 'virtua'
import { Link } from '../address/link.tsx'
import { addressIn } from '../address/navigation.ts'
import { threadsQuery } from '../api/threads.ts'
import type { Thread } from '../api/threads.ts'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { useHere } from './place-context.ts'
import styles from './thread-list.module.css'

/** From so many rows before the end, the next page is asked for. */
const AHEAD = 20

/** The threads of this place that fit the query, the last changed first. Only those in view are there. */
export function ThreadList({ chosen, query }: { readonly chosen: string | null; readonly query: string }) {
  const { place, me } = useHere()
  const threads = useInfiniteQuery(threadsQuery(place, query))
  const list = useRef<VListHandle>(null)
  const { data = [], hasNextPage, isFetchingNextPage, fetchNextPage } = threads
  const more = () => {
    const handle = list.current
    if (handle && hasNextPage && !isFetchingNextPage && handle.findItemIndex(handle.scrollOffset + handle.viewportSize) > data.length - AHEAD) void fetchNextPage()
  }
  useEffect(more)
  if (threads.isPending) return <div className={styles.list}><Skeleton lines={6} label="Loading the threads" /></div>
  if (threads.isError && data.length === 0) return <div className={styles.list}><Problem error={threads.error} retry={() => void threads.refetch()} /></div>
  if (data.length === 0) return <p className={[styles.list, styles.empty].join(' ')}>{query === '' ? 'No threads yet. Ask something.' : 'No thread fits these words.'}</p>
  return (
    <VList ref={list} className={styles.list} role="list" aria-label="Threads" onScroll={more}>
      {data.map((thread) => <Row key={thread.id} thread={thread} current={thread.chat_id === chosen || thread.id === chosen} to={addressIn(place, 'chats', thread.chat_id)} own={thread.author_id === me.subject} />)}
    </VList>
  )
}

function Row({ thread, current, to, own }: { readonly thread: Thread; readonly current: boolean; readonly to: Parameters<typeof Link>[0]['to']; readonly own: boolean }) {
  const whose = own ? 'shared by you' : 'shared with you'
  return (
    <div role="listitem">
      <Link to={to} className={styles.row} aria-current={current ? 'page' : undefined}>
        <span className={styles.title}>{thread.title === '' ? 'Untitled' : thread.title}</span>
        {thread.shared && <Users size={14} role="img" aria-label={whose} />}
      </Link>
    </div>
  )
}
