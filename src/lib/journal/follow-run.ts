import { findDroppedBase } from '../store/claim-rows.ts'
import { readFrames } from '../store/frame-rows.ts'
import type { Handles, RowScope, ScopedSql } from '../store/handles.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun, hasEnded } from '../store/run-rows.ts'
import { isTerminalType } from '../wire/chunk.ts'
import { encodeEvent, splitEvents } from '../wire/encode-event.ts'
import { formatCursor, parseCursor } from './cursor.ts'
import type { Frame, Journal, Position } from './journal.ts'
import type { RunWatch, Standing } from './run-watch.ts'

const ROWS_AT_A_TIME = 20
/** What of a stored run a reader holds at most: an answer may have 50 MB, and two hundred may read it. (A row ends at a quarter of that.) */
const BYTES_AT_A_TIME = 500_000

/** The run to follow, as its home and id. */
export interface FollowedRun {
  readonly projectId: string
  readonly id: string
}

/** From where a reader goes on. */
export interface FollowFrom {
  /** What the reader has; `{ fence: 0, seq: 0 }` for nothing. */
  readonly after: Position
  /** The number of the read set that this reader was just found to see; absent: none, and it is asked. */
  readonly readSet?: number
}

export const FROM_THE_START: Position = { fence: 0, seq: 0 }

/** Whose eyes read, and from where. */
export interface Following {
  readonly reader: RowScope
  readonly run: FollowedRun
  readonly from: FollowFrom
  readonly signal: AbortSignal
}

export interface FollowParts extends Pick<Handles, 'scoped'> {
  readonly journal: Journal
  readonly watch: Pick<RunWatch, 'changed' | 'nudge'>
  /** Whether this node's lease holds. Where it does not, what is held here may have been dropped by whoever took the run. */
  holds(): boolean
  /** Aborted when this process closes: what is here is still read, and nothing is waited for. */
  readonly closing: AbortSignal
}

/**
 * The one read path: connecting is following from 0, reconnecting is following from a cursor. Live frames come from the
 * journal, committed ones (and all of a run that another node drives, where no journal is shared) from the store, under the
 * reader's own walls.
 *
 * A reader who has an attempt that was dropped gets `reset-step` in the place of the `start-step` with which the attempt
 * that was kept begins, and then its frames: never the two mixed. Ends after the terminal frame, or when the signal aborts.
 * Ends early, without a terminal frame, where this process closes, where the place is none that anybody was ever given, and
 * where the reader may not see what the run has read by now: that check is made once per growth of the read set, never per frame.
 */
export async function* followRun({ journal, scoped, watch, holds, closing }: FollowParts, { reader, run, from, signal }: Following): AsyncGenerator<readonly Frame[], void, undefined> {
  /** Whether the journal has more, since it was asked last. */
  let told = false
  const heard = () => {
    told = true
    watch.nudge(run)
  }
  let tail = journal.tail(run.id, heard)
  let at = from.after
  let allowed = from.readSet ?? 0
  /** What the reader has of the next step was dropped. */
  let reset = false
  try {
    while (!signal.aborted) {
      told = false
      const live = holds() ? await tail.next(at, signal) : 'elsewhere'
      if (live !== 'elsewhere' && !holds()) continue // it ended while this process stood still
      let frames = live === 'elsewhere' ? [] : live
      if (live === 'elsewhere') {
        if (closing.aborted) return
        const stored = await readStored(scoped, reader, run, at)
        if (stored === 'ended') return
        frames = stored.frames
        const moved = stored.at.fence !== at.fence // of this place the journal may know more
        at = stored.at
        reset ||= stored.reset
        if (frames.length === 0 && !moved && !told) {
          await watch.changed({ orgId: reader.orgId, projectId: run.projectId, id: run.id }, stored.standing, AbortSignal.any([signal, closing]))
        }
        const next = journal.tail(run.id, heard) // the run may have come to this node in the meantime
        tail.close()
        tail = next
      }
      const [first] = frames
      const last = frames.at(-1)
      if (!first || !last) continue
      if (reset && !beginsAnew(first)) return // nothing was dropped there: nobody was ever given that place
      if (live !== 'elsewhere' && last.readSet > allowed) {
        const readSet = await scoped(reader, (sql) => findReadSet(sql, run.projectId, run.id))
        if (!readSet) return
        allowed = readSet.number
      }
      yield reset ? [resetOf(run.id, first), ...frames.slice(1)] : frames
      reset = false
      at = last
      if (last.terminal) return
    }
  } finally {
    tail.close()
  }
}

interface Stored {
  /** The reader's place, as far as what it has was kept. */
  readonly at: Position
  readonly reset: boolean
  readonly frames: readonly Frame[]
  readonly standing: Standing
}

async function readStored(scoped: Handles['scoped'], reader: RowScope, run: FollowedRun, before: Position): Promise<Stored | 'ended'> {
  for (;;) {
    const stored = await readOnce(scoped, reader, run, before)
    // Each statement sees what is committed by then: of a claim between them it is not known what it dropped. It takes another claim to read in vain again.
    if (stored === 'ended' || stored.frames.every(({ fence }) => fence <= stored.at.fence)) return stored
  }
}

async function readOnce(scoped: Handles['scoped'], reader: RowScope, run: FollowedRun, before: Position): Promise<Stored | 'ended'> {
  return scoped(reader, async (sql) => {
    const row = await findRun(sql, run.projectId, run.id)
    if (!row) return 'ended'
    const key = { projectId: run.projectId, runId: run.id }
    const base = before.seq > 0 && row.fence > before.fence ? await findDroppedBase(sql, key, before) : null
    const at = { fence: row.fence, seq: base ?? before.seq }
    const frames = await readFramesAfter(sql, key, { seq: at.seq, limit: ROWS_AT_A_TIME, bytes: BYTES_AT_A_TIME })
    // What was committed and does not show is behind the wall: the read set has grown beyond this reader.
    if (frames.length === 0 && (hasEnded(row.state) || row.last_seq > at.seq)) return 'ended'
    return {
      at,
      reset: base !== null,
      frames,
      standing: { fence: row.fence, lastSeq: row.last_seq, state: row.state },
    }
  })
}

/** The committed frames after a place: of at most so many rows, and of no further one once there are so many bytes. */
export async function readFramesAfter(
  sql: ScopedSql,
  run: { readonly projectId: string; readonly runId: string },
  after: { readonly seq: number; readonly limit: number; readonly bytes?: number },
): Promise<readonly Frame[]> {
  const rows = await readFrames(sql, { ...run, ...after })
  return rows.flatMap(({ text }) => framesOf(text)).filter(({ seq }) => seq > after.seq)
}

/** The frames in a stored text. Their read set was checked by the policy that showed them. */
function framesOf(text: string): readonly Frame[] {
  return splitEvents(text).map((event) => {
    const cursor = parseCursor(event.id)
    if (!cursor) throw new Error('A stored frame has no cursor as its id.')
    return { fence: cursor.fence, seq: cursor.seq, text: event.text, terminal: isTerminalType(event.type), readSet: 0 }
  })
}

/** Whether this may stand in the place of a dropped attempt: whoever takes a run over begins a step of its own there. */
export function beginsAnew({ text }: Frame): boolean {
  return text.includes('\ndata: {"type":"start-step"')
}

/** A client that has a step's beginning must not get another one: it is told to empty the one that it has. */
function resetOf(runId: string, frame: Frame): Frame {
  return { ...frame, text: encodeEvent(formatCursor({ runId, ...frame }), { type: 'reset-step' }) }
}
