import type { Run } from '../api/runs.ts'
import { Badge } from '../design/badge.tsx'
import type { Tone } from '../design/badge.tsx'

const STATES: Readonly<Record<Run['state'], { readonly word: string; readonly tone: Tone }>> = {
  queued: { word: 'Waits', tone: 'neutral' },
  running: { word: 'Running', tone: 'accent' },
  completed: { word: 'Done', tone: 'good' },
  stopped: { word: 'Stopped', tone: 'warn' },
  failed: { word: 'Failed', tone: 'bad' },
}

export function RunState({ state }: Pick<Run, 'state'>) {
  const { word, tone } = STATES[state]
  return <Badge tone={tone} live={state === 'running'}>{word}</Badge>
}

/** Why a run failed, for people. What is not known here is shown as the interface says it. */
export function failureOf(code: string): string {
  return FAILURES[code] ?? code
}

const FAILURES: Readonly<Record<string, string>> = {
  internal: 'A fault of the server. Its log says more, under the run’s id.',
  model: 'The model’s provider failed, or gave no answer that can be used.',
  scope_changed: 'What it was allowed to see was narrowed while it ran.',
  over_limit: 'It came to one of its limits.',
  interrupted: 'The model’s provider broke off.',
}
