import type { Run } from '../api/runs.ts'
import { Badge } from '../design/badge.tsx'
import type { Tone } from '../design/badge.tsx'

const STATES: Readonly<Record<Run['state'], { readonly word: string; readonly tone: Tone }>> = {
  queued: { word: 'Waiting', tone: 'neutral' },
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
  internal: 'A fault of the server. Its log says more, under the id of the run.',
  scope_changed: 'What it may see was narrowed while it ran. Ask again.',
  ai_unavailable: 'The assistant was switched off here while it ran.',
  run_limit: 'It took too long, or its answer grew too long.',
  interrupted: 'The server went away while it ran, again and again. Ask again, in other words.',
  model_error: 'The model could not answer. Try again in a moment.',
  model_idle: 'The model fell silent. Ask again.',
  model_slow: 'The model took too long. Ask again, with a smaller question.',
  model_empty: 'The model gave no answer, or broke off. Ask again.',
}
