import { z } from 'zod'
import type { Manifest } from '../context/manifest.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import { findManifest } from '../store/manifest-rows.ts'
import { findRun, listRuns } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import { listSteps } from '../store/step-rows.ts'
import type { StepRow } from '../store/step-rows.ts'
import { nameRun } from './exchange.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented } from './operation.ts'
import type { Answer, Operation } from './operation.ts'
import { next, parseTimePage, timeCursor, timePageQuery } from './page.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'
import { runDetailSchema, runSchema } from './run-schema.ts'
import type { Run, RunDetail, Step } from './run-schema.ts'

const runsSchema = z.object({ runs: z.array(runSchema), next }).register(documented, { id: 'RunPage' })

export const getRunsOperation = {
  id: 'listRuns',
  summary: 'The runs of the threads that the reader may see, the newest first.',
  query: timePageQuery,
  answers: { 200: runsSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET …/runs`: those of the threads that the reader may see, the newest first. */
export async function getRuns({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getRunsOperation>> {
  const parsed = parseTimePage(query)
  if (!parsed.ok) return problem(parsed, requestId)
  const rows = await house.scoped(context.rows, (sql) => listRuns(sql, homeOf(context), parsed.page))
  const last = rows.length === parsed.page.limit ? rows.at(-1) : undefined
  return json<z.output<typeof runsSchema>>({ runs: rows.map(runOf), next: last ? timeCursor(last.created_at, last.id) : null }, requestId)
}

export const getRunOperation = {
  id: 'getRun',
  summary: 'A run, its steps, and what the model was told.',
  answers: { 200: runDetailSchema },
} satisfies Operation

/** `GET …/runs/{runId}`: the run, its steps, and what the model was told. Without steps and manifest where its read set is not the reader's. */
export async function getRun(exchange: ScopedExchange, house: House): Promise<Answer<typeof getRunOperation>> {
  const { context, params, requestId } = exchange
  const projectId = homeOf(context)
  const found = await house.scoped(context.rows, async (sql) => {
    const run = await findRun(sql, projectId, params['run'] ?? '')
    return run && { run, steps: await listSteps(sql, projectId, run.id), manifest: await findManifest(sql, projectId, run.id) }
  })
  if (!found) return problem(NOT_FOUND, requestId)
  nameRun(exchange, found.run.id)
  const manifest = found.manifest === null ? null : (JSON.parse(found.manifest) as Manifest)
  return json<RunDetail>({ ...runOf(found.run), steps: found.steps.map(stepOf), manifest }, requestId)
}

function runOf(row: RunRow): Run {
  const { id, thread_id, user_message_id, message_id, author_id, state, finish_reason, error_code, created_at, ended_at } = row
  return { id, thread_id, user_message_id, message_id, author_id, model: row.model_id, state, finish_reason, error_code, created_at, ended_at }
}

function stepOf({ number, finish_reason, usage, ended_at }: StepRow): Step {
  return { number, finish_reason, usage: JSON.parse(usage) as Step['usage'], ended_at }
}
