import type { Metrics, StreamBound, StreamEnd } from '../observe/metrics.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'

/** A stream's place among those that a node holds open. */
export interface StreamPlace {
  readonly ok: true
  /** What comes before the stream: where it refuses or fails, the place is left. */
  unlessRefused<T extends { readonly ok: boolean }>(work: Promise<T>): Promise<T>
  /** Must be called: the place is somebody else's then. Null: it came to no stream. The first word counts. */
  leave(end: StreamEnd | null): void
}

/**
 * The streams that this node holds open. Each holds a socket, a timer and a place in a journal, so nobody may have them all:
 * not one person with many pages, not one organisation, and not all together.
 */
export interface OpenStreams {
  /** A place for this reader, taken before the first byte; or why there is none. */
  take(reader: Reader): StreamPlace | Refusal
}

type Reader = Pick<ChatExecutionContext, 'org' | 'principal' | 'limits'>

const RETRY = { retry_after: 5 }

const FULL: Readonly<Record<StreamBound, Refusal>> = {
  user: refuse('over_limit', 'You have as many streams open here as one person may. Close another page that shows this chat, and try again.', RETRY),
  org: refuse('over_limit', 'Your organisation has as many streams open here as it may. Try again in a moment.', RETRY),
  node: refuse('unavailable', 'The server holds as many streams open as it can. Try again in a moment.', RETRY),
}

export function createOpenStreams(metrics: Metrics): OpenStreams {
  const open = new Map<string, number>()
  const count = (key: string, by: 1 | -1): void => {
    const now = (open.get(key) ?? 0) + by
    if (now === 0) open.delete(key)
    else open.set(key, now)
  }
  return {
    take({ org, principal, limits }) {
      const held = { user: `user ${org.id} ${principal.subject}`, org: `org ${org.id}`, node: 'node' } as const
      const most = { user: limits.userStreams, org: limits.orgStreams, node: limits.nodeStreams } as const
      const full = BOUNDS.find((bound) => (open.get(held[bound]) ?? 0) >= most[bound])
      if (full) {
        metrics.streamRefused(full)
        return FULL[full]
      }
      for (const bound of BOUNDS) count(held[bound], 1)
      metrics.streamBegan()
      let left = false
      const leave = (end: StreamEnd | null): void => {
        if (left) return
        left = true
        for (const bound of BOUNDS) count(held[bound], -1)
        metrics.streamEnded(end)
      }
      return { ok: true, leave, unlessRefused: (work) => unlessRefused(work, leave) }
    },
  }
}

async function unlessRefused<T extends { readonly ok: boolean }>(work: Promise<T>, leave: StreamPlace['leave']): Promise<T> {
  let served = false
  try {
    const answer = await work
    served = answer.ok
    return answer
  } finally {
    if (!served) leave(null)
  }
}

/** The nearest first: who can do something about it is told so. */
const BOUNDS = ['user', 'org', 'node'] as const
