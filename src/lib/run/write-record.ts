import type { Manifest } from '../context/manifest.ts'
import type { Frame } from '../journal/journal.ts'
import { claimCalls, closeCalls, insertCalls, settleCall } from '../store/call-rows.ts'
import { insertContent } from '../store/content-rows.ts'
import { insertEvent } from '../store/event-rows.ts'
import { insertFrames } from '../store/frame-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { insertManifest } from '../store/manifest-rows.ts'
import { updateReadSet } from '../store/read-set-rows.ts'
import { advanceRun } from '../store/run-rows.ts'
import type { RunEnd } from '../store/run-rows.ts'
import { insertStep } from '../store/step-rows.ts'
import { FenceLost } from './run-error.ts'
import type { SettledCall, StepRecord } from './step-record.ts'

/** Everything of a run's record that goes into one commit. */
export interface RunRecord {
  readonly run: { readonly projectId: string; readonly threadId: string; readonly id: string; readonly messageId: string; readonly fence: number }
  readonly from: number
  readonly to: number
  readonly frames: readonly Frame[]
  readonly manifest: Manifest | null
  readonly readSet: { readonly number: number; readonly projects: readonly string[] } | null
  readonly step: StepRecord | undefined
  readonly claimed: readonly string[]
  readonly settled: (SettledCall & { readonly outcome: string }) | undefined
  readonly end: RunEnd | undefined
  /** Whether there are calls in the ledger. */
  readonly called: boolean
  /** The whole answer, where the run ends. */
  readonly message: string | undefined
}

/** Throws FenceLost, and writes nothing, where the run has another owner, has ended, or stands elsewhere than its writer believes. */
export async function writeRecord(sql: ScopedSql, record: RunRecord): Promise<void> {
  const { run, from, to, end, step } = record
  if (!(await advanceRun(sql, run, { from, to, end: end ?? null }))) throw new FenceLost()
  const owner = { projectId: run.projectId, runId: run.id, fence: run.fence }
  await Promise.all([
    record.readSet && updateReadSet(sql, { ...owner, ...record.readSet }),
    keepFrames(sql, run, record.frames),
    record.manifest && insertManifest(sql, run.projectId, run.id, JSON.stringify(record.manifest)),
    step && insertStep(sql, { ...owner, number: step.number, finishReason: step.finishReason, usage: JSON.stringify(step.usage ?? {}), spoke: step.spoke }),
    step && step.calls.length > 0 && insertCalls(sql, owner, step.number, step.calls),
    record.claimed.length > 0 && claimCalls(sql, owner, record.claimed),
    record.settled && settleCall(sql, owner, record.settled),
    record.message !== undefined && insertContent(sql, { projectId: run.projectId, threadId: run.threadId, messageId: run.messageId, runId: run.id, parts: record.message }),
    end && record.called && closeCalls(sql, owner),
    end && insertEvent(sql, { projectId: run.projectId, kind: 'run_ended', threadId: run.threadId, runId: run.id }),
  ])
}

/** A row is read as a whole, by every reader for himself: a step may have 50 MB, and nobody shall hold them at once. */
const ROW_CHARS = 128_000

async function keepFrames(sql: ScopedSql, run: RunRecord['run'], frames: readonly Frame[]): Promise<void> {
  let [first] = frames
  let text = ''
  for (const [index, frame] of frames.entries()) {
    text += frame.text
    const next = frames[index + 1]
    if (!first || (next && text.length + next.text.length <= ROW_CHARS)) continue
    await insertFrames(sql, run.projectId, run.id, { first_seq: first.seq, last_seq: frame.seq, text })
    first = next
    text = ''
  }
}
