import { homeOf } from '../scope/chat-execution-context.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import { findManifest } from '../store/manifest-rows.ts'
import { findRun, listRuns } from '../store/run-rows.ts'
import type { RunRow } from '../store/run-rows.ts'
import { listSteps } from '../store/step-rows.ts'
import type { StepRow } from '../store/step-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { parseTimePage, timeCursor } from './page.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'

/** `GET …/runs`: those of the threads that the reader may see, the newest first. */
export async function getRuns({ context, query, requestId }: ScopedExchange, house: House): Promise<Response> {
  const parsed = parseTimePage(query)
  if (!parsed.ok) return problem(parsed, requestId)
  const rows = await house.scoped(context.rows, (sql) => listRuns(sql, homeOf(context), parsed.page))
  const last = rows.length === parsed.page.limit ? rows.at(-1) : undefined
  return json({ runs: rows.map(runOf), next: last ? timeCursor(last.created_at, last.id) : null }, requestId)
}

/** `GET …/runs/{runId}`: the run, its steps, and what the model was told. Without steps and manifest where its read set is not the reader's. */
export async function getRun({ context, params, requestId }: ScopedExchange, house: House): Promise<Response> {
  const projectId = homeOf(context)
  const found = await house.scoped(context.rows, async (sql) => {
    const run = await findRun(sql, projectId, params['run'] ?? '')
    return run && { run, steps: await listSteps(sql, projectId, run.id), manifest: await findManifest(sql, projectId, run.id) }
  })
  if (!found) return problem(NOT_FOUND, requestId)
  const manifest = found.manifest === null ? null : (JSON.parse(found.manifest) as unknown)
  return json({ ...runOf(found.run), steps: found.steps.map(stepOf), manifest }, requestId)
}

function runOf(row: RunRow) {
  const { id, thread_id, user_message_id, message_id, author_id, state, finish_reason, error_code, created_at, ended_at } = row
  return { id, thread_id, user_message_id, message_id, author_id, model: row.model_id, state, finish_reason, error_code, created_at, ended_at }
}

function stepOf({ number, finish_reason, usage, ended_at }: StepRow) {
  return { number, finish_reason, usage: JSON.parse(usage) as unknown, ended_at }
}
