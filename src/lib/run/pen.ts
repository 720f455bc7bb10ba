import type { Manifest } from '../context/manifest.ts'
import { formatCursor } from '../journal/cursor.ts'
import type { Frame, Journal } from '../journal/journal.ts'
import type { Limits } from '../limits/limits.ts'
import { faultPoint } from '../observe/fault-point.ts'
import type { Handles, RowScope } from '../store/handles.ts'
import { reclaimRun } from '../store/claim-rows.ts'
import { findRun } from '../store/run-rows.ts'
import type { RunEnd } from '../store/run-rows.ts'
import { isTerminal } from '../wire/chunk.ts'
import type { Chunk, TerminalChunk } from '../wire/chunk.ts'
import { encodeEvent } from '../wire/encode-event.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import { createAnswerDraft } from './answer-draft.ts'
import { createCommitTurns } from './commit-turns.ts'
import { FenceLost, RunError, RunLeft } from './run-error.ts'
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

export function createPen(run: OwnedRun, { rows, limits }: { readonly rows: RowScope; readonly limits: Limits }, { scoped, sweeper, journal, holds }: PenParts): Pen {
  const reads = new Set(run.reads)
  const turns = createCommitTurns(holds)
  const draft = createAnswerDraft(run.before)
  let said: Frame[] = []
  let manifest: Manifest | null = null
  let fence = run.fence
  /** Where this claim begins: frames beyond it are its own. */
  let base = run.lastSeq
  let seq = base
  let committed = base
  let called = run.fence > 1 || run.before.some(({ type }) => type === 'tool-input-available')
  let readSet = run.readSet

  const frameOf = (chunk: Chunk, at: number, underReadSet: number): Frame => ({
    fence,
    seq: at,
    text: encodeEvent(formatCursor({ runId: run.id, fence, seq: at }), chunk),
    terminal: isTerminal(chunk),
    readSet: underReadSet,
  })

  /** Of all frames of the run, under whatever claim. */
  let bytes = run.before.reduce((sum, chunk, index) => sum + frameOf(chunk, index + 1, 0).text.length, 0)

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
    const message = end && draft.messageWith(chunks)

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

  /** The batch is made in its turn, and once: a try whose word was lost is not written a second time. */
  const commit = (batch: () => Batch): Promise<void> => {
    let made: Batch | undefined
    return turns.take(async () => {
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
    draft.dropStep()
  }

  /** What a later claim begins with stands in the place of a dropped attempt, which began with its own start-step (protocol: reset-step). */
  const opening = (): readonly Chunk[] => (fence > 1 && seq === base && !draft.open() ? [{ type: 'start-step' }] : [])
  const closing = (first: readonly Chunk[]): readonly Chunk[] => [...draft.closing(), ...(first.length > 0 ? [{ type: 'finish-step' } as const] : [])]

  return {
    reads,
    fence: () => fence,
    say(chunk) {
      if (turns.underWay()) throw new Error('A chunk was said while a commit was under way: its place in the order is not known.')
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
    drop: () => turns.take(drop),
    async finishStep(chunks, step) {
      await commit(() => ({ chunks: [...chunks, ...draft.closing()], step }))
      faultPoint('step_committed')
      return draft.closeStep()
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
