import { setTimeout as delay } from 'node:timers/promises'
import { wakeKey } from './redis-keys.ts'
import type { Link } from './redis-link.ts'
import { readWhatIsThere } from './redis-read.ts'
import type { Followed, RawEntry } from './redis-read.ts'
import { needsOtherConnection } from './redis-troubles.ts'
import type { TellTrouble } from './redis-troubles.ts'

/** The one blocking read of a tag: all streams of that tag that this node follows, over a connection of its own. */
export interface TagReader<One extends Followed> {
  readonly size: number
  add(one: One): void
  remove(one: One): void
  close(): void
}

export interface TagReaderParts<One extends Followed> {
  readonly tag: string
  readonly prefix: string
  readonly node: string
  readonly link: () => Link
  readonly open: () => Link
  readonly tell: TellTrouble
  take(one: One, entries: readonly RawEntry[]): void
  /** Its key holds something else than a stream, and none can be read together with it. */
  refuse(one: One): void
}

/** Shorter than a command may take: a read that is not answered by then never is. */
const BLOCK_MS = 1_000
/** A second entry shows that the reader is behind. What it then takes is bounded by bytes, and this by entries only. */
const ENTRIES_AT_A_TIME = 2
const AGAIN_MS = 250
const WAKE_KEPT_MS = 60_000

export function createTagReader<One extends Followed>(parts: TagReaderParts<One>): TagReader<One> {
  const { tag, prefix, node, open, tell } = parts
  const followed = new Set<One>()
  const waker = wakeKey(prefix, tag, node)
  const ending = new AbortController()
  const own = open()
  let woken = '0-0'
  let waking = false
  /** There may be more than a blocking read should bring: after a pause, and where one brought as much as it may. */
  let behind = true

  /** Once per tick. Where it fails, the read ends by itself within a second. */
  const wake = (): void => {
    if (waking) return
    waking = true
    setImmediate(() => {
      waking = false
      const commands = parts.link()
      if (ending.signal.aborted || !commands.ready) return
      void commands.call('xadd', waker, 'MAXLEN', 1, '*', 'w', '').catch(tell)
      void commands.call('pexpire', waker, WAKE_KEPT_MS).catch(tell)
    })
  }

  const take = (one: One, entries: readonly RawEntry[]): void => {
    if (!followed.delete(one)) return
    followed.add(one) // behind those who have waited longer: an answer that is full begins with them
    parts.take(one, entries)
  }

  const catchUp = async (): Promise<void> => {
    const { read, refused, whole } = await readWhatIsThere(own, [...followed])
    for (const [one, entries] of read) take(one, entries)
    for (const one of refused) if (followed.has(one)) parts.refuse(one)
    behind = !whole
  }

  const waitForMore = async (): Promise<void> => {
    const asked = new Map([...followed].map((one) => [one.key, one]))
    const ids = [...asked.values()].map(({ at }) => at)
    const reply = await own.call('xread', 'COUNT', ENTRIES_AT_A_TIME, 'BLOCK', BLOCK_MS, 'STREAMS', waker, ...asked.keys(), woken, ...ids)
    for (const [key, entries] of (reply ?? []) as readonly [string, readonly RawEntry[]][]) {
      if (key === waker) woken = entries.at(-1)?.[0] ?? woken
      const one = asked.get(key)
      if (one) take(one, entries)
      behind ||= entries.length === ENTRIES_AT_A_TIME
    }
  }

  const readOn = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        await own.whenReady()
        if (!ending.signal.aborted) await (behind ? catchUp() : waitForMore())
      } catch (error) {
        if (ending.signal.aborted) return
        behind = true
        tell(error)
        if (needsOtherConnection(error)) own.reset()
        await delay(AGAIN_MS, undefined, { signal: ending.signal }).catch(() => {}) // it is over: the loop sees it
      }
    }
  }

  let begun = false
  return {
    get size() {
      return followed.size
    },
    add(one) {
      followed.add(one)
      if (begun) return wake()
      begun = true
      void readOn()
    },
    remove(one) {
      followed.delete(one)
    },
    close() {
      ending.abort()
      own.close()
    },
  }
}
