import type { RunFacts } from '../store/on-call-rows.ts'
import { tellMs, troublesOf } from './trouble.ts'
import { columns } from './usage.ts'

const HEAD = ['run', 'where', 'thread', 'state', 'node', 'lease', 'age', 'claimed', 'takeovers', 'stop']

/** A row for each, the oldest first; below it what is wrong, where something is. */
export function tellRuns(runs: readonly RunFacts[], wallMs: number): string {
  const [head = '', ...rows] = columns([HEAD, ...runs.map(rowOf)]).split('\n')
  const told = runs.map((run, place) => [rows[place] ?? '', ...troublesOf(run, wallMs).map(({ says, mend }) => `    ! ${says}. ${mend}`)].join('\n'))
  return `${[head, ...told].join('\n')}\n`
}

function rowOf(run: RunFacts): readonly string[] {
  const { state, claimed_ms, takeovers, stop_asked_ms } = run
  return [
    run.id, placeOf(run), run.thread_id, state, run.node_id || '–', leaseOf(run), tellMs(run.age_ms), `${tellMs(claimed_ms)} ago`, String(takeovers),
    stop_asked_ms === null ? '–' : `asked ${tellMs(stop_asked_ms)} ago`,
  ]
}

export function placeOf({ org, project }: RunFacts): string {
  return project === null ? org : `${org}/${project}`
}

function leaseOf({ state, leased }: RunFacts): string {
  if (state !== 'running') return '–'
  return leased ? 'holds' : 'ended'
}
