import type { Frame } from './journal.ts'
import { encodeEntry, entryId } from './redis-entry.ts'
import type { Link } from './redis-link.ts'
import { account, sayAgain, startAgain } from './redis-own-run.ts'
import type { OwnRun } from './redis-own-run.ts'
import { APPEND, KEPT_MS, LOOK, runScript } from './redis-scripts.ts'

/** What one entry holds at most, or else one frame: who reads takes whole entries, so they bound what one answer weighs. */
const ENTRY_CHARS = 64_000
const ENTRY_FRAMES = 1_000

const NEVER = new AbortController().signal

/** The way to Redis, and what is kept there. */
export interface Way {
  readonly link: Link
  /** Of settled frames of a run that stay in Redis for those who come late. */
  readonly keptBytes: number
}

/** Says all that was not said yet, one entry after another. */
export async function publishAll(way: Way, one: OwnRun): Promise<void> {
  while (one.published < one.last && !one.late) await publishNext(way, one)
}

async function publishNext({ link, keptBytes }: Way, one: OwnRun): Promise<void> {
  const { round, fence, anew } = one
  const held = await one.tail.next({ fence, seq: one.published }, NEVER)
  if (one.round !== round) return
  if (held === 'elsewhere') return startAgain(one, one.published < one.settled ? one.settled : one.last)
  const frames = cut(held)
  const [first, last] = [frames[0], frames.at(-1)]
  if (!first || !last) return
  const trimmed = one.floor > 0 ? entryId({ fence, seq: one.floor }) : ''
  const fields = encodeEntry({ fence, base: one.base, settled: one.settled, frames })
  const answer = await runScript(link, APPEND, [one.key], [fence, first.seq, last.seq, anew ? 1 : 0, one.entries, trimmed, KEPT_MS, ...fields])
  if (one.round !== round) return
  if (answer === 'late') one.late = true
  else if (answer === 'gap') sayAgain(one)
  else {
    one.published = last.seq
    one.entries = Number(answer)
    one.anew = false
    account(one, frames, keptBytes)
  }
}

function cut(frames: readonly Frame[]): readonly Frame[] {
  let chars = 0
  const end = frames.findIndex(({ text }, index) => index >= ENTRY_FRAMES || (chars += text.length) > ENTRY_CHARS)
  return end < 0 ? frames : frames.slice(0, Math.max(1, end))
}

/** Whether its stream is as it was left, for a run that says nothing at the moment: each append looks for itself. */
export async function checkStream(link: Link, one: OwnRun): Promise<void> {
  const { round, published, entries } = one
  const [fence = 0, seq = 0, found = 0] = ((await runScript(link, LOOK, [one.key], [])) as readonly string[]).map(Number)
  if (one.round !== round || one.published !== published || one.ended) return
  if (fence > one.fence) one.late = true
  else if (fence < one.fence || seq !== published || found !== entries) sayAgain(one)
}
