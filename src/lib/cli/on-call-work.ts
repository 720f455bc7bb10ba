import { z } from 'zod'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { OperatorSql } from '../store/handles.ts'
import { countLiveNodes, findRunAnywhere, listCallFacts, listClaims, listStepFacts, listUnendedRuns } from '../store/on-call-rows.ts'
import type { CallFacts, ClaimFacts, RunFacts, StepFacts } from '../store/on-call-rows.ts'
import type { OperatorTask } from './operator-task.ts'

/** More than anybody reads; the oldest come first, and they are those that are stuck. */
export const RUNS_SHOWN = 10_000

const ms = z.number()
const time = z.string()

const facts = z.object({
  id: z.string(),
  org_id: z.string(),
  project_id: z.string(),
  org: z.string(),
  project: z.string().nullable(),
  thread_id: z.string(),
  author_id: z.string(),
  model_id: z.string(),
  state: z.enum(['queued', 'running', 'completed', 'stopped', 'failed']),
  finish_reason: z.string().nullable(),
  error_code: z.string().nullable(),
  node_id: z.string(),
  leased: z.boolean(),
  undriven_ms: ms.nullable(),
  age_ms: ms,
  driven_ms: ms,
  claimed_ms: ms,
  takeovers: z.int(),
  stop_asked_ms: ms.nullable(),
  behind: z.string().nullable(),
  startable_ms: ms.nullable(),
  created_at: time,
  started_at: time,
  ended_at: time.nullable(),
}) satisfies z.ZodType<RunFacts>

const claim = z.object({ fence: z.int(), base: z.int(), node_id: z.string(), reason: z.string(), claimed_at: time }) satisfies z.ZodType<ClaimFacts>

/** What the provider did not count is null. */
const tokens = z.number().nullable()
const step = z.object({ number: z.int(), fence: z.int(), finish_reason: z.string(), input_tokens: tokens, output_tokens: tokens, ended_at: time })

const call = z.object({
  id: z.string(),
  step: z.int(),
  name: z.string(),
  effect: z.string(),
  state: z.string(),
  fence: z.int(),
  claimed_at: time.nullable(),
  settled_at: time.nullable(),
}) satisfies z.ZodType<CallFacts>

const unended = z.object({ ok: z.literal(true), nodes: z.int(), runs: z.array(facts).readonly() })
/** The runs that have not ended, and how many nodes live. */
export type Unended = z.infer<typeof unended>
export const UNENDED: OperatorTask<Unended> = { name: 'runs', answer: unended }

const story = z.object({
  ok: z.literal(true),
  nodes: z.int(),
  run: facts,
  claims: z.array(claim).readonly(),
  steps: z.array(step).readonly(),
  calls: z.array(call).readonly(),
})
/** What became of one run, and no word of what was said in it. */
export type Story = z.infer<typeof story>
export const STORY: OperatorTask<Story> = { name: 'why', answer: story }

export const unendedWanted = z.object({ org: z.string().nullable() })
export const storyWanted = z.object({ run: z.string() })

/** `served`: false where this process holds the database, so that no node lives, whatever its lease says. */
export async function lookAtRuns(sql: OperatorSql, { org }: z.infer<typeof unendedWanted>, served: boolean): Promise<Unended> {
  const [runs, nodes] = await Promise.all([listUnendedRuns(sql, { org, limit: RUNS_SHOWN }), countLiveNodes(sql)])
  return { ok: true, nodes: served ? nodes : 0, runs: served ? runs : runs.map(unserved) }
}

export async function tellStory(sql: OperatorSql, { run: id }: z.infer<typeof storyWanted>, served: boolean): Promise<Story | Refusal> {
  const [run, nodes] = await Promise.all([findRunAnywhere(sql, id), countLiveNodes(sql)])
  if (!run) return refuse('not_found', `There is no run "${id}" in this database: take the id from "ambit runs", from run_id in the log, or from the stream.`)
  const [claims, steps, calls] = await Promise.all([listClaims(sql, run), listStepFacts(sql, run), listCallFacts(sql, run)])
  return { ok: true, nodes: served ? nodes : 0, run: served ? run : unserved(run), claims, steps: steps.map(countStep), calls }
}

const counted = z.object({ total: z.number() }).transform(({ total }) => total).nullable().catch(null)
const usage = z.object({ inputTokens: counted, outputTokens: counted })

/** Its numbers: what else a provider put beside them is for nobody here. */
function countStep({ usage: text, ...rest }: StepFacts): Story['steps'][number] {
  const { inputTokens, outputTokens } = usage.parse(JSON.parse(text))
  return { ...rest, input_tokens: inputTokens, output_tokens: outputTokens }
}

/** The lock on an embedded database is the lease: whoever opened it knows that nobody else drives. */
function unserved(run: RunFacts): RunFacts {
  return run.state === 'running' ? { ...run, leased: false, undriven_ms: run.undriven_ms ?? run.claimed_ms } : run
}
