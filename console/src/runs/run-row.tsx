import { MessageSquare, Square } from 'lucide-react'
import { Link } from '../address/link.tsx'
import { addressIn } from '../address/navigation.ts'
import { isLive } from '../api/runs.ts'
import type { Run } from '../api/runs.ts'
import { IconButton } from '../design/button.tsx'
import { countOf } from '../design/count.ts'
import { durationOf } from '../design/duration.ts'
import { Moment } from '../design/moment.tsx'
import { useHere, useMay } from '../shell/place-context.ts'
import styles from './run-row.module.css'
import { RunState, failureOf } from './run-state.tsx'
import { useNow } from './use-now.ts'
import { useStop } from './use-stop.ts'

interface RunRowProps {
  readonly run: Run
  /** Its inspector is open. */
  readonly chosen: boolean
  open(id: string): void
  /** The focus came to it, by whatever way. */
  touched(id: string): void
}

/** A run in the list: what it was for, whose it is, how it goes. */
export function RunRow({ run, chosen, open, touched }: RunRowProps) {
  const { place } = useHere()
  const mayStop = useMay('write')
  const stop = useStop(run)
  const title = titleOf(run)
  return (
    <div role="listitem" className={styles.item} onFocus={() => touched(run.id)}>
      <button type="button" id={rowId(run.id)} className={styles.row} aria-current={chosen || undefined} onClick={() => open(run.id)}>
        <span className={styles.state}><RunState state={run.state} /></span>
        <span className={styles.title}>{title}</span>
        <span className={styles.facts}>{run.author_name ?? run.author_id} · {run.model}{run.error_code !== null && ` · ${failureOf(run.error_code)}`}</span>
        <span className={styles.when}><Moment at={run.created_at} /></span>
        <span className={styles.took}><Took run={run} /> · {tokensOf(run)}</span>
      </button>
      <span className={styles.actions}>
        {isLive(run) && mayStop && <IconButton small label={`Stop: ${title}`} busy={stop.isPending} onClick={() => stop.mutate()}><Square size={14} fill="currentcolor" /></IconButton>}
        {run.thread_title !== null && <Link className={styles.chat} to={addressIn(place, 'chats', run.thread_id, { run: run.id })} aria-label={`Open the chat: ${title}`} title="Open the chat"><MessageSquare size={16} /></Link>}
      </span>
    </div>
  )
}

/** By which its row is found, to give it the focus. */
export function rowId(run: string): string {
  return `row-${run}`
}

/** As the chat is called; it may have been taken back since. */
export function titleOf({ thread_title: title }: Run): string {
  return title === null ? 'A chat that is no longer yours to see' : title === '' ? 'Untitled' : title
}

/** Counts for as long as it runs. */
function Took({ run }: { readonly run: Run }) {
  const now = useNow(isLive(run))
  const ended = run.ended_at === null ? now : Date.parse(run.ended_at)
  return durationOf(Math.max(0, ended - Date.parse(run.created_at)))
}

function tokensOf({ usage, state }: Run): string {
  if (usage === null) return 'tokens hidden'
  if (usage.input_tokens === null && usage.output_tokens === null) return state === 'queued' || state === 'running' ? 'no tokens told yet' : 'tokens unknown'
  return `${countOf(usage.input_tokens)} in, ${countOf(usage.output_tokens)} out`
}
