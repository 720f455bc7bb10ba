import { useEffect, useMemo, useRef, useState } from 'react'
import { VList } from 'virtua'
import type { VListHandle } from 'virtua'
import { isHidden } from '../api/runs.ts'
import type { RunDetail } from '../api/runs.ts'
import { plural } from '../design/count.ts'
import { Empty } from '../design/empty.tsx'
import { Problem } from '../design/problem.tsx'
import { Select } from '../design/select.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import styles from './events-view.module.css'
import { Hidden } from './hidden.tsx'
import { Json } from './json.tsx'
import type { RunEvent } from './run-events.ts'
import { useRunEvents } from './use-run-events.ts'

const ALL = 'all'
/** So near to its end, the list goes along with what comes. */
const NEAR_PX = 40

/** The raw chunks, as every client gets them. */
export function EventsView({ run, live }: { readonly run: RunDetail; readonly live: boolean }) {
  if (isHidden(run)) return <Hidden />
  return <Events runId={run.id} live={live} />
}

function Events({ runId, live }: { readonly runId: string; readonly live: boolean }) {
  const { events, dropped, over, error, again } = useRunEvents(runId)
  const [type, setType] = useState(ALL)
  const types = useMemo(() => [...new Set(events.map((event) => event.type))].sort(), [events])
  const shown = useMemo(() => (type === ALL ? events : events.filter((event) => event.type === type)), [events, type])
  const problem = error !== null && <div className={styles.problem}><Problem error={error} retry={again} /></div>
  if (events.length === 0) return problem || (over ? <Empty title="No events">This run has told nothing.</Empty> : <Skeleton lines={8} label={live ? 'Waiting for the events' : 'Loading the events'} />)
  return (
    <div className={styles.view}>
      <div className={styles.tools}>
        <Select small label="Type" value={type} choices={[{ value: ALL, label: 'All types' }, ...types.map((one) => ({ value: one, label: one }))]} onChange={setType} />
        <span className={styles.count}>{plural(shown.length, 'event')}{dropped > 0 && `, the newest of ${events.length + dropped}`}{!over && error === null && ', live'}</span>
      </div>
      {problem}
      <EventList events={shown} live={!over} key={type} />
    </div>
  )
}

/** Goes along with what comes, as long as one has not scrolled away from its end. */
function EventList({ events, live }: { readonly events: readonly RunEvent[]; readonly live: boolean }) {
  const list = useRef<VListHandle>(null)
  const [startsLive] = useState(live)
  const atEnd = useRef(startsLive)
  const [open, setOpen] = useState<string | null>(null)
  useEffect(() => {
    if (live && atEnd.current) list.current?.scrollToIndex(events.length - 1, { align: 'end' })
  }, [events.length, live])
  const onScroll = (offset: number) => {
    const handle = list.current
    if (handle) atEnd.current = offset + handle.viewportSize > handle.scrollSize - NEAR_PX
  }
  const toggle = (id: string) => {
    atEnd.current = false // what one reads stays where it is
    setOpen(open === id ? null : id)
  }
  return (
    <VList ref={list} className={styles.list} role="list" aria-label="Events" tabIndex={0} onScroll={onScroll}>
      {events.map(({ id, type, text }) => (
        <div key={id} role="listitem">
          <button type="button" className={styles.event} aria-expanded={open === id} onClick={() => toggle(id)}>
            <span className={styles.seq}>{id.split('.').slice(1).join('.')}</span>
            <span className={styles.type}>{type}</span>
            <span className={styles.text}>{restOf(text)}</span>
          </button>
          {open === id && <div className={styles.json}><Json label={id} value={parsed(text)} /></div>}
        </div>
      ))}
    </VList>
  )
}

/** Without its type, which stands beside it. */
function restOf(text: string): string {
  return text.slice(0, 300).replace(/^\{"type":"[\w-]*",?/, '').replace(/\}$/, '')
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // shown as it came
  }
}
