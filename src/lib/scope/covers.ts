import { allowsModel } from '../model/model-name.ts'
import type { ChatExecutionContext } from './chat-execution-context.ts'
import type { Refusal, RefusalCode } from './refusal.ts'

/** What a run has used of its scope so far. */
export interface ScopeUse {
  /** The projects whose rows it has read. */
  readonly reads: ReadonlySet<string>
  readonly modelId: string
}

/**
 * What a scope lacks of what a run needs. `credential`: the key or token that it began with. `access`: the membership, or the place
 * itself. `role`: one that may chat. `model`: the one that answers. `read_project`: a project whose rows it has read.
 */
export type Lack = 'credential' | 'access' | 'role' | 'model' | 'read_project'

/** The one rule of whether a run may go on with what its scope has become: frozen and current, whichever is less. */
export function covers(allowed: ChatExecutionContext | Refusal, use: ScopeUse): allowed is ChatExecutionContext {
  return lackOf(allowed, use) === null
}

/** The first that is found; null where nothing is missing. */
export function lackOf(allowed: ChatExecutionContext | Refusal, { reads, modelId }: ScopeUse): Lack | null {
  if (!allowed.ok) return LACKS[allowed.code] ?? 'access'
  if (!allowed.may.includes('chat')) return 'role'
  if (!allowsModel(allowed.models, modelId)) return 'model'
  const projects = new Set(allowed.rows.projectIds)
  return [...reads].every((project) => projects.has(project)) ? null : 'read_project'
}

const LACKS: Partial<Record<RefusalCode, Lack>> = { unauthenticated: 'credential', forbidden: 'role' }
