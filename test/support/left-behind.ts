import { z } from 'zod'
import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import { memoryJournal } from '../../src/index.ts'
import type { ChatExecutionContext, Journal } from '../../src/index.ts'
import { openRun } from '../../src/lib/run/open-run.ts'
import { createPen } from '../../src/lib/run/pen.ts'
import type { OwnedRun, Pen } from '../../src/lib/run/pen.ts'
import type { RunOwner } from '../../src/lib/store/run-rows.ts'
import type { Chunk } from '../../src/lib/wire/chunk.ts'
import { says, scriptedModel } from './scripted-model.ts'
import { freshThread, messageId, must } from './stage.ts'
import type { Stage } from './stage.ts'
import { newId } from './world.ts'

/** A run as a node's own code wrote it before it died, and its pen. */
export interface LeftBehind {
  readonly thread: string
  readonly owned: OwnedRun
  readonly context: ChatExecutionContext
  readonly pen: Pen
  readonly journal: Journal
}

export interface Leaving {
  readonly owner?: RunOwner
  readonly live?: (pen: Pen) => Promise<void>
}

/** What the run may call; whoever takes it over has its own of this name. */
const COUNT = { name: 'count', description: 'Counts.', input: z.object({}), effect: 'read', run: () => 1 } as const

/** A node of which nobody has heard for long. */
export const DEAD: RunOwner = { id: 'dead', epoch: 1 }

export async function contextOf(stage: Stage): Promise<ChatExecutionContext> {
  const { ambit } = stage.start({ model: scriptedModel(says('x')), drive: 'elsewhere', tools: [COUNT] })
  const context = await ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
  if (!context.ok) throw new Error(context.detail)
  await ambit.close()
  return context
}

/** Bob's, in acme's apollo: "Go on." */
export async function leaveBehind(stage: Stage, { owner = DEAD, live = async () => {} }: Leaving = {}): Promise<LeftBehind> {
  const context = await contextOf(stage)
  const thread = freshThread()
  const { scoped, sweeper } = stage.database.handles
  const opened = await openRun({ scoped, newId, owner }, context, {
    thread, trigger: 'submit', message: { clientId: messageId(`${thread}Go on.`), text: 'Go on.' }, messageId: null, model: null,
  })
  if (!opened.ok) throw new Error(opened.detail)
  const { owned, start } = must(opened.begun)
  const journal = memoryJournal()
  journal.append(owned.id, [start])
  const pen = createPen(owned, { rows: context.rows, limits: DEFAULT_LIMITS }, { scoped, sweeper, journal, holds: () => true })
  await live(pen)
  return { thread, owned, context, pen, journal }
}

/** What a model wrote of a call. */
export function callChunk(toolCallId: string, toolName: string): Chunk {
  return { type: 'tool-input-available', toolCallId, toolName, dynamic: true, input: {} }
}

export function textChunks(id: string, delta: string): readonly [Chunk, Chunk, Chunk] {
  return [{ type: 'text-start', id }, { type: 'text-delta', id, delta }, { type: 'text-end', id }]
}

/** The rows of a run, past every wall. */
export async function rowsOf(stage: Stage, table: 'frames' | 'claims' | 'runs' | 'steps' | 'calls', runId: string): Promise<readonly Record<string, unknown>[]> {
  const order = { frames: 'first_seq', claims: 'fence', runs: 'id', steps: 'number', calls: 'place' }[table]
  return stage.database.superuser.transaction('', async (sql) =>
    (await sql.query<Record<string, unknown>>(`select * from ambit.${table} where ${table === 'runs' ? 'id' : 'run_id'} = $1 order by ${order}`, [runId])).rows)
}
