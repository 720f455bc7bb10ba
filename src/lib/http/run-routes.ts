import { z } from 'zod'
import type { Manifest } from '../context/manifest.ts'
import { isId } from '../directory/principal.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { NOT_FOUND, refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { listRunCalls } from '../store/call-rows.ts'
import { listRunClaims } from '../store/claim-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { findManifest } from '../store/manifest-rows.ts'
import { findListedRun, findRunContext, listRuns } from '../store/run-rows.ts'
import type { ListedRun, RunPage } from '../store/run-rows.ts'
import { listSteps, readUsages } from '../store/step-rows.ts'
import { readTitles } from '../store/thread-rows.ts'
import { OUTCOME_CHARS, describeCall, describeClaim, describeRun, describeRunScope, describeStep } from './describe-run.ts'
import { nameRun } from './exchange.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented, id } from './operation.ts'
import type { Answer, Operation } from './operation.ts'
import { next, parseAuthor, parseTimePage, timeCursor, timePageQuery } from './page.ts'
import type { TimePage } from './page.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'
import { runDetailSchema, runSchema, runState } from './run-schema.ts'
import type { Run, RunDetail } from './run-schema.ts'

const runsSchema = z.object({ runs: z.array(runSchema), next }).register(documented, { id: 'RunPage' })

export const getRunsOperation = {
  id: 'listRuns',
  summary: 'The runs of the threads that the reader may see, the newest first.',
  query: {
    ...timePageQuery,
    state: z.array(runState).describe('Only runs in one of these states: repeated, or with commas between them.'),
    author: z.literal('me').describe('Only runs that the reader asked for.'),
    thread: id.describe('Only runs of the thread with this id.'),
  },
  answers: { 200: runsSchema },
  refuses: ['malformed'],
} satisfies Operation

/** `GET …/runs`: those of the threads that the reader may see, the newest first. */
export async function getRuns({ context, query, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getRunsOperation>> {
  const parsed = parseRunPage(query, context)
  if (!parsed.ok) return problem(parsed, requestId)
  const projectId = homeOf(context)
  const { rows, runs } = await house.scoped(context.rows, async (sql) => {
    const listed = await listRuns(sql, projectId, parsed.page)
    return { rows: listed, runs: await describeRuns(sql, projectId, listed) }
  })
  const last = rows.length === parsed.page.limit ? rows.at(-1) : undefined
  return json<z.output<typeof runsSchema>>({ runs, next: last ? timeCursor(last.created_at, last.id) : null }, requestId)
}

/** What else a page tells of its runs is asked by key, for all of them at once; and of none, too: how long it takes does not tell why there is none. */
async function describeRuns(sql: ScopedSql, projectId: string, rows: readonly ListedRun[]): Promise<Run[]> {
  const [titles, usages] = await Promise.all([
    readTitles(sql, projectId, [...new Set(rows.map((row) => row.thread_id))]),
    readUsages(sql, projectId, rows.map((row) => row.id)),
  ])
  return rows.map((row) => describeRun(row, { title: titles.get(row.thread_id) ?? null, usage: usages.get(row.id) ?? null }))
}

const BAD_STATE = refuse('malformed', `"state" is one of ${runState.options.join(', ')}, or several with commas between them.`)
const BAD_THREAD = refuse('malformed', '"thread" is the id of a thread.')

function parseRunPage(query: URLSearchParams, context: ChatExecutionContext): { readonly ok: true; readonly page: TimePage & RunPage } | Refusal {
  const parsed = parseTimePage(query)
  if (!parsed.ok) return parsed
  const author = parseAuthor(query, context.rows.userId)
  if (!author.ok) return author
  const states = query.has('state') ? z.array(runState).safeParse([...new Set(query.getAll('state').flatMap((text) => text.split(',')))]) : null
  if (states && !states.success) return BAD_STATE
  const threadId = query.get('thread') ?? undefined
  if (threadId !== undefined && !isId(threadId)) return BAD_THREAD
  return { ok: true, page: { ...parsed.page, authorId: author.authorId, states: states?.data, threadId } }
}

export const getRunOperation = {
  id: 'getRun',
  summary: 'A run and all that it did: its scope, who drove it, its steps and calls, and what the model was told.',
  answers: { 200: runDetailSchema },
} satisfies Operation

/** `GET …/runs/{runId}`: the run and all that it did. Where its read set is not the reader's, no more than that it was. */
export async function getRun(exchange: ScopedExchange, house: House): Promise<Answer<typeof getRunOperation>> {
  const { context, params, requestId } = exchange
  const detail = await house.scoped(context.rows, (sql) => findRunDetail(sql, homeOf(context), params['run'] ?? ''))
  if (!detail) return problem(NOT_FOUND, requestId)
  nameRun(exchange, detail.id)
  return json<RunDetail>(detail, requestId)
}

async function findRunDetail(sql: ScopedSql, projectId: string, runId: string): Promise<RunDetail | null> {
  const row = await findListedRun(sql, projectId, runId)
  const [run] = await describeRuns(sql, projectId, row ? [row] : [])
  if (!run) return null
  const [frozen, claims, steps, calls, manifest] = await Promise.all([
    findRunContext(sql, projectId, runId),
    listRunClaims(sql, projectId, runId),
    listSteps(sql, projectId, runId),
    listRunCalls(sql, { projectId, runId, outcomeChars: OUTCOME_CHARS }),
    findManifest(sql, projectId, runId),
  ])
  return {
    ...run,
    thread: { id: run.thread_id, title: run.thread_title },
    scope: frozen === null ? null : describeRunScope(frozen),
    // The others have walls of their own. This one is open to whoever follows the run, and tells how long it was that is hidden.
    claims: frozen === null ? [] : claims.map(describeClaim),
    steps: steps.map((step) => describeStep(step, calls)),
    calls: calls.map(describeCall),
    manifest: manifest === null ? null : (JSON.parse(manifest) as Manifest),
  }
}
