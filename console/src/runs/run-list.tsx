import { Activity } from 'lucide-react'
import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { KeyboardEvent, RefObject } from 'react'
import { VList } from 'virtua'
import type { VListHandle } from 'virtua'
import { isLive } from '../api/runs.ts'
import type { Run } from '../api/runs.ts'
import { Empty } from '../design/empty.tsx'
import { Problem } from '../design/problem.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { useCommands } from '../shell/commands.ts'
import type { Command } from '../shell/commands.ts'
import { useMay } from '../shell/place-context.ts'
import styles from './run-list.module.css'
import { RunRow, rowId, titleOf } from './run-row.tsx'
import { useStop } from './use-stop.ts'

/** From so many rows before the end, the next page is asked for. */
const AHEAD = 20

interface PagedRuns {
  readonly data: readonly Run[] | undefined
  readonly error: unknown
  readonly isPending: boolean
  readonly isPlaceholderData: boolean
  readonly hasNextPage: boolean
  readonly isFetchingNextPage: boolean
  refetch(): unknown
  fetchNextPage(): unknown
}

interface RunListProps {
  readonly runs: PagedRuns
  readonly chosen: string | null
  readonly filtered: boolean
  /** `replace`: it was open on another run already, which is no step back. */
  open(run: string, how: { readonly replace: boolean }): void
}

export function RunList({ runs, chosen, filtered, open }: RunListProps) {
  const { data = [], error } = runs
  if (runs.isPending) return <div className={styles.frame}><Skeleton lines={8} label="Loading the runs" /></div>
  const problem = error !== null && <div className={styles.problem}><Problem error={error} retry={() => void runs.refetch()} /></div>
  return (
    <div className={styles.frame} aria-busy={runs.isPlaceholderData}>
      {problem}
      {data.length > 0 ? <Rows runs={runs} data={data} chosen={chosen} open={open} /> : !problem && <Nothing filtered={filtered} />}
    </div>
  )
}

function Nothing({ filtered }: { readonly filtered: boolean }) {
  const mayAsk = useMay('chat')
  if (filtered) return <Empty icon={<Activity size={32} />} title="No run fits">Choose other states, or show all runs.</Empty>
  return (
    <Empty icon={<Activity size={32} />} title="Nothing ran yet">
      {mayAsk ? 'Each question in a chat is a run: what it was told, did and used is shown here.' : 'Your role reads. The runs of chats that others share with you are shown here.'}
    </Empty>
  )
}

/** The focus goes from row to row by j and k, or by the arrows; Enter opens, x stops. */
function Rows({ runs, data, chosen, open }: Omit<RunListProps, 'filtered'> & { readonly data: readonly Run[] }) {
  const list = useRef<VListHandle>(null)
  const [touched, setTouched] = useState<string | null>(null)
  const [moved, setMoved] = useState<{ readonly to: string } | null>(null)
  const at = data.findIndex(({ id }) => id === (touched ?? chosen))
  const more = () => {
    const handle = list.current
    if (handle && runs.hasNextPage && !runs.isFetchingNextPage && runs.error === null && handle.findItemIndex(handle.scrollOffset + handle.viewportSize) > data.length - AHEAD) void runs.fetchNextPage()
  }
  useEffect(more)
  useEffect(() => {
    // The row that was moved to is kept there, also out of view.
    if (moved) document.getElementById(rowId(moved.to))?.focus({ preventScroll: true })
  }, [moved])
  const move = (by: number) => {
    const next = Math.min(Math.max(at + by, 0), data.length - 1)
    const run = data[next]
    if (!run) return
    setTouched(run.id)
    setMoved({ to: run.id })
    list.current?.scrollToIndex(next, { align: 'nearest' })
    if (chosen !== null) open(run.id, { replace: true })
  }
  useMoves(move)
  const onKeyDown = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (by === undefined || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return
    event.preventDefault()
    move(by)
  }
  const aimed = data[at]
  return (
    <>
      {aimed && isLive(aimed) && <StopCommand key={aimed.id} run={aimed} />}
      <VList ref={list} className={styles.list} role="list" aria-label="Runs" tabIndex={at === -1 ? 0 : -1} keepMounted={at === -1 ? [] : [at]} onScroll={more} onKeyDown={onKeyDown}>
        {data.map((run) => <RunRow key={run.id} run={run} chosen={run.id === chosen} open={(id) => open(id, { replace: chosen !== null })} touched={setTouched} />)}
      </VList>
    </>
  )
}

/** The commands stay the same for as long as the list is there: where they lead is looked up when they are called. */
function useMoves(move: (by: number) => void): void {
  const latest: RefObject<(by: number) => void> = useRef(move)
  useEffect(() => {
    latest.current = move
  })
  useCommands(useMemo((): readonly Command[] => [
    { id: 'next-run', group: 'Page', label: 'The next run', keys: 'j', act: () => latest.current(1) },
    { id: 'run-before', group: 'Page', label: 'The run before', keys: 'k', act: () => latest.current(-1) },
  ], []))
}

/** Where a run that goes on has the focus, or is open. */
function StopCommand({ run }: { readonly run: Run }) {
  const may = useMay('write')
  const { mutate } = useStop(run)
  const stop = useCallback(() => mutate(), [mutate])
  const title = titleOf(run)
  useCommands(useMemo((): readonly Command[] => (may ? [{ id: 'stop-run', group: 'Page', label: `Stop the run: ${title}`, keys: 'x', act: stop }] : []), [may, title, stop]))
  return null
}
