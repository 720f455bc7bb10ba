import { EVENTS_SETTLE_MS, findEventBase, listNewEvents } from '../store/event-rows.ts'
import type { EventScope } from '../store/event-rows.ts'
import type { Handles } from '../store/handles.ts'

/** One reader's place in what appears in a scope. */
export interface FeedTail {
  /**
   * Numbers of events that appeared since the last answer, as soon as there are any. Empty when the signal aborts, null when
   * nothing more comes from here. Throws where the reader has fallen too far behind.
   */
  next(signal: AbortSignal): Promise<readonly number[] | null>
  /** Must be called once. */
  leave(): void
}

/**
 * What appears in the scopes that somebody follows: one look per second for all of them, through the handle that sees numbers
 * and nothing else. Each number is told once; whether a reader may see what it stands for is asked by the reader.
 */
export interface ScopeFeed {
  /** Everything that is committed after the answer is told. */
  join(scope: EventScope): Promise<FeedTail>
  /** Something was committed there by this process: looks at once. */
  notify(scope: EventScope): void
  close(): Promise<void>
}

export interface ScopeFeedParts extends Pick<Handles, 'sweeper'> {
  onError(error: unknown): void
}

const LOOK_MS = 1_000
/** Between two looks, however much is going on. */
const PAUSE_MS = 50
const ROWS_A_LOOK = 2_000
const NUMBERS_AT_A_TIME = 200
const MOST_WAITING = 10_000

interface Reader {
  readonly waiting: Set<number>
  wake(): void
}

interface Followed extends EventScope {
  /** Null until it is known what is there already. */
  base: number | null
  /** The numbers beyond the base that were told, and when they were seen. */
  readonly seen: Map<number, number>
  readonly readers: Set<Reader>
  begun: Promise<void>
}

export function createScopeFeed({ sweeper, onError }: ScopeFeedParts): ScopeFeed {
  const followed = new Map<string, Followed>()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> | undefined
  let soon = false
  let lastLook = -PAUSE_MS
  let over = false

  const arm = (ms: number): void => {
    clearTimeout(timer)
    if (!over && followed.size > 0) timer = setTimeout(begin, ms)
  }

  const look = async (): Promise<void> => {
    soon = false
    let more = false
    try {
      more = await lookOnce(sweeper, [...followed.values()])
    } catch (error) {
      onError(error)
    }
    looking = undefined
    lastLook = performance.now()
    arm(more || soon ? PAUSE_MS : LOOK_MS)
  }

  const begin = (): void => {
    looking = look()
  }

  const lookSoon = (): void => {
    soon = true
    if (!looking) arm(Math.max(0, lastLook + PAUSE_MS - performance.now()))
  }

  const findBase = async (one: Followed): Promise<void> => {
    const { base, numbers } = await sweeper((sql) => findEventBase(sql, one))
    const now = performance.now()
    for (const number of numbers) one.seen.set(number, now)
    one.base = base
    lookSoon()
  }

  const follow = (scope: EventScope): Followed => {
    const { orgId, projectId } = scope
    const one: Followed = { orgId, projectId, base: null, seen: new Map(), readers: new Set(), begun: Promise.resolve() }
    one.begun = findBase(one)
    followed.set(keyOf(scope), one)
    return one
  }

  const leave = (one: Followed, reader: Reader): void => {
    one.readers.delete(reader)
    if (one.readers.size > 0 || followed.get(keyOf(one)) !== one) return
    followed.delete(keyOf(one))
    if (followed.size === 0) clearTimeout(timer)
  }

  return {
    async join(scope) {
      const one = followed.get(keyOf(scope)) ?? follow(scope)
      const reader: Reader = { waiting: new Set(), wake: () => {} }
      one.readers.add(reader)
      try {
        await one.begun
      } catch (error) {
        leave(one, reader) // the next one begins anew
        throw error
      }
      return { next: (signal) => nextOf(reader, signal, () => over), leave: () => leave(one, reader) }
    },
    notify(scope) {
      if (followed.has(keyOf(scope))) lookSoon()
    },
    async close() {
      over = true
      clearTimeout(timer)
      for (const { readers } of followed.values()) for (const reader of readers) reader.wake()
      await looking
    },
  }
}

function keyOf({ orgId, projectId }: EventScope): string {
  return `${orgId} ${projectId}`
}

/** Answers whether there is more to see at once. */
async function lookOnce(sweeper: Handles['sweeper'], all: readonly Followed[]): Promise<boolean> {
  const asked = all.flatMap((one) => (one.base === null ? [] : [{ one, orgId: one.orgId, projectId: one.projectId, base: one.base }]))
  if (asked.length === 0) return false
  const began = performance.now()
  const known = asked.flatMap(({ one }) => [...one.seen.keys()])
  const rows = await sweeper((sql) => listNewEvents(sql, asked, known, ROWS_A_LOOK))
  const byKey = Map.groupBy(rows, (row) => keyOf({ orgId: row.org_id, projectId: row.project_id }))
  for (const { one } of asked) tell(one, (byKey.get(keyOf(one)) ?? []).map(({ number }) => number))
  const more = rows.length === ROWS_A_LOOK
  if (!more) for (const { one } of asked) settle(one, began - EVENTS_SETTLE_MS)
  return more
}

function tell(one: Followed, numbers: readonly number[]): void {
  if (numbers.length === 0) return
  const now = performance.now()
  for (const number of numbers) one.seen.set(number, now)
  for (const reader of one.readers) {
    if (reader.waiting.size <= MOST_WAITING) for (const number of numbers) reader.waiting.add(number)
    reader.wake()
  }
}

/** What was seen before this moment has no lower number still to come: a look that began since then would have found it. */
function settle(one: Followed, before: number): void {
  const old = [...one.seen].filter(([, at]) => at <= before).map(([number]) => number)
  if (old.length === 0) return
  const base = Math.max(one.base ?? 0, ...old)
  one.base = base
  for (const number of one.seen.keys()) if (number <= base) one.seen.delete(number)
}

async function nextOf(reader: Reader, signal: AbortSignal, isOver: () => boolean): Promise<readonly number[] | null> {
  while (!signal.aborted) {
    if (reader.waiting.size > MOST_WAITING) throw new Error('A reader of events has fallen too far behind.')
    if (reader.waiting.size > 0) return take(reader.waiting)
    if (isOver()) return null
    await woken(reader, signal)
  }
  return []
}

function take(waiting: Set<number>): readonly number[] {
  const numbers = [...waiting].slice(0, NUMBERS_AT_A_TIME)
  for (const number of numbers) waiting.delete(number)
  return numbers
}

function woken(reader: Reader, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      signal.removeEventListener('abort', done)
      resolve()
    }
    reader.wake = done
    signal.addEventListener('abort', done, { once: true })
  })
}
