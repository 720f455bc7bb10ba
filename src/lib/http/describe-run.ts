import { z } from 'zod'
import type { Principal } from '../directory/principal.ts'
import { DEFAULT_LIMITS } from '../limits/limits.ts'
import type { Limits } from '../limits/limits.ts'
import type { ListedCall } from '../store/call-rows.ts'
import type { ListedClaim } from '../store/claim-rows.ts'
import type { ListedRun } from '../store/run-rows.ts'
import type { RunUsage as UsageRow, StepRow } from '../store/step-rows.ts'
import type { Chunk } from '../wire/chunk.ts'
import { nameOf } from './me-routes.ts'
import { runScope } from './run-schema.ts'
import type { Call, Claim, Run, RunScope, RunUsage, Step } from './run-schema.ts'
import { describeLimits, principalSchema } from './scope-routes.ts'

// What is stored of a run, as it is sent. Whoever calls has asked the database, which knows what the reader may see.

/** `title`: null where the reader does not see the thread. `usage`: null where the reader may not see what the run has read. */
export function describeRun(row: ListedRun, { title, usage }: { readonly title: string | null; readonly usage: UsageRow | null }): Run {
  const { id, thread_id, user_message_id, message_id, author_id, state, finish_reason, error_code, created_at, ended_at } = row
  const author_name = nameOf(JSON.parse(row.principal) as Principal)
  return {
    id, thread_id, user_message_id, message_id, author_id, author_name, model: row.model_id, state, finish_reason, error_code, created_at, ended_at,
    thread_title: title, step_count: usage && usage.usages.length, usage: usage && sumUsage(row, usage),
  }
}

/** Unknown is never zero: of what a run that did not complete said last, no provider has told the tokens. */
function sumUsage({ state }: ListedRun, { usages, dropped }: UsageRow): RunUsage {
  const steps = usages.map((text) => JSON.parse(text) as Step['usage'])
  const input = steps.map(({ inputTokens }) => inputTokens?.total)
  const output = steps.map(({ outputTokens }) => outputTokens?.total)
  const unknown = dropped || state === 'stopped' || state === 'failed' || ![...input, ...output].every(isCount)
  return { input_tokens: sumOf(input), output_tokens: sumOf(output), unknown }
}

function isCount(value: unknown): value is number {
  return typeof value === 'number'
}

function sumOf(values: readonly unknown[]): number | null {
  const known = values.filter(isCount)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0)
}

/** What is told of a frozen context. All else of it (instructions, claims, the ids of projects) is left behind here. */
const frozenContext = runScope.extend({
  principal: principalSchema.omit({ name: true }).extend({ claims: z.record(z.string(), z.unknown()).default({}) }),
  limits: z.custom<Partial<Limits>>((value) => typeof value === 'object' && value !== null),
})

/** Null where another version of Ambit froze it, in another shape: what the run did is told all the same. */
export function describeRunScope(context: string): RunScope | null {
  const { data } = frozenContext.safeParse(JSON.parse(context))
  if (!data) return null
  const { subject, kind } = data.principal
  return { ...data, principal: { subject, kind, name: nameOf(data.principal) }, limits: describeLimits({ ...DEFAULT_LIMITS, ...data.limits }) }
}

export function describeClaim({ fence, base, node_id, reason, claimed_at }: ListedClaim): Claim {
  return { fence, node: node_id === '' ? null : node_id, reason, claimed_at, base }
}

/** A step goes on until the last of its calls is settled; nothing is written of it after that. */
export function describeStep({ number, finish_reason, usage, started_at, first_at, answered_at }: StepRow, calls: readonly ListedCall[]): Step {
  const settled = calls.filter(({ step }) => step === number).map(({ settled_at }) => settled_at)
  const ended_at = settled.reduce((last, at) => (last === null || at === null ? null : later(last, at)), answered_at)
  return { number, finish_reason, usage: JSON.parse(usage) as Step['usage'], started_at, first_at, answered_at, ended_at }
}

/** Of two times as the database writes them. */
function later(one: string, other: string): string {
  return one < other ? other : one
}

/** Of an outcome, what is sent: the rest stands in the run's events. */
export const OUTCOME_CHARS = 64_000

export function describeCall({ id, step, place, name, effect, state, input, outcome, cut, claimed_at, settled_at }: ListedCall): Call {
  const told = outcome === null ? NOTHING : cut ? { output: beginningOf(outcome), error: null } : outcomeOf(JSON.parse(outcome) as Chunk)
  return { id, step, place, name, effect, state, input: JSON.parse(input), ...told, cut, claimed_at, settled_at }
}

const NOTHING = { output: null, error: null }

function outcomeOf(chunk: Chunk): Pick<Call, 'output' | 'error'> {
  if (chunk.type === 'tool-output-error') return { output: null, error: chunk.errorText }
  return chunk.type === 'tool-output-available' ? { output: chunk.output, error: null } : NOTHING
}

const OUTPUT = '"output":'

/** The text of an output whose chunk was cut; an error's is never so long. */
function beginningOf(outcome: string): string {
  return outcome.slice(outcome.indexOf(OUTPUT) + OUTPUT.length)
}
