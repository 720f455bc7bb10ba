import { setTimeout as delay } from 'node:timers/promises'
import type { Manifest } from '../context/manifest.ts'
import { formatCursor } from '../journal/cursor.ts'
import type { Frame, Journal } from '../journal/journal.ts'
import type { Limits } from '../limits/limits.ts'
import { faultPoint } from '../observe/fault-point.ts'
import type { Handles, RowScope } from '../store/handles.ts'
import { reclaimRun } from '../store/node-rows.ts'
import { findRun } from '../store/run-rows.ts'
import type { RunEnd } from '../store/run-rows.ts'
import { isUnavailable } from '../store/unavailable.ts'
import { isTerminal } from '../wire/chunk.ts'
import type { Chunk, TerminalChunk } from '../wire/chunk.ts'
import { encodeEvent } from '../wire/encode-event.ts'
import { partsOf } from '../wire/message-parts.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import { FenceLost, RunError, RunLeft } from './run-error.ts'
import { createStepDraft } from './step-draft.ts'
import type { SettledCall, StepRecord } from './step-record.ts'
import { writeRecord } from './write-record.ts'

/** A run as its writer holds it: where it writes, under which fence, after which frame. */
export interface OwnedRun {
  readonly id: string
  readonly threadId: string
  readonly messageId: string
  readonly projectId: string
  readonly fence: number
  readonly lastSeq: number
  readonly readSet: number
  readonly reads: readonly string[]
  /** What was committed before this writer took over: the message holds it too. */
  readonly before: readonly Chunk[]
}

/** What goes into one commit beside what was said since the last. */
export interface Batch {
  readonly chunks?: readonly Chunk[]
  readonly reads?: readonly string[]
  readonly step?: StepRecord | undefined
  /** Calls that are about to act. */
  readonly claimed?: readonly string[]
  readonly settled?: SettledCall
  readonly end?: RunEnd
}

/**
 * The one writer of a run's record. Chunks are said live (to the journal at once, to the store with the next commit) or
 * committed first and announced after. Frames are numbered here and nowhere else; commits queue behind each other. A commit
 * waits for a database that is away, for as long as the run is this node's.
 */
export interface Pen {
  /** The projects whose rows this run has read. */
  readonly reads: ReadonlySet<string>
  /** The claim under which it writes. */
  readonly fence: () => number
  /** Live: a delta, or anything else that may be dropped with the running step. */
  say(chunk: Chunk): void
  /** Commits what was said and this batch, then announces its chunks. What enlarges the read set is committed with it. */
  commit(batch: Batch): Promise<void>
  /** Keeps what the model is about to be told with the next commit, and commits at once where that enlarges the read set. */
  tell(manifest: Manifest, reads: readonly string[]): Promise<void>
  /** Drops what was said and not committed, under a claim of its own: its readers are told to forget it. */
  drop(): Promise<void>
  /** Closes what is open of a step, commits its end and answers its parts. */
  finishStep(chunks: readonly Chunk[], step?: StepRecord): Promise<readonly MessagePart[]>
  /** Closes whatever is open, commits the run's end with the whole message, announces the terminal chunk. */
  end(ending: { readonly chunks: readonly Chunk[]; readonly terminal: TerminalChunk; readonly end: RunEnd; readonly step?: StepRecord }): Promise<void>
}

export interface PenParts extends Pick<Handles, 'scoped' | 'sweeper'> {
  readonly journal: Journal
  /** Whether what this node owns is still its own, as far as its own clock can tell. */
  holds(): boolean
}

const NOT_RUN = 'Not finished: the answer ended before the outcome of this call was known.'
const AGAIN_MS = 200
/** As long as a commit waits for a database that is away; and not longer than the lease holds. */
const WAITS_MS = 5_000

export function createPen(run: OwnedRun, { rows, limits }: { readonly rows: RowScope; readonly limits: Limits }, { scoped, sweeper, journal, holds }: PenParts): Pen {
  const reads = new Set(run.reads)
  const parts: MessagePart[] = []
  let draft = createStepDraft()
  let said: Frame[] = []
  let manifest: Manifest | null = null
  let fence = run.fence
  /** Where this claim begins: frames beyond it are its own. */
  let base = run.lastSeq
  let seq = base
  let committed = base
  let called = run.before.some(({ type }) => type === 'tool-input-available')
  let writing = false
  let readSet = run.readSet
  /** Of all frames of the run, under whatever claim. */
  let bytes = 0
  let queue: Promise<unknown> = Promise.resolve()

  const frameOf = (chunk: Chunk, at: number, underReadSet: number): Frame => ({
    fence,
    seq: at,
    text: encodeEvent(formatCursor({ runId: run.id, fence, seq: at }), chunk),
    terminal: isTerminal(chunk),
    readSet: underReadSet,
  })

  /** Tried and not known to be committed: the connection was lost between the commit and its word. */
  let attempt: { readonly lastSeq: number; adopt(): void } | null = null

  /** True: what was tried had been committed. */
  const settleAttempt = async (): Promise<boolean> => {
    if (!attempt) return false
    const { lastSeq, adopt } = attempt
    const row = await scoped(rows, (sql) => findRun(sql, run.projectId, run.id))
    const done = row?.fence === fence && row.last_seq === lastSeq
    if (done) adopt()
    attempt = null
    return done
  }

  const write = async ({ chunks = [], reads: read = [], step, claimed = [], settled, end }: Batch): Promise<void> => {
    const grown = read.some((project) => !reads.has(project))
    const projects = grown ? [...new Set([...reads, ...read])] : []
    const number = grown ? readSet + 1 : readSet
    const frames = chunks.map((chunk, index) => frameOf(chunk, seq + 1 + index, number))
    const lastSeq = seq + frames.length
    if (said.length + frames.length + claimed.length === 0 && !grown && !step && !end) return
    const message = end && JSON.stringify([...parts, ...partsOf([...draft.chunks, ...chunks])])

    const adopt = (): void => {
      for (const chunk of chunks) draft.add(chunk)
      for (const project of projects) reads.add(project)
      said = []
      manifest = null
      seq = lastSeq
      committed = lastSeq
      readSet = number
      bytes += frames.reduce((sum, frame) => sum + frame.text.length, 0)
      journal.append(run.id, frames)
      journal.settle(run.id, seq)
      if (end) journal.end(run.id)
    }

    if (lastSeq > committed) attempt = { lastSeq, adopt }
    called ||= (step?.calls.length ?? 0) > 0
    const settling = settled && { ...settled, outcome: JSON.stringify(chunks[0]) }
    await scoped(rows, (sql) =>
      writeRecord(sql, {
        run: { ...run, fence }, from: committed, to: lastSeq, frames: [...said, ...frames], manifest, step, claimed, settled: settling, end, message, called,
        readSet: grown ? { number, projects } : null,
      }),
    )
    attempt = null
    if (end) faultPoint('end_committed')
    adopt()
  }

  /** Whether it was the connection that failed, and there is time to try again. */
  const waitsFor = async (error: unknown, until: number): Promise<boolean> => {
    if (!isUnavailable(error) || performance.now() > until || !holds()) return false
    await delay(AGAIN_MS)
    return holds()
  }

  const takeTurn = async (before: Promise<unknown>, work: () => Promise<void>): Promise<void> => {
    await before
    if (!holds()) throw new RunLeft('This node’s lease has ended.')
    writing = true
    const until = performance.now() + WAITS_MS
    try {
      for (;;) {
        try {
          return await work()
        } catch (error) {
          if (!(await waitsFor(error, until))) throw error
        }
      }
    } finally {
      writing = false
    }
  }

  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = takeTurn(queue, work)
    queue = turn.catch(() => {}) // the caller of this turn hears of it; the next turn is its own
    return turn
  }

  /** The batch is made in its turn, and once: a try whose word was lost is not written a second time. */
  const commit = (batch: () => Batch): Promise<void> => {
    let made: Batch | undefined
    return inTurn(async () => {
      const done = await settleAttempt()
      if (!(done && made)) await write((made ??= batch()))
    })
  }

  const drop = async (): Promise<void> => {
    const claimed = await sweeper((sql) => reclaimRun(sql, { orgId: rows.orgId, projectId: run.projectId, id: run.id, fence }))
    if (!claimed) throw new FenceLost()
    fence = claimed.fence
    base = seq = committed = claimed.last_seq
    said = []
    draft = createStepDraft()
  }

  const closeStep = (): readonly MessagePart[] => {
    const finished = partsOf(draft.chunks)
    parts.push(...finished)
    draft = createStepDraft()
    return finished
  }

  /** What a later claim begins with stands in the place of a dropped attempt, which began with its own start-step (protocol: reset-step). */
  const opening = (): readonly Chunk[] => (fence > 1 && seq === base && !draft.open() ? [{ type: 'start-step' }] : [])
  const closing = (first: readonly Chunk[]): readonly Chunk[] => [...draft.closing(NOT_RUN), ...(first.length > 0 ? [{ type: 'finish-step' } as const] : [])]

  for (const [index, chunk] of run.before.entries()) {
    bytes += frameOf(chunk, index + 1, 0).text.length
    draft.add(chunk)
    if (chunk.type === 'finish-step') closeStep()
  }

  return {
    reads,
    fence: () => fence,
    say(chunk) {
      if (writing) throw new Error('A chunk was said while a commit was under way: its place in the order is not known.')
      if (!holds()) throw new RunLeft('This node’s lease has ended.')
      const frame = frameOf(chunk, seq + 1, readSet)
      if (bytes + frame.text.length > limits.runBytes || frame.seq > limits.runFrames) throw new RunError('run_limit', 'This answer grew too long and was ended here.')
      bytes += frame.text.length
      seq = frame.seq
      draft.add(chunk)
      said.push(frame)
      journal.append(run.id, [frame])
    },
    commit: (batch) => commit(() => batch),
    tell(told, read) {
      manifest = told
      return commit(() => ({ reads: read }))
    },
    drop: () => inTurn(drop),
    async finishStep(chunks, step) {
      await commit(() => ({ chunks: [...chunks, ...draft.closing(NOT_RUN)], step }))
      faultPoint('step_committed')
      return closeStep()
    },
    async end({ chunks, terminal, end, step }) {
      await commit(() => {
        const first = opening()
        faultPoint('end_built')
        return { chunks: [...first, ...chunks, ...closing(first), terminal], end, step }
      })
    },
  }
}
