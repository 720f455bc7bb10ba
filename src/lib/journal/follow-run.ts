import { readFrames } from '../store/frame-rows.ts'
import type { Handles, RowScope } from '../store/handles.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun } from '../store/run-rows.ts'
import { isTerminalType } from '../wire/chunk.ts'
import { splitEvents } from '../wire/encode-event.ts'
import { parseCursor } from './cursor.ts'
import type { Frame, Journal } from './journal.ts'

const ROWS_AT_A_TIME = 20
const POLL_MS = 1_000

/** The run to follow, as its home and id. */
export interface FollowedRun {
  readonly projectId: string
  readonly id: string
}

/** From where a reader goes on. */
export interface FollowFrom {
  /** The seq of the last frame that it has; 0 for all. */
  readonly after: number
  /** The number of the read set that this reader was just found to see; absent: none, and it is asked. */
  readonly readSet?: number
}

/** Whose eyes read, and from where. */
export interface Following {
  readonly reader: RowScope
  readonly run: FollowedRun
  readonly from: FollowFrom
  readonly signal: AbortSignal
}

/**
 * The one read path: connecting is following from 0, reconnecting is following from a cursor. Live frames come from the
 * journal, committed ones (and all of a run that another node drives) from the store, under the reader's own walls.
 *
 * Ends after the terminal frame, or when the signal aborts. Ends early, without a terminal frame, where another attempt
 * took over in mid-stream, or where the reader may not see what the run has read by now: that check is made once per
 * growth of the read set, never per frame.
 */
export async function* followRun(
  { journal, scoped }: { readonly journal: Journal } & Pick<Handles, 'scoped'>,
  { reader, run, from, signal }: Following,
): AsyncGenerator<readonly Frame[], void, undefined> {
  let tail = journal.tail(run.id)
  let seq = from.after
  let allowed = from.readSet ?? 0
  /** The attempt whose live frames the reader holds beyond what is committed. */
  let liveFence: number | undefined
  try {
    while (!signal.aborted) {
      const live = await tail.next(seq, signal)
      const frames = live === 'elsewhere' ? await readStored(scoped, reader, run, seq) : live
      if (frames === 'ended') return
      const [first] = frames
      const last = frames.at(-1)
      if (live === 'elsewhere') {
        if (!last) await pause(POLL_MS, signal)
        tail.close()
        tail = journal.tail(run.id) // the run may have come to this node in the meantime
      }
      if (!first || !last) continue
      // Another attempt: what this reader has of the dropped one must not be mixed with it. Stored frames were never dropped.
      if (liveFence !== undefined && first.fence !== liveFence) return
      if (live !== 'elsewhere' && last.readSet > allowed) {
        const readSet = await scoped(reader, (sql) => findReadSet(sql, run.projectId, run.id))
        if (!readSet) return
        allowed = readSet.number
      }
      yield frames
      seq = last.seq
      liveFence = live === 'elsewhere' ? undefined : last.fence
      if (last.terminal) return
    }
  } finally {
    tail.close()
  }
}

async function readStored(
  scoped: Handles['scoped'],
  reader: RowScope,
  run: FollowedRun,
  seq: number,
): Promise<readonly Frame[] | 'ended'> {
  return scoped(reader, async (sql) => {
    const row = await findRun(sql, run.projectId, run.id)
    const rows = await readFrames(sql, { projectId: run.projectId, runId: run.id, seq, limit: ROWS_AT_A_TIME })
    if (rows.length === 0 && row?.state !== 'running') return 'ended'
    return rows.flatMap((stored) => framesOf(stored.text)).filter((frame) => frame.seq > seq)
  })
}

/** The frames in a stored text. Their read set was checked by the policy that showed them. */
function framesOf(text: string): readonly Frame[] {
  return splitEvents(text).map((event) => {
    const cursor = parseCursor(event.id)
    if (!cursor) throw new Error('A stored frame has no cursor as its id.')
    return { fence: cursor.fence, seq: cursor.seq, text: event.text, terminal: isTerminalType(event.type), readSet: 0 }
  })
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done, { once: true })
    if (signal.aborted) done()
  })
}
