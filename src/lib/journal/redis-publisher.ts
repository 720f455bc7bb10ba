import { setTimeout as delay } from 'node:timers/promises'
import type { Frame, Journal, Tail } from './journal.ts'
import { encodeEntry, entryId } from './redis-entry.ts'
import { runKey } from './redis-keys.ts'
import type { Link } from './redis-link.ts'
import { APPEND, KEPT_MS, LOOK, runScript } from './redis-scripts.ts'
import { needsOtherConnection } from './redis-troubles.ts'
import type { TellTrouble } from './redis-troubles.ts'

/** What one entry holds at most, so that what was missed in a long pause is not one of many megabytes. */
const ENTRY_CHARS = 256_000
const ENTRY_FRAMES = 1_000
/** Entries are trimmed by such blocks, which are all that is remembered of them. */
const BLOCK_CHARS = 64_000
const LAST_WORDS_MS = 500
const LAST_LOOKS = 3

/** A run that is driven here, as Redis is told of it. The frames themselves are the local journal's. */
interface Own {
  readonly id: string
  readonly key: string
  readonly tail: Tail
  fence: number
  /** Where this claim began. */
  base: number
  last: number
  settled: number
  /** Up to here Redis has it, as far as is known. */
  published: number
  /** The next entry begins the stream anew. */
  anew: boolean
  /** Counts the times that all of this began again: an answer to what was asked before tells nothing. */
  round: number
  readonly blocks: { last: number; chars: number }[]
  /** Entries before this frame are to be trimmed away. */
  floor: number
  busy: boolean
  /** Failed, and is tried again with the next look. */
  failing: boolean
  /** Another node has a later claim: nothing of this one is said any more. */
  late: boolean
  ended: boolean
  terminal: boolean
  /** After its end: how many looks it is still tried. Who does not hear its last words here finds them in the store. */
  looks: number
  /** Ended, and said as far as it could be: nothing more is done for it. */
  left: boolean
  readers: number
}

/**
 * The owner's side: each run's frames, one entry per tick, and one on its way at a time, so that a slow Redis gets larger
 * entries and not more of them. Whatever is lost there is found by the next append, or by a look each second, and said again.
 */
export interface Publisher {
  appended(runId: string, frames: readonly Frame[]): void
  settled(runId: string, seq: number): void
  ended(runId: string): void
  /** A reader of a run that is driven here; null where it is not. */
  tail(runId: string): Tail | null
  /** To be called once a second, and when Redis is there again. */
  look(): void
  /** Lets what is on its way arrive, for a moment. */
  close(): Promise<void>
}

export interface PublisherParts {
  readonly local: Journal
  readonly prefix: string
  /** Of settled frames of a run that stay in Redis for those who come late. */
  readonly keptBytes: number
  readonly link: () => Link
  readonly tell: TellTrouble
}

const NEVER = new AbortController().signal

export function createPublisher({ local, prefix, keptBytes, link, tell }: PublisherParts): Publisher {
  const runs = new Map<string, Own>()
  const dirty = new Set<Own>()
  const onTheWay = new Set<Promise<void>>()
  let closed = false

  const forget = (one: Own): void => {
    if (one.left && one.readers === 0 && runs.get(one.id) === one) runs.delete(one.id)
  }

  /** Once per tick, for all runs. */
  const mark = (one: Own): void => {
    if (dirty.size === 0) setImmediate(flush)
    dirty.add(one)
  }
  const flush = (): void => {
    const batch = [...dirty]
    dirty.clear()
    for (const one of batch) publish(one)
  }

  const publish = (one: Own): void => {
    if (one.busy || !isOpen(one)) return
    one.busy = true
    const done = publishAll({ link: link(), keptBytes }, one)
      .catch((error: unknown) => fail(one, error))
      .finally(() => {
        one.busy = false
        onTheWay.delete(done)
        if (closed || isSaid(one)) leave(one)
      })
    onTheWay.add(done)
  }
  const fail = (one: Own, error: unknown): void => {
    one.failing = true
    tell(error)
    if (needsOtherConnection(error)) link().reset()
  }
  const isSaid = (one: Own): boolean => one.ended && (one.late || one.published >= one.last)
  const leave = (one: Own): void => {
    one.left = true
    one.tail.close()
    forget(one)
  }

  const check = async (one: Own): Promise<void> => {
    const { round, published, settled } = one
    const [fence = 0, seq = 0, first = 0] = ((await runScript(link(), LOOK, one.key, [])) as readonly string[]).map(Number)
    if (one.round !== round || one.ended) return
    if (fence > one.fence) one.late = true
    else if (fence < one.fence || seq < published || first > settled + 1) sayAgain(one)
    if (!one.late && one.published < one.last) mark(one)
  }

  return {
    appended(runId, frames) {
      const [first, last] = [frames[0], frames.at(-1)]
      if (!first || !last) return
      let one = runs.get(runId)
      if (!one || one.ended) runs.set(runId, (one = begin(runId, first)))
      if (first.fence > one.fence) claim(one, first)
      one.last = last.seq
      one.terminal ||= last.terminal
      mark(one)
    },
    settled(runId, seq) {
      const one = runs.get(runId)
      if (one) one.settled = seq
    },
    ended(runId) {
      const one = runs.get(runId)
      if (!one || one.ended) return
      one.ended = true
      // Without its terminal frame the run goes on elsewhere: what was said last here is dropped or said again there.
      if (!one.terminal) one.last = Math.min(one.last, one.settled)
      if (!one.busy) publish(one)
      if (!one.busy && isSaid(one)) leave(one)
    },
    tail(runId) {
      const one = runs.get(runId)
      if (!one || (one.ended && !one.terminal)) return null
      const inner = local.tail(runId)
      one.readers += 1
      return {
        next: (at, signal) => inner.next(at, signal),
        close() {
          inner.close()
          one.readers -= 1
          forget(one)
        },
      }
    },
    look() {
      for (const one of runs.values()) {
        const tried = one.failing
        one.failing = false
        if (one.ended && !one.left && !one.busy && (one.looks -= 1) < 0) leave(one)
        if (one.busy || !isOpen(one)) continue
        if (one.published < one.last) mark(one)
        else if (!tried && one.settled < one.published) check(one).catch((error: unknown) => fail(one, error))
      }
    },
    async close() {
      closed = true
      flush()
      await Promise.race([Promise.all(onTheWay), delay(LAST_WORDS_MS, undefined, { ref: false })])
      for (const one of runs.values()) if (!one.left && !one.busy) leave(one)
      runs.clear()
    },
  }

  function isOpen(one: Own): boolean {
    return !one.left && !one.late && !one.failing && link().ready
  }

  function begin(runId: string, first: Frame): Own {
    const before = first.seq - 1
    return {
      id: runId, key: runKey(prefix, runId), tail: local.tail(runId),
      fence: first.fence, base: before, last: before, settled: before, published: before,
      anew: true, round: 0, blocks: [], floor: 0,
      busy: false, failing: false, late: false, ended: false, terminal: false, looks: LAST_LOOKS, left: false, readers: 0,
    }
  }
}

/** A later claim of this node's own: nothing beyond its base was kept. */
function claim(one: Own, { fence, seq }: Frame): void {
  one.fence = fence
  one.base = one.settled = seq - 1
  one.late = false
  startAgain(one, seq - 1)
}

/** What is not settled is nowhere else. */
function sayAgain(one: Own): void {
  startAgain(one, Math.min(one.published, one.settled))
}

function startAgain(one: Own, published: number): void {
  one.published = published
  one.anew = true
  one.round += 1
  one.blocks.length = 0
  one.floor = 0
}

interface Way {
  readonly link: Link
  readonly keptBytes: number
}

async function publishAll(way: Way, one: Own): Promise<void> {
  while (one.published < one.last && !one.late) await publishNext(way, one)
}

async function publishNext({ link, keptBytes }: Way, one: Own): Promise<void> {
  const { round, fence, anew } = one
  const held = await one.tail.next({ fence, seq: one.published }, NEVER)
  if (one.round !== round) return
  if (held === 'elsewhere') return startAgain(one, one.published < one.settled ? one.settled : one.last)
  const frames = cut(held)
  const [first, last] = [frames[0], frames.at(-1)]
  if (!first || !last) return
  const trimmed = one.floor > 0 ? entryId({ fence, seq: one.floor }) : ''
  const fields = encodeEntry({ fence, base: one.base, settled: one.settled, frames })
  const answer = await runScript(link, APPEND, one.key, [fence, first.seq, last.seq, anew ? 1 : 0, trimmed, KEPT_MS, ...fields])
  if (one.round !== round) return
  if (answer === 'late') one.late = true
  else if (answer === 'gap') sayAgain(one)
  else {
    one.published = last.seq
    one.anew = false
    account(one, frames, keptBytes)
  }
}

function cut(frames: readonly Frame[]): readonly Frame[] {
  let chars = 0
  const end = frames.findIndex(({ text }, index) => index >= ENTRY_FRAMES || (chars += text.length) > ENTRY_CHARS)
  return end < 0 ? frames : frames.slice(0, Math.max(1, end))
}

/** What is kept beyond the bound is given up with the next append, the oldest first, as far as it is settled. */
function account(one: Own, frames: readonly Frame[], keptBytes: number): void {
  const { blocks } = one
  const chars = frames.reduce((sum, { text }) => sum + text.length, 0)
  const [block, last] = [blocks.at(-1), frames.at(-1)?.seq ?? 0]
  if (block && block.chars + chars <= BLOCK_CHARS) Object.assign(block, { last, chars: block.chars + chars })
  else blocks.push({ last, chars })
  for (let kept = blocks.reduce((sum, { chars: size }) => sum + size, 0); kept > keptBytes; ) {
    const oldest = blocks[0]
    if (!oldest || oldest.last > one.settled) return
    blocks.shift()
    kept -= oldest.chars
    one.floor = oldest.last + 1
  }
}
