import { useInfiniteQuery } from '@tanstack/react-query'
import { Activity } from 'lucide-react'
import { Suspense, lazy, useEffect, useMemo, useRef } from 'react'
import { VList } from 'virtua'
import type { VListHandle } from 'virtua'
import type { Address } from '../address/address.ts'
import { Link } from '../address/link.tsx'
import { addressIn, navigate } from '../address/navigation.ts'
import { runsQuery } from '../api/runs.ts'
import type { Run } from '../api/runs.ts'
import { Button } from '../design/button.tsx'
import { Empty } from '../design/empty.tsx'
import { Page } from '../design/page.tsx'
import { Panel } from '../design/panel.tsx'
import { Problem } from '../design/problem.tsx'
import { Select } from '../design/select.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { useCommands } from '../shell/commands.ts'
import type { Command } from '../shell/commands.ts'
import type { PageProps } from '../shell/page-of.tsx'
import { useHere } from '../shell/place-context.ts'
import { RunRow } from './run-row.tsx'
import styles from './runs-page.module.css'

const Inspector = lazy(async () => ({ default: (await import('../inspector/inspector.tsx')).Inspector }))

const STATES = [
  { value: '', label: 'All runs' }, { value: 'running,queued', label: 'Under way' }, { value: 'completed', label: 'Done' }, { value: 'stopped', label: 'Stopped' }, { value: 'failed', label: 'Failed' },
] as const

/** From so many rows before the end, the next page is asked for. */
const AHEAD = 20

/** What runs and ran here, in the threads that one may see; and beside it, what one of them did. */
export function RunsPage({ address, before }: PageProps) {
  const { place } = useHere()
  const { id, search } = address
  const filter = { state: search['state'] ?? '', mine: search['mine'] === 'yes', thread: search['thread'] ?? null }
  const runs = useInfiniteQuery(runsQuery(place, filter))
  const data = useMemo(() => runs.data ?? [], [runs.data])
  const show = (to: Partial<Pick<Address, 'id' | 'search'>>) => navigate({ ...address, ...to })
  const narrow = (name: string, value: string) => show({ search: Object.fromEntries(Object.entries({ ...search, [name]: value }).filter(([, one]) => one !== '')) })
  const at = data.findIndex((run) => run.id === id)
  const move = (by: number) => {
    const next = data[Math.min(Math.max(at + by, 0), data.length - 1)]
    if (next) show({ id: next.id })
  }
  const moveRef = useRef(move)
  useEffect(() => {
    moveRef.current = move
  })
  useCommands(useMoveCommands(moveRef))
  const chosen = data[at]
  return (
    <>
      <Page
        filled title="Runs" before={before}
        actions={
          <>
            {filter.thread !== null && <Button small onClick={() => narrow('thread', '')}>All threads</Button>}
            <Button small look="plain" aria-pressed={filter.mine} onClick={() => narrow('mine', filter.mine ? '' : 'yes')}>Mine</Button>
            <Select small label="State" value={filter.state} choices={STATES} onChange={(state) => narrow('state', state)} />
          </>
        }
      >
        <RunList runs={runs} data={data} chosen={id} open={(run) => show({ id: run })} filtered={filter.state !== '' || filter.mine || filter.thread !== null} />
      </Page>
      {id !== null && (
        <Panel title="What the run did" close={() => show({ id: null })} actions={chosen && <Link className={styles.chat} to={addressIn(place, 'chats', chosen.thread_id, { run: id })}>Open the chat</Link>}>
          <Suspense fallback={<Skeleton />}><Inspector key={id} runId={id} /></Suspense>
        </Panel>
      )}
    </>
  )
}

/** The same array for as long as the page is there: what moves is looked up when it is asked for. */
function useMoveCommands(move: { readonly current: (by: number) => void }): readonly Command[] {
  return useMemo(() => [
    { id: 'next-run', group: 'Page', label: 'The next run', keys: 'j', act: () => move.current(1) },
    { id: 'run-before', group: 'Page', label: 'The run before', keys: 'k', act: () => move.current(-1) },
  ], [move])
}

interface RunListProps {
  readonly runs: { readonly isPending: boolean; readonly error: unknown; readonly hasNextPage: boolean; readonly isFetchingNextPage: boolean; refetch(): unknown; fetchNextPage(): unknown }
  readonly data: readonly Run[]
  readonly chosen: string | null
  readonly filtered: boolean
  open(run: string): void
}

function RunList({ runs, data, chosen, filtered, open }: RunListProps) {
  const list = useRef<VListHandle>(null)
  const more = () => {
    const handle = list.current
    if (handle && runs.hasNextPage && !runs.isFetchingNextPage && handle.findItemIndex(handle.scrollOffset + handle.viewportSize) > data.length - AHEAD) void runs.fetchNextPage()
  }
  if (runs.isPending) return <Skeleton lines={8} label="Loading the runs" />
  if (runs.error !== null && data.length === 0) return <div className={styles.frame}><Problem error={runs.error} retry={() => void runs.refetch()} /></div>
  if (data.length === 0) return <Empty icon={<Activity size={32} />} title={filtered ? 'No run fits' : 'Nothing ran yet'}>{filtered ? 'Choose other states, or all runs.' : 'Each question in a chat is a run: what it was told, did and used is kept here.'}</Empty>
  return (
    <VList ref={list} className={styles.list} role="list" aria-label="Runs" tabIndex={0} onScroll={more}>
      {data.map((run) => <RunRow key={run.id} run={run} chosen={run.id === chosen} open={open} />)}
    </VList>
  )
}
