import { useEffect, useMemo, useReducer, useState } from 'react'
import { VList } from 'virtua'
import { pathOf } from '../api/request.ts'
import { Select } from '../design/select.tsx'
import { Skeleton } from '../design/skeleton.tsx'
import { plural } from '../design/count.ts'
import { home } from '../home.ts'
import { useHere } from '../shell/place-context.ts'
import styles from './events-view.module.css'
import { Json } from './json.tsx'
import { MOST_EVENTS, followRunEvents } from './run-events.ts'
import type { RunEvent } from './run-events.ts'

const ALL = 'all'

/** The raw chunks, as every client gets them. */
export function EventsView({ runId, live }: { readonly runId: string; readonly live: boolean }) {
  const { place } = useHere()
  const [events, add] = useReducer((all: readonly RunEvent[], more: readonly RunEvent[]) => [...all, ...more].slice(-MOST_EVENTS), [])
  const [over, setOver] = useState(false)
  const [type, setType] = useState(ALL)
  const [open, setOpen] = useState<string | null>(null)
  const url = `${home.api}${pathOf(place)}/runs/${encodeURIComponent(runId)}/events`
  useEffect(() => followRunEvents(url, add, () => setOver(true)), [url])
  const types = useMemo(() => [...new Set(events.map((event) => event.type))].sort(), [events])
  const shown = type === ALL ? events : events.filter((event) => event.type === type)
  if (events.length === 0) return over ? <p className={styles.none}>Its events are no longer kept, or not yours to see.</p> : <Skeleton label="Loading the events" />
  return (
    <div className={styles.view}>
      <div className={styles.tools}>
        <Select small label="Type" value={type} choices={[{ value: ALL, label: 'All types' }, ...types.map((one) => ({ value: one, label: one }))]} onChange={setType} />
        <span className={styles.count} role="status">{plural(shown.length, 'event')}{live && !over ? ', live' : ''}</span>
      </div>
      <VList className={styles.list} role="list" aria-label="Events" tabIndex={0}>
        {shown.map((event) => (
          <div key={event.id} role="listitem">
            <button type="button" className={styles.event} aria-expanded={open === event.id} onClick={() => setOpen(open === event.id ? null : event.id)}>
              <span className={styles.seq}>{event.id.split('.').slice(1).join('.')}</span>
              <span className={styles.type}>{event.type}</span>
              <span className={styles.text}>{event.text}</span>
            </button>
            {open === event.id && <Json label={event.id} value={parsed(event.text)} />}
          </div>
        ))}
      </VList>
    </div>
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text // shown as it came
  }
}
