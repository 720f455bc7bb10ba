import { allowsModel } from '../model/model-name.ts'
import type { ChatExecutionContext } from './chat-execution-context.ts'
import type { Refusal } from './refusal.ts'

/** What a run has used of its scope so far. */
export interface ScopeUse {
  /** The projects whose rows it has read. */
  readonly reads: ReadonlySet<string>
  readonly modelId: string
}

/** The one rule of whether a run may go on with what its scope has become: frozen and current, whichever is less. */
export function covers(allowed: ChatExecutionContext | Refusal, { reads, modelId }: ScopeUse): allowed is ChatExecutionContext {
  if (!allowed.ok || !allowed.may.includes('chat') || !allowsModel(allowed.models, modelId)) return false
  const projects = new Set(allowed.rows.projectIds)
  return [...reads].every((project) => projects.has(project))
}
