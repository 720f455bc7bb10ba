import { Collapsible } from '@base-ui/react/collapsible'
import { Flag } from 'lucide-react'
import type { CSSProperties } from 'react'
import { isHidden, isLive } from '../api/runs.ts'
import type { Call, RunDetail, Step } from '../api/runs.ts'
import { countOf } from '../design/count.ts'
import { Empty } from '../design/empty.tsx'
import { durationOf } from '../design/duration.ts'
import { useNow } from '../runs/use-now.ts'
import { Hidden } from './hidden.tsx'
import { Json } from './json.tsx'
import { ticksOf, timelineOf } from './timeline-rows.ts'
import type { Timeline, TimelineMark, TimelineRow } from './timeline-rows.ts'
import styles from './timeline-view.module.css'

/** Steps and tool calls on one axis of time. */
export function TimelineView({ run }: { readonly run: RunDetail }) {
  const now = useNow(isLive(run))
  if (isHidden(run)) return <Hidden />
  const timeline = timelineOf(run, now)
  if (timeline.rows.length === 0) return <Empty title="No step">It ended before the model had answered.</Empty>
  return (
    <div className={styles.view}>
      <Axis timeline={timeline} />
      <ol role="list" className={styles.rows} aria-label="Steps and calls">
        {timeline.rows.map((row) => <Row key={row.key} row={row} timeline={timeline} />)}
      </ol>
      {timeline.marks.length > 0 && <Marks marks={timeline.marks} />}
      <ul role="list" className={styles.legend} aria-hidden>
        <li><span className={styles.sample} data-kind="model" /> model</li>
        <li><span className={styles.sample} data-kind="tool" /> tool</li>
        {timeline.rows.some(({ kind }) => kind === 'wait') && <li><span className={styles.sample} data-kind="wait" /> waiting</li>}
        {timeline.rows.some(({ first }) => first !== null) && <li><span className={styles.sampleFirst} /> first word</li>}
      </ul>
      <Numbers timeline={timeline} />
    </div>
  )
}

/** From here on a tick's words stand before it: after it there is no room. */
const LATE = 0.88

function Axis({ timeline: { length, marks } }: { readonly timeline: Timeline }) {
  return (
    <div className={styles.axis} aria-hidden>
      {ticksOf(length).ticks.map((tick) => <span key={tick} className={styles.tick} data-late={tick > LATE * length || undefined} style={{ left: percentOf(tick, length) }}>{tick === 0 ? '0' : durationOf(tick)}</span>)}
      {marks.map(({ at, label }, number) => <span key={number} className={styles.flag} style={{ left: percentOf(at, length) }} title={label}><Flag size={12} fill="currentcolor" /></span>)}
    </div>
  )
}

function Row({ row, timeline: { length, marks } }: { readonly row: TimelineRow; readonly timeline: Timeline }) {
  const { label, kind, from, to, first, step, call, wrong } = row
  const end = to ?? length
  const apart = { '--apart': percentOf(ticksOf(length).apart, length) } as CSSProperties
  const content = (
    <>
      <span className={styles.label}>{label}{wrong !== null && <span className={styles.bad}> ({wrong})</span>}</span>
      <span className={styles.facts}>{factsOf(row, length)}</span>
      <span className={styles.track} style={apart} aria-hidden>
        <span className={styles.bar} data-kind={kind} data-wrong={wrong !== null || undefined} data-live={to === null || undefined} style={{ left: percentOf(from, length), width: percentOf(end - from, length) }} />
        {first !== null && <span className={styles.first} style={{ left: percentOf(first, length) }} />}
        {marks.map(({ at }, number) => <span key={number} className={styles.mark} style={{ left: percentOf(at, length) }} />)}
      </span>
    </>
  )
  if (!step && !call) return <li className={styles.row}>{content}</li>
  return (
    <li>
      <Collapsible.Root>
        <Collapsible.Trigger className={styles.row}>{content}</Collapsible.Trigger>
        <Collapsible.Panel className={styles.detail}>
          {step && <StepDetail step={step} row={row} />}
          {call && <CallDetail call={call} row={row} />}
        </Collapsible.Panel>
      </Collapsible.Root>
    </li>
  )
}

function factsOf({ from, to, step }: TimelineRow, length: number): string {
  const took = to === null ? `${durationOf(length - from)} so far` : durationOf(to - from)
  return step ? `${took} · ${countOf(step.usage.outputTokens?.total)} tokens` : took
}

function StepDetail({ step: { usage, finish_reason, started_at }, row: { from, to, first } }: { readonly step: Step; readonly row: TimelineRow }) {
  return (
    <p>
      {started_at === null ? 'When it was asked is unknown.' : `Asked at ${durationOf(from)}, ended at ${durationOf(to ?? from)}.`} Its first word came {first === null ? 'at a time that is unknown' : `after ${durationOf(first - from)}`}.
      It read {countOf(usage.inputTokens?.total)} tokens ({countOf(usage.inputTokens?.cacheRead)} from a cache) and wrote {countOf(usage.outputTokens?.total)}. It ended with “{finish_reason}”.
    </p>
  )
}

function CallDetail({ call: { input, output, error, cut, effect, settled_at }, row: { from, to } }: { readonly call: Call; readonly row: TimelineRow }) {
  return (
    <>
      <p>From {durationOf(from)}{to !== null && ` to ${durationOf(to)}`}; a tool that {EFFECTS[effect] ?? effect}.</p>
      <Json label="Asked" value={input} />
      {error !== null && <p className={styles.bad}>{error}</p>}
      {error === null && settled_at !== null && <Json label={cut ? 'Answered (the beginning; all of it is in the events)' : 'Answered'} value={output} />}
    </>
  )
}

const EFFECTS: Readonly<Record<string, string>> = { read: 'only reads', write: 'changes something', idempotent: 'changes something, and can be called again', 'with-ledger': 'changes something together with its record' }

function Marks({ marks }: { readonly marks: readonly TimelineMark[] }) {
  return (
    <ul role="list" className={styles.marks} aria-label="What happened to the run">
      {marks.map(({ at, label }, number) => <li key={number}><Flag size={12} fill="currentcolor" aria-hidden /> <span><b>{durationOf(at)}</b> {label}</span></li>)}
    </ul>
  )
}

/** What the bars say, for those who do not see them. */
function Numbers({ timeline: { rows, length } }: { readonly timeline: Timeline }) {
  return (
    <table className="unseen">
      <caption>Steps and calls in numbers</caption>
      <thead><tr><th scope="col">What</th><th scope="col">Begins at</th><th scope="col">Takes</th><th scope="col">Tokens read</th><th scope="col">Tokens written</th><th scope="col">State</th></tr></thead>
      <tbody>
        {rows.map(({ key, label, from, to, step, wrong }) => (
          <tr key={key}>
            <th scope="row">{label}</th><td>{durationOf(from)}</td><td>{durationOf((to ?? length) - from)}</td>
            <td>{step ? countOf(step.usage.inputTokens?.total) : 'none'}</td><td>{step ? countOf(step.usage.outputTokens?.total) : 'none'}</td><td>{wrong ?? (to === null ? 'under way' : 'done')}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

function percentOf(ms: number, length: number): string {
  return `${(100 * ms) / length}%`
}
