import type { ChatTarget } from '../directory/directory.ts'
import type { Principal } from '../directory/principal.ts'
import { boundedWait } from '../limits/bounded-wait.ts'
import type { Log } from '../observe/log.ts'
import { narrowContext } from './chat-execution-context.ts'
import type { ChatExecutionContext, Permission } from './chat-execution-context.ts'
import type { Refusal } from './refusal.ts'

/** What became of a scope: less than before, or nothing. */
export type ScopeNews = ChatExecutionContext | Refusal

/**
 * Asks again for every scope that a run or a stream of this node uses, and tells whoever uses it what was taken away. What is
 * used many times is asked once; what nobody uses any more is not asked at all.
 */
export interface ScopeWatch {
  /** Tells `hear` what became narrower than the context, and whether it is refused. Until the answer is called, which must be once. */
  watch(context: ChatExecutionContext, permission: Permission, hear: (news: ScopeNews) => void): () => void
  /** Asks nobody any more, and tells nobody. */
  close(): void
}

export interface ScopeWatchParts {
  /** `known` is an earlier answer: where nothing changed since, it is the answer. */
  resolve(who: Principal, target: ChatTarget, permission: Permission, known: ChatExecutionContext): Promise<ScopeNews>
  readonly everyMs: number
  readonly log: Log
}

const AT_A_TIME = 8

interface User {
  /** What it began with, less what was taken away since. */
  allowed: ChatExecutionContext
  /** The answer with which that was compared last. */
  compared: ScopeNews
  hear(news: ScopeNews): void
}

interface Watched {
  readonly permission: Permission
  readonly users: Set<User>
  known: ChatExecutionContext
  /** Its turn has come, or it is being asked. One that is never answered is never asked twice. */
  due: boolean
  failing: boolean
}

/** A directory that fails or hangs is no news: nobody is cut for it, and what a run does next asks by itself. */
export function createScopeWatch({ resolve, everyMs, log }: ScopeWatchParts): ScopeWatch {
  const all = new Map<string, Watched>()
  const queue: Watched[] = []
  let timer: NodeJS.Timeout | undefined
  let busy = 0
  let closed = false

  const ask = async (one: Watched): Promise<void> => {
    const { principal, target } = one.known
    try {
      const news = await resolve(principal, target, one.permission, one.known)
      one.failing = false
      tell(one, news)
    } catch (error) {
      fail(one, error)
    } finally {
      one.due = false
    }
  }

  /** Whoever hangs is left behind, so that the others have their turn; what it says in the end is heard. */
  const askInTurn = async (one: Watched): Promise<void> => {
    try {
      await boundedWait(ask(one), { ms: everyMs })
    } catch (error) {
      fail(one, error)
    }
    busy -= 1
    askNext()
  }

  /** Once for each time that it begins to fail. */
  const fail = (one: Watched, error: unknown): void => {
    if (!one.failing && one.users.size > 0) {
      log.warn({ org_slug: one.known.org.slug, project_slug: one.known.project?.slug, cause: error }, 'a scope in use could not be asked for again; what uses it goes on')
    }
    one.failing = true
  }

  const askNext = (): void => {
    while (busy < AT_A_TIME) {
      const one = queue.shift()
      if (!one) return
      if (one.users.size === 0) continue
      busy += 1
      void askInTurn(one)
    }
  }

  const round = (): void => {
    for (const one of all.values()) {
      if (one.due) continue
      one.due = true
      queue.push(one)
    }
    askNext()
  }

  return {
    watch(context, permission, hear) {
      const key = JSON.stringify([context.principal, context.target, permission])
      const one = all.get(key) ?? { permission, users: new Set<User>(), known: context, due: false, failing: false }
      const user: User = { allowed: context, compared: context, hear }
      one.users.add(user)
      all.set(key, one)
      if (!closed) timer ??= setInterval(round, everyMs)
      return () => {
        one.users.delete(user)
        if (one.users.size > 0 || all.get(key) !== one) return
        all.delete(key)
        if (all.size > 0) return
        clearInterval(timer)
        timer = undefined
      }
    },
    close() {
      closed = true
      clearInterval(timer)
      for (const { users } of all.values()) users.clear()
      queue.length = 0
    },
  }
}

/** Each user is compared with what it had itself: it may have begun with more than the answer before this one. */
function tell(one: Watched, news: ScopeNews): void {
  if (news.ok) one.known = news
  for (const user of one.users) {
    if (user.compared === news) continue
    user.compared = news
    if (!news.ok) {
      user.hear(news)
      continue
    }
    const allowed = narrowContext(user.allowed, news)
    if (sizeOf(allowed) === sizeOf(user.allowed)) continue
    user.allowed = allowed
    user.hear(allowed)
  }
}

/** A narrowing only takes away. */
function sizeOf({ may, grants, tools, models, rows }: ChatExecutionContext): number {
  return may.length + grants.length + tools.length + models.length + rows.projectIds.length
}
