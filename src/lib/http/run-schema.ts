import { z } from 'zod'
import { documented, id, time } from './operation.ts'
import { limitsSchema, permission, principalSchema, role } from './scope-routes.ts'

export const runState = z.enum(['queued', 'running', 'completed', 'stopped', 'failed']).register(documented, { id: 'RunState' })

const runUsage = z
  .object({ input_tokens: z.number().nullable(), output_tokens: z.number().nullable(), unknown: z.boolean() })
  .describe('What its steps have used until now, by what their providers told; null: none did. `unknown`: it may be more, because a provider did not tell, or a model call was dropped or cut.')
  .register(documented, { id: 'RunUsage' })

export type RunUsage = z.output<typeof runUsage>

const threadTitle = z.string().nullable().describe('Null where the thread is no longer the reader\'s to see.')

export const runSchema = z
  .object({
    id: z.string(),
    thread_id: z.string(),
    thread_title: threadTitle,
    user_message_id: z.string(),
    message_id: z.string(),
    author_id: z.string(),
    author_name: z.string().nullable(),
    model: z.string(),
    state: runState,
    finish_reason: z.string().nullable(),
    error_code: z.string().nullable(),
    created_at: time,
    ended_at: time.nullable(),
    step_count: z.int().nullable().describe('Null to a reader who may not see what the run has read.'),
    usage: runUsage.nullable().describe('Null to a reader who may not see what the run has read.'),
  })
  .register(documented, { id: 'Run' })

export type Run = z.output<typeof runSchema>

const usage = z
  .object({
    inputTokens: z.object({ total: z.number().optional(), noCache: z.number().optional(), cacheRead: z.number().optional(), cacheWrite: z.number().optional() }).optional(),
    outputTokens: z.object({ total: z.number().optional(), text: z.number().optional(), reasoning: z.number().optional() }).optional(),
  })
  .describe('As the provider gave it: a number that is absent is unknown, not zero.')

const step = z
  .object({
    number: z.int(),
    finish_reason: z.string(),
    usage,
    started_at: time.nullable().describe('When its model was asked. Null: not known.'),
    first_at: time.nullable().describe('When its model said the first of it. Null: not known.'),
    answered_at: time.describe('When its model had ended.'),
    ended_at: time.nullable().describe('When the last of its calls was settled, or its model had ended; null until then.'),
  })
  .register(documented, { id: 'Step' })

export type Step = z.output<typeof step>

/** `context/manifest.ts` as it is sent. */
const manifestEntry = z
  .object({
    source: z.string(),
    scope: z.enum(['installation', 'organisation', 'project']),
    tokens: z.number(),
    told: z.number(),
    outcome: z.enum(['kept', 'cut', 'dropped']),
    reason: z.enum(['budget', 'limit', 'failed', 'not_found', 'no_source']).nullable(),
    messages: z.object({ told: z.int(), of: z.int() }).optional(),
    about: z.object({ type: z.string(), id }).optional(),
  })
  .register(documented, { id: 'ManifestEntry' })

const manifest = z
  .object({ budget: z.number(), entries: z.array(manifestEntry).readonly() })
  .describe('What the model was told, in estimated tokens.')
  .register(documented, { id: 'Manifest' })

const place = z.object({ slug: z.string(), name: z.string() })

/** As it was frozen when the run was opened. Never instructions, and nothing else that a credential said. */
export const runScope = z
  .object({
    org: place,
    project: place.nullable(),
    principal: principalSchema,
    role,
    may: z.array(permission),
    models: z.array(z.string()).describe('Names, and patterns that end in `*`; the default first.'),
    tools: z.array(z.string()),
    limits: limitsSchema,
  })
  .describe('Who asked, where, and with what: as it was frozen when the run was opened.')
  .register(documented, { id: 'RunScope' })

export type RunScope = z.output<typeof runScope>

const claim = z
  .object({
    fence: z.int(),
    node: z.string().nullable().describe('Null where nobody drove it yet.'),
    reason: z.enum(['opened', 'started', 'takeover', 'retry']),
    claimed_at: time,
    base: z.int().describe('The last event that was kept: what was said after it, and not committed, was dropped.'),
  })
  .register(documented, { id: 'Claim' })

export type Claim = z.output<typeof claim>

const call = z
  .object({
    id: z.string(),
    step: z.int(),
    place: z.int(),
    name: z.string(),
    effect: z.string(),
    state: z.enum(['ready', 'claimed', 'done', 'failed', 'unknown']),
    input: z.unknown().describe('The arguments, as JSON.'),
    output: z.unknown().describe('What the tool answered, as JSON; where `cut` is true, the beginning of its text. Null: nothing.'),
    error: z.string().nullable().describe('What model and reader were told in its place.'),
    cut: z.boolean(),
    claimed_at: time.nullable(),
    settled_at: time.nullable(),
  })
  .register(documented, { id: 'Call' })

export type Call = z.output<typeof call>

/** A run, and behind its read set what it did: to a reader who may not see all that it has read, there is none of that. */
export const runDetailSchema = runSchema
  .extend({
    thread: z.object({ id: z.string(), title: threadTitle }),
    scope: runScope.nullable(),
    claims: z.array(claim).describe('Who drove it; the first is its opening.'),
    steps: z.array(step),
    calls: z.array(call).describe('Its calls that a tool could take, in order.'),
    manifest: manifest.nullable(),
  })
  .register(documented, { id: 'RunDetail' })

export type RunDetail = z.output<typeof runDetailSchema>
