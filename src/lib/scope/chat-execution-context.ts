import type { Place, Role, ChatTarget } from '../directory/directory.ts'
import type { Principal } from '../directory/principal.ts'
import { DEFAULT_LIMITS } from '../limits/limits.ts'
import type { Limits } from '../limits/limits.ts'
import type { RowScope } from '../store/handles.ts'

/** What somebody may do in a scope: `read` (a viewer does no more), `write` (stop, rename, share, documents), `chat` (needs a model too), `admin` (settings, projects, members). */
export type Permission = 'read' | 'write' | 'chat' | 'admin'

/** The reserved project: rows of the organisation itself. */
export const ORGANISATION = '*'

declare const resolved: unique symbol

/**
 * The answer of `resolveChatScope()`: who, where, which models, which tools, which limits. Frozen, plain and
 * serialisable, so that a run can store it and go on without the request. Branded, so that no caller can assemble rights
 * by hand: it comes from `resolveChatScope`, from a narrowing of it, or from the store.
 */
export interface ChatExecutionContext {
  readonly [resolved]: true
  /** `true`, so that `ChatExecutionContext | Refusal` is told apart by one field. */
  readonly ok: true
  readonly principal: Principal
  readonly target: ChatTarget
  readonly org: Place
  /** Null in the organisation's scope. */
  readonly project: Place | null
  readonly role: Role
  readonly grants: readonly string[]
  readonly may: readonly Permission[]
  /** The projects of the scope; in an organisation's scope those that the principal may see. */
  readonly places: readonly Place[]
  /** What row-level security is told. */
  readonly rows: RowScope
  /** Names of the models that a run may use, and patterns of names; the first is the default. Whether one answers is another matter. */
  readonly models: readonly string[]
  /** Names of the tools that may be bound. */
  readonly tools: readonly string[]
  readonly instructions: { readonly org: string; readonly project: string }
  readonly limits: Limits
  /** The directory's word on whether grants changed. */
  readonly version: string | null
}

export type ChatExecutionFacts = Omit<ChatExecutionContext, typeof resolved | 'ok'>

export function createContext(facts: ChatExecutionFacts): ChatExecutionContext {
  return deepFreeze({ ok: true, ...facts }) as ChatExecutionContext
}

/** The project that rows of this scope's threads carry. */
export function homeOf(context: Pick<ChatExecutionContext, 'project'>): string {
  return context.project?.id ?? ORGANISATION
}

/**
 * What a request may write in the directory, of this place itself and in its caller's name: an admin all of it, everybody
 * what is his own. Asked for by such a request alone: no run has it.
 */
export function rowsToChange(context: ChatExecutionContext): RowScope {
  const { orgId, userId } = context.rows
  return { orgId, userId, projectIds: [homeOf(context)], ownAffairs: true, ...(context.may.includes('admin') && { administers: true }) }
}

/** A stored context, as it was frozen; a limit that was not known then is the default. */
export function restoreContext(json: string): ChatExecutionContext {
  const stored = JSON.parse(json) as ChatExecutionContext
  return deepFreeze({ ...stored, limits: { ...DEFAULT_LIMITS, ...stored.limits } })
}

/**
 * What a run may still do: frozen and current, whichever is less. Who it is and where it writes stay as they were
 * frozen; nothing that was granted since is added.
 */
export function narrowContext(frozen: ChatExecutionContext, current: ChatExecutionContext): ChatExecutionContext {
  const both = <T>(before: readonly T[], now: readonly T[]): readonly T[] => {
    const still = new Set(now)
    return before.filter((one) => still.has(one))
  }
  const projectIds = both(frozen.rows.projectIds, current.rows.projectIds)
  const kept = new Set(projectIds)
  return createContext({
    ...frozen,
    may: both(frozen.may, current.may),
    grants: both(frozen.grants, current.grants),
    tools: both(frozen.tools, current.tools),
    models: both(frozen.models, current.models), // a choice by a pattern that is gone is still allowed by the pattern
    places: frozen.places.filter((place) => kept.has(place.id)),
    rows: { ...frozen.rows, projectIds },
    version: null, // of two answers it is neither
  })
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const part of Object.values(value)) deepFreeze(part)
  return Object.freeze(value)
}
