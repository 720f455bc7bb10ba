import type { RunFacts } from '../store/on-call-rows.ts'

/** Why a run needs somebody. Closed, and in the order in which it is looked for: the first one is what to mend first. */
export type TroubleCode = 'undriven' | 'unstopped' | 'unstarted' | 'tossed' | 'overdue'

export interface Trouble {
  readonly code: TroubleCode
  readonly says: string
  /** What to do next. */
  readonly mend: string
}

/** Longer than a takeover takes: a lease of 5 s, and a look each second. */
const UNDRIVEN_MS = 10_000
/** A stop is confirmed within 2 s. */
const UNSTOPPED_MS = 5_000
const UNSTARTED_MS = 10_000
const TAKEOVERS = 3
/** An end that cannot be committed at once is tried again. */
const OVERDUE_MS = 30_000

/** What is wrong with a run that has not ended, where `wallMs` is the time that one may take. Nothing: it goes its way. */
export function troublesOf(run: RunFacts, wallMs: number): readonly Trouble[] {
  const troubles: Trouble[] = []
  const found = (code: TroubleCode, says: string, mend: string) => troubles.push({ code, says, mend })
  if ((run.undriven_ms ?? 0) > UNDRIVEN_MS) {
    found('undriven', `nobody has driven it for ${tellMs(run.undriven_ms)}`,
      'Any node takes it over within a second: start one, or a worker ("ambit worker"). Where nodes run, look in their log for "the look after runs failed".')
  }
  if ((run.stop_asked_ms ?? 0) > UNSTOPPED_MS) {
    found('unstopped', `it was asked to stop ${tellMs(run.stop_asked_ms)} ago, and has not`,
      `Look at the log of node ${run.node_id || '–'}: a tool that does not end, or a database that does not answer, holds it. Ending that process hands it over, and it is stopped then.`)
  }
  if ((run.startable_ms ?? 0) > UNSTARTED_MS) {
    found('unstarted', `it is the first of its queue, and nobody has begun it for ${tellMs(run.startable_ms)}`,
      'A node or a worker begins it within a second: start one. With drive: \'elsewhere\' at every door, only a worker does.')
  }
  if (run.takeovers > TAKEOVERS) {
    found('tossed', `it has lost its node ${run.takeovers} times`,
      'It may be what ends them (memory, a tool that blocks): look at how those nodes ended. Stop it at its thread if they go on ending.')
  }
  if (run.state === 'running' && run.driven_ms > wallMs + OVERDUE_MS) {
    found('overdue', `it has run for ${tellMs(run.driven_ms)}, and may for ${tellMs(wallMs)}`,
      'Its owner ends it by itself: one that is not ended cannot commit. Look at the log of its node, and whether PostgreSQL takes commits.')
  }
  return troubles
}

/** As a person says it: `740 ms` is `1 s`, and what is not known is a dash. */
export function tellMs(ms: number | null): string {
  if (ms === null) return '–'
  const seconds = Math.ceil(ms / 1_000)
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7_200) return `${Math.floor(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.floor(seconds / 3_600)} h` : `${Math.floor(seconds / 86_400)} days`
}
