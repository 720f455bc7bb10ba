import { Collapsible } from '@base-ui/react/collapsible'
import type { RunDetail } from '../api/runs.ts'
import { isLive } from '../api/runs.ts'
import { countOf } from '../design/count.ts'
import { Empty } from '../design/empty.tsx'
import { durationOf } from '../design/moment.tsx'
import { useNow } from '../runs/use-now.ts'
import { Hidden } from './hidden.tsx'
import { Json } from './json.tsx'
import { ticksOf, timelineOf } from './timeline-rows.ts'
import type { TimelineRow } from './timeline-rows.ts'
import styles from './timeline-view.module.css'

/** Steps and tool calls on one axis of time. */
export function TimelineView({ run }: { readonly run: RunDetail }) {
  const now = useNow(isLive(run))
  if (run.scope === null) return <Hidden />
  const { rows, marks, length } = timelineOf(run, now)
  if (rows.length === 0) return <Empty title="No step yet">{isLive(run) ? 'The model was asked, and its first step has not ended.' : 'It ended before the model had answered.'}</Empty>
  const percent = (ms: number) => `${(100 * ms) / length}%`
  return (
    <div className={styles.view}>
      <div className={styles.axis} aria-hidden>{ticksOf(length).map((tick) => <span key={tick} className={styles.tick} style={{ left: percent(tick) }}>{durationOf(tick)}</span>)}</div>
      <ol role="list" className={styles.rows} aria-label="Steps and calls">
        {rows.map((row) => <Row key={row.key} row={row} length={length} />)}
      </ol>
      {marks.length > 0 && <ul role="list" className={styles.marks}>{marks.map(({ at, label }) => <li key={`${at} ${label}`}><span className={styles.markAt}>{durationOf(at)}</span> {label}</li>)}</ul>}
    </div>
  )
}

function Row({ row, length }: { readonly row: TimelineRow; readonly length: number }) {
  const { label, kind, from, to, first, step, call } = row
  const end = to ?? length
  const state = call?.state === 'failed' || call?.state === 'unknown' ? call.state : null
  const percent = (ms: number) => `${(100 * ms) / length}%`
  return (
    <li>
      <Collapsible.Root>
        <Collapsible.Trigger className={styles.row}>
          <span className={styles.label}>{label}{state && <span className={styles.bad}> ({state === 'failed' ? 'failed' : 'outcome unknown'})</span>}</span>
          <span className={styles.facts}>{to === null ? 'running' : durationOf(end - from)}{step && `, ${countOf(step.usage.outputTokens?.total)} tokens`}</span>
          <span className={styles.track} aria-hidden>
            <span className={styles.bar} data-kind={kind} data-state={state} style={{ left: percent(from), width: percent(end - from) }} />
            {first !== null && <span className={styles.first} style={{ left: percent(first) }} />}
          </span>
        </Collapsible.Trigger>
        <Collapsible.Panel className={styles.detail}>
          {step && <p>From {durationOf(from)} to {durationOf(end)}{first !== null && `; its first word at ${durationOf(first)}`}. Read {countOf(step.usage.inputTokens?.total)} tokens ({countOf(step.usage.inputTokens?.cacheRead)} from a cache), wrote {countOf(step.usage.outputTokens?.total)}. It ended with “{step.finish_reason}”.</p>}
          {call && (
            <>
              <Json label="Asked" value={call.input} />
              {call.error === null ? <Json label={call.cut ? 'Answered (cut)' : 'Answered'} value={call.output} /> : <p className={styles.bad}>{call.error}</p>}
            </>
          )}
        </Collapsible.Panel>
      </Collapsible.Root>
    </li>
  )
}
