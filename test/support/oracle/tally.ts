import { answerTo, listRows } from './oracle.ts'
import type { World } from './tenant-world.ts'

/** What these worlds try: a comparison in which everything is open, or nothing, proves little. Shares from 0 to 1. */
export interface Tally {
  /** Of the asks. */
  readonly granted: number
  readonly notFound: number
  readonly forbidden: number
  readonly unavailable: number
  /** Of the asks that are let in: they see at least one row. */
  readonly seeing: number
  /** Of the threads in their scopes. */
  readonly privateThreads: number
  /** Of the answers that were said in what they see. */
  readonly hiddenAnswers: number
  /** Of the raw settings: they show at least one row. */
  readonly rawSeeing: number
}

export function tallyOf(worlds: readonly World[]): Tally {
  const count = { asks: 0, granted: 0, not_found: 0, forbidden: 0, ai_unavailable: 0, seeing: 0, threads: 0, closed: 0, answers: 0, hidden: 0, raw: 0 }
  for (const world of worlds) {
    if (listRows(world, world.raw).length > 0) count.raw += 1
    for (const ask of world.asks) {
      const { verdict, rows } = answerTo(world, ask)
      count.asks += 1
      if (!verdict.ok) {
        if (verdict.code in count) count[verdict.code as 'forbidden'] += 1
        continue
      }
      const seen = new Set(rows)
      const inScope = ({ org, project }: { org: string; project: string }) => org === verdict.org && verdict.projects.includes(project)
      count.granted += 1
      if (rows.length > 0) count.seeing += 1
      for (const { org, project, id } of world.threads.filter(inScope)) {
        count.threads += 1
        if (!seen.has(`threads/${org}/${project}/${id}`)) count.closed += 1
      }
      for (const { org, project, thread, id } of world.messages.filter((one) => one.run !== null && one.said && inScope(one))) {
        if (!seen.has(`messages/${org}/${project}/${thread}/${id}`)) continue
        count.answers += 1
        if (!seen.has(`message_contents/${org}/${project}/${thread}/${id}`)) count.hidden += 1
      }
    }
  }
  return {
    granted: count.granted / count.asks,
    notFound: count.not_found / count.asks,
    forbidden: count.forbidden / count.asks,
    unavailable: count.ai_unavailable / count.asks,
    seeing: count.seeing / count.granted,
    privateThreads: count.closed / count.threads,
    hiddenAnswers: count.hidden / count.answers,
    rawSeeing: count.raw / worlds.length,
  }
}
