import type { Manifest } from '../context/manifest.ts'
import { formatCursor } from '../journal/cursor.ts'
import type { Frame, Journal } from '../journal/journal.ts'
import { insertFrames } from '../store/frame-rows.ts'
import type { Handles, RowScope, ScopedSql } from '../store/handles.ts'
import { insertContent } from '../store/content-rows.ts'
import { insertManifest } from '../store/manifest-rows.ts'
import { updateReadSet } from '../store/read-set-rows.ts'
import { advanceRun, findRun } from '../store/run-rows.ts'
import type { RunEnd } from '../store/run-rows.ts'
import { insertStep } from '../store/step-rows.ts'
import { isTerminal } from '../wire/chunk.ts'
import type { Chunk, TerminalChunk } from '../wire/chunk.ts'
import { encodeEvent } from '../wire/encode-event.ts'
import { partsOf } from '../wire/message-parts.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import { FenceLost, RunError } from './run-error.ts'
import { createStepDraft } from './step-draft.ts'

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

/** What is recorded of a finished step beside its frames. */
export interface StepRecord {
  readonly number: number
  readonly finishReason: string
  readonly usage: unknown
}

interface Batch {
  readonly chunks: readonly Chunk[]
  readonly reads?: readonly string[]
  readonly step?: StepRecord | undefined
  readonly end?: RunEnd
}

/**
 * The one writer of a run's record. Chunks are said live (to the journal at once, to the store with the next commit) or
 * committed first and announced after. Frames are numbered here and nowhere else; commits queue behind each other.
 */
export interface Pen {
  /** The projects whose rows this run has read. */
  readonly reads: ReadonlySet<string>
  /** Live: a delta, or anything else that may be dropped with the running step. */
  say(chunk: Chunk): void
  /** Commits what was said and these chunks, then announces them. What enlarges the read set is committed with it. */
  commit(chunks: readonly Chunk[], reads?: readonly string[]): Promise<void>
  /** Keeps what the model is about to be told with the next commit, and commits at once where that enlarges the read set. */
  tell(manifest: Manifest, reads: readonly string[]): Promise<void>
  /** Closes what is open of a step, commits its end and answers its parts. */
  finishStep(chunks: readonly Chunk[], step: StepRecord): Promise<readonly MessagePart[]>
  /** Closes whatever is open, commits the run's end with the whole message, announces the terminal chunk. */
  end(ending: { readonly chunks: readonly Chunk[]; readonly terminal: TerminalChunk; readonly end: RunEnd; readonly step?: StepRecord }): Promise<void>
}

const NOT_RUN = 'Not finished: the answer ended before this call.'

export function createPen(
  run: OwnedRun,
  scope: { readonly rows: RowScope; readonly maxBytes: number },
  { scoped, journal }: { readonly journal: Journal } & Pick<Handles, 'scoped'>,
): Pen {
  const reads = new Set(run.reads)
  const parts: MessagePart[] = []
  let draft = createStepDraft()
  let said: Frame[] = []
  let manifest: Manifest | null = null
  let seq = run.lastSeq
  let committed = run.lastSeq
  let writing = false
  let readSet = run.readSet
  let bytes = 0
  let queue: Promise<unknown> = Promise.resolve()

  const frameOf = (chunk: Chunk, at: number, underReadSet: number): Frame => ({
    fence: run.fence,
    seq: at,
    text: encodeEvent(formatCursor({ runId: run.id, fence: run.fence, seq: at }), chunk),
    terminal: isTerminal(chunk),
    readSet: underReadSet,
  })

  /** Tried and not known to be committed: the connection was lost between the commit and its word. */
  let attempt: { readonly lastSeq: number; adopt(): void } | null = null

  const settleAttempt = async (): Promise<void> => {
    if (!attempt) return
    const row = await scoped(scope.rows, (sql) => findRun(sql, run.projectId, run.id))
    if (row?.fence === run.fence && row.last_seq === attempt.lastSeq) attempt.adopt()
    attempt = null
  }

  const write = async ({ chunks, reads: read = [], step, end }: Batch): Promise<void> => {
    const grown = read.some((project) => !reads.has(project))
    const projects = grown ? [...new Set([...reads, ...read])] : []
    const number = grown ? readSet + 1 : readSet
    const frames = chunks.map((chunk, index) => frameOf(chunk, seq + 1 + index, number))
    const lastSeq = seq + frames.length
    if (said.length + frames.length === 0 && !grown && !step && !end) return
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
    await scoped(scope.rows, async (sql) => {
      const key = { projectId: run.projectId, id: run.id, fence: run.fence }
      if (!(await advanceRun(sql, key, { from: committed, to: lastSeq, end: end ?? null }))) throw new FenceLost()
      await Promise.all([
        grown && updateReadSet(sql, { projectId: run.projectId, runId: run.id, number, projects }),
        keepFrames(sql, run, [...said, ...frames]),
        manifest && insertManifest(sql, run.projectId, run.id, JSON.stringify(manifest)),
        step && keepStep(sql, run, step),
        message !== undefined && insertContent(sql, { ...placeOf(run), messageId: run.messageId, runId: run.id, parts: message }),
      ])
    })
    attempt = null
    adopt()
  }

  const takeTurn = async (before: Promise<unknown>, batch: () => Batch): Promise<void> => {
    await before
    writing = true
    try {
      await settleAttempt()
      await write(batch())
    } finally {
      writing = false
    }
  }

  const inTurn = (batch: () => Batch): Promise<void> => {
    const turn = takeTurn(queue, batch)
    queue = turn.catch(() => {}) // the caller of this turn hears of it; the next turn is its own
    return turn
  }

  const closeStep = (): readonly MessagePart[] => {
    const finished = partsOf(draft.chunks)
    parts.push(...finished)
    draft = createStepDraft()
    return finished
  }

  for (const chunk of run.before) {
    draft.add(chunk)
    if (chunk.type === 'finish-step') closeStep()
  }

  return {
    reads,
    say(chunk) {
      if (writing) throw new Error('A chunk was said while a commit was under way: its place in the order is not known.')
      const frame = frameOf(chunk, seq + 1, readSet)
      if (bytes + frame.text.length > scope.maxBytes) throw new RunError('run_limit', 'This answer grew too long and was ended here.')
      bytes += frame.text.length
      seq = frame.seq
      draft.add(chunk)
      said.push(frame)
      journal.append(run.id, [frame])
    },
    commit: (chunks, read = []) => inTurn(() => ({ chunks, reads: read })),
    tell(told, read) {
      manifest = told
      return inTurn(() => ({ chunks: [], reads: read }))
    },
    async finishStep(chunks, step) {
      await inTurn(() => ({ chunks: [...chunks, ...draft.closing(NOT_RUN)], step }))
      return closeStep()
    },
    end: ({ chunks, terminal, end, step }) =>
      inTurn(() => ({ chunks: [...chunks, ...draft.closing(NOT_RUN), terminal], end, step })),
  }
}

function placeOf(run: OwnedRun): { readonly projectId: string; readonly threadId: string } {
  return { projectId: run.projectId, threadId: run.threadId }
}

async function keepFrames(sql: ScopedSql, run: OwnedRun, frames: readonly Frame[]): Promise<void> {
  const [first] = frames
  const last = frames.at(-1)
  if (!first || !last) return
  await insertFrames(sql, run.projectId, run.id, {
    first_seq: first.seq,
    last_seq: last.seq,
    text: frames.map((frame) => frame.text).join(''),
  })
}

async function keepStep(sql: ScopedSql, run: OwnedRun, step: StepRecord): Promise<void> {
  await insertStep(sql, {
    projectId: run.projectId,
    runId: run.id,
    number: step.number,
    fence: run.fence,
    finishReason: step.finishReason,
    usage: JSON.stringify(step.usage ?? {}),
  })
}
