import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Square } from 'lucide-react'
import { placeKey } from '../address/address.ts'
import { isLive, stopRun } from '../api/runs.ts'
import type { Run } from '../api/runs.ts'
import { IconButton } from '../design/button.tsx'
import { countOf } from '../design/count.ts'
import { Moment, durationOf } from '../design/moment.tsx'
import { wordsOf } from '../design/problem.tsx'
import { toast } from '../design/toast.tsx'
import { useHere, useMay } from '../shell/place-context.ts'
import styles from './run-row.module.css'
import { RunState } from './run-state.tsx'
import { useNow } from './use-now.ts'

/** A run in the list: what it was for, whose it is, how it goes. */
export function RunRow({ run, chosen, open }: { readonly run: Run; readonly chosen: boolean; open(id: string): void }) {
  const { place } = useHere()
  const mayStop = useMay('write')
  const client = useQueryClient()
  const live = isLive(run)
  const now = useNow(live)
  const stop = useMutation({
    mutationFn: () => stopRun(place, run),
    onSettled: () => client.invalidateQueries({ queryKey: [placeKey(place), 'runs'] }),
    onError: (error) => toast({ title: 'The run goes on', detail: wordsOf(error), bad: true }),
  })
  const ended = run.ended_at === null ? now : Date.parse(run.ended_at)
  return (
    <div role="listitem" className={styles.item}>
      <button type="button" className={styles.row} aria-current={chosen || undefined} onClick={() => open(run.id)}>
        <span className={styles.state}><RunState state={run.state} /></span>
        <span className={styles.title}>{run.thread_title ?? 'A thread that is not yours to see'}</span>
        <span className={styles.facts}>
          {run.author_name ?? run.author_id} · {run.model} · <Moment at={run.created_at} /> · {durationOf(Math.max(0, ended - Date.parse(run.created_at)))}
          {run.usage && ` · ${countOf(run.usage.output_tokens)} tokens`}
        </span>
      </button>
      {live && mayStop && <IconButton small label={`Stop: ${run.thread_title ?? run.id}`} busy={stop.isPending} onClick={() => stop.mutate()}><Square size={14} fill="currentcolor" /></IconButton>}
    </div>
  )
}
