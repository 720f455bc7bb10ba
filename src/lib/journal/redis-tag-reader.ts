import { setTimeout as delay } from 'node:timers/promises'
import { wakeKey } from './redis-keys.ts'
import type { Link } from './redis-link.ts'
import { kindOf, needsOtherConnection } from './redis-troubles.ts'
import type { TellTrouble } from './redis-troubles.ts'

/** As the server gives it: an id, and names and values in turn. */
export type RawEntry = readonly [id: string, fields: readonly string[]]

/** What is read: a stream, and the last of its entries that was seen. */
export interface Followed {
  readonly key: string
  readonly at: string
}

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
  /** One of these keys holds something else than a stream, and none can be read together with it. */
  part(refused: readonly One[]): void
}

/** Shorter than a command may take: a read that is not answered by then never is. */
const BLOCK_MS = 1_000
const ENTRIES_AT_A_TIME = 100
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

  const readOnce = async (): Promise<void> => {
    await own.whenReady()
    if (ending.signal.aborted) return
    const asked = new Map([...followed].map((one) => [one.key, one]))
    const ids = [...asked.values()].map(({ at }) => at)
    const reply = await own.call('xread', 'COUNT', ENTRIES_AT_A_TIME, 'BLOCK', BLOCK_MS, 'STREAMS', waker, ...asked.keys(), woken, ...ids)
    for (const [key, entries] of (reply ?? []) as readonly [string, readonly RawEntry[]][]) {
      if (key === waker) woken = entries.at(-1)?.[0] ?? woken
      const one = asked.get(key)
      if (one && followed.has(one)) parts.take(one, entries)
    }
  }

  const readOn = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      try {
        await readOnce()
      } catch (error) {
        if (ending.signal.aborted) return
        tell(error)
        if (kindOf(error) === 'WRONGTYPE') return parts.part([...followed])
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
