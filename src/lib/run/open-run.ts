import type { NewId } from '../directory/new-id.ts'
import type { Cursor } from '../journal/cursor.ts'
import type { Frame } from '../journal/journal.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { listActiveRuns } from '../store/active-run-rows.ts'
import { readContents } from '../store/content-rows.ts'
import type { Handles, ScopedSql } from '../store/handles.ts'
import { findReadSet } from '../store/read-set-rows.ts'
import { findRun } from '../store/run-rows.ts'
import type { RunOwner, RunRow } from '../store/run-rows.ts'
import { insertThread, lockThread } from '../store/thread-rows.ts'
import type { ThreadRow } from '../store/thread-rows.ts'
import type { ChatCommand } from './chat-command.ts'
import { BY_NAME, createModelChoice } from './choose-model.ts'
import type { ModelChoice } from './choose-model.ts'
import { findTrigger } from './find-trigger.ts'
import type { AnotherAnswer, NewTurn } from './find-trigger.ts'
import { FIRST_FENCE, insertTurn } from './insert-turn.ts'
import { lineUp } from './line-up.ts'
import type { InTheWay } from './line-up.ts'
import { oncePerKey } from './once-per-key.ts'
import type { OwnedRun } from './pen.ts'
import { NO_IMAGES, NO_SUCH_FILE, findFiles, hasImages, holdsImages, namesSent } from './spoken-message.ts'
import type { SpokenCommand } from './spoken-message.ts'
import { threadTitle } from './thread-title.ts'

/** Where a run is, for whoever follows or stops it. */
export interface RunRef {
  readonly id: string
  readonly projectId: string
  readonly threadId: string
}

/** A run that answers this command, and the place from which to follow it. */
export interface OpenedRun {
  readonly ok: true
  readonly run: RunRef
  readonly cursor: Cursor
  /** The number of the read set that the opener was found to see. */
  readonly readSet: number
}

/** What `openRun` hands to the node that must now drive the run. */
export interface BegunRun {
  readonly owned: OwnedRun
  readonly userMessageId: string
  readonly modelId: string
  /** Committed with the run's row. */
  readonly start: Frame
}

/** Its `begun` is null where nothing is to be driven here now: it was opened before, waits in line, or is for another node. */
export interface OpenedTurn extends OpenedRun {
  readonly begun: BegunRun | null
}

export interface OpenParts {
  readonly scoped: Handles['scoped']
  readonly newId: NewId
  /** Who drives what is opened; null: whoever claims it. */
  readonly owner: RunOwner | null
  /** Absent: by its name alone, whether or not anybody answers. */
  readonly model?: ModelChoice
}

/**
 * Takes a command into the thread, in one transaction: the user's message, the answer's place, the run. A message that
 * is known already with the same content is a retry and gets the same run, and so does a key; with other content it is an
 * edit and begins a sibling. Refuses with `forbidden` (role, model, images that the model does not take), `conflict` (a run is active, or nothing to answer
 * again), `ai_unavailable` (the model's provider fails, and the run would begin now), `idempotency_mismatch`, or `not_found`
 * (a thread to regenerate, a message to edit or to follow, a file that is not there); `too_large` (its images).
 */
export async function openRun(parts: OpenParts, context: ChatExecutionContext, command: ChatCommand): Promise<OpenedTurn | Refusal | InTheWay> {
  if (!context.may.includes('chat')) return refuse('forbidden', 'This scope was resolved for reading only.')
  const model = parts.model ?? createModelChoice(BY_NAME, context, command.model)
  return parts.scoped(context.rows, (sql) =>
    oncePerKey<OpenedTurn>(sql, context, command.key, {
      first: () => findAndOpen(sql, { ...parts, context, command, model }),
      again: async (runId) => followAgain(sql, context, runId === null ? null : await findRun(sql, homeOf(context), runId)),
      runOf: ({ run }) => run.id,
    }),
  )
}

interface Opening extends OpenParts {
  readonly context: ChatExecutionContext
  readonly command: SpokenCommand
  readonly model: ModelChoice
}

/** Its files are looked up first: before a thread is begun for them. */
async function findAndOpen(sql: ScopedSql, opening: Omit<Opening, 'command'> & { readonly command: ChatCommand }): Promise<OpenedTurn | Refusal | InTheWay> {
  const found = await findFiles(sql, opening.context, opening.command.message)
  return found.ok ? openTurn(sql, { ...opening, command: { ...opening.command, message: found.message } }) : found
}

async function openTurn(sql: ScopedSql, opening: Opening): Promise<OpenedTurn | Refusal | InTheWay> {
  const { context, command, model, newId, owner } = opening
  const taken = await takeThread(sql, opening)
  if (!taken.ok) return taken
  const { thread, fresh } = taken
  const trigger = fresh ?? (await findTrigger(sql, context, thread, command))
  if (trigger.kind === 'unknown') return NOT_FOUND
  if (trigger.kind === 'retry') return followAgain(sql, context, trigger.run)
  if (trigger.kind === 'nothing') return refuse('conflict', 'There is no user message to answer again in this thread.')
  const line = fresh ? [] : await listActiveRuns(sql, homeOf(context), thread.id)
  const admitted = lineUp(trigger, line, { onActive: command.onActive ?? thread.on_active, places: context.limits.queue })
  if (!admitted.ok && !('inTheWay' in admitted)) return admitted
  const chosen = admitted.ok && admitted.state === 'queued' ? model.toWait() : model.toBegin()
  if (!chosen.ok) return chosen
  if (!chosen.images && (await showsImages(sql, opening, { threadId: thread.id, trigger }))) return NO_IMAGES
  if (!admitted.ok) return admitted // last: nothing is stopped for a run that could not begin
  const begun = await insertTurn(sql, { ...admitted, context, threadId: thread.id, modelId: chosen.modelId, newId, owner, about: command.about ?? [] })
  const { id, readSet } = begun.owned
  return { ...opened(context, { id, threadId: thread.id }, readSet), begun: admitted.state === 'running' && owner ? begun : null }
}

/** Whether the question of this turn holds images. */
async function showsImages(sql: ScopedSql, { context }: Opening, { threadId, trigger }: { readonly threadId: string; readonly trigger: NewTurn | AnotherAnswer }): Promise<boolean> {
  if (trigger.kind === 'turn') return hasImages(trigger.message)
  const contents = await readContents(sql, { projectId: homeOf(context), threadId }, [trigger.userMessageId])
  return holdsImages(contents.get(trigger.userMessageId)?.parts ?? '[]')
}

/** A run that was opened before. What it read may no longer be this person's to see: settled here, before the first byte. */
async function followAgain(sql: ScopedSql, context: ChatExecutionContext, run: RunRow | null): Promise<OpenedTurn | Refusal> {
  const visible = run && (await findReadSet(sql, homeOf(context), run.id))
  return run && visible ? { ...opened(context, { id: run.id, threadId: run.thread_id }, visible.number), begun: null } : NOT_FOUND
}

function opened(context: ChatExecutionContext, run: { readonly id: string; readonly threadId: string }, readSet: number): OpenedRun {
  return { ok: true, run: { ...run, projectId: homeOf(context) }, cursor: { runId: run.id, fence: FIRST_FENCE, seq: 0 }, readSet }
}

interface TakenThread {
  readonly ok: true
  readonly thread: ThreadRow
  /** The first turn, where the thread was begun for it: nothing can stand in its way. */
  readonly fresh: NewTurn | null
}

/**
 * The thread, locked; made where the client names none that it can see, and where what is asked can begin: a refusal leaves
 * nothing behind. What speaks of messages that are there demands a thread that is there.
 */
async function takeThread(sql: ScopedSql, { context, command, model, newId }: Opening): Promise<TakenThread | Refusal> {
  const { thread: alias, message, messageId, parentId } = command
  const id = newId('thr')
  const at = { projectId: homeOf(context), userId: context.rows.userId, address: alias ?? id }
  const known = alias === null ? null : await lockThread(sql, at)
  if (known) return message && namesSent(message, known.id) ? NO_SUCH_FILE : { ok: true, thread: known, fresh: null }
  if (!message || parentId !== undefined || (messageId !== null && messageId !== message.clientId)) return NOT_FOUND
  if (namesSent(message, null)) return NO_SUCH_FILE
  const chosen = model.toBegin()
  if (!chosen.ok) return chosen
  if (!chosen.images && hasImages(message)) return NO_IMAGES
  const title = threadTitle(message.text) || threadTitle(message.files[0]?.name ?? '')
  const begun = await insertThread(sql, { projectId: at.projectId, id, userId: at.userId, alias, title })
  if (begun) return { ok: true, thread: begun, fresh: { kind: 'turn', message, clientId: message.clientId, parentId: null, atEnd: true } }
  const raced = await lockThread(sql, at)
  return raced ? { ok: true, thread: raced, fresh: null } : NOT_FOUND
}
