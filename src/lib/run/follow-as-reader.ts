import { followRun } from '../journal/follow-run.ts'
import type { FollowFrom, FollowParts } from '../journal/follow-run.ts'
import type { Frame } from '../journal/journal.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { ScopeWatch } from '../scope/watch-scopes.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun } from '../store/run-rows.ts'
import { followWatched } from './follow-watched.ts'
import type { Cuttable } from './follow-watched.ts'
import type { RunRef } from './open-run.ts'

/** From where a reader goes on. */
export interface ReaderPlace extends FollowFrom, Cuttable {}

export interface ReaderParts extends FollowParts {
  readonly scopes: ScopeWatch
}

/** A run, for as long as its reader may see it. */
export function followAsReader(
  { scopes, ...parts }: ReaderParts,
  context: ChatExecutionContext,
  run: RunRef,
  { cut, ...from }: ReaderPlace,
  signal: AbortSignal,
): AsyncIterable<readonly Frame[]> {
  const reader = { context, stillSees: sees(run, context), everyMs: context.limits.scopeMs, signal, cut }
  return followWatched({ watch: scopes, scoped: parts.scoped }, reader, (watched) =>
    followRun({ ...parts, scoped: watched.scoped }, { reader: context.rows, run, from, signal: watched.signal }),
  )
}

/** Whether what a run has read by now is still all this reader's; and, of another's run, whether its thread is still shared. */
function sees({ projectId, id }: RunRef, { rows }: ChatExecutionContext): (sql: ScopedSql) => Promise<boolean | 'own'> {
  return async (sql) => {
    if (!(await findReadSet(sql, projectId, id))) return false
    return (await findRun(sql, projectId, id))?.author_id === rows.userId ? 'own' : true
  }
}
