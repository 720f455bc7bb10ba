import { z } from 'zod'
import { documented, id, time } from './operation.ts'

export const runState = z.enum(['queued', 'running', 'completed', 'stopped', 'failed']).register(documented, { id: 'RunState' })

export const runSchema = z
  .object({
    id: z.string(),
    thread_id: z.string(),
    user_message_id: z.string(),
    message_id: z.string(),
    author_id: z.string(),
    model: z.string(),
    state: runState,
    finish_reason: z.string().nullable(),
    error_code: z.string().nullable(),
    created_at: time,
    ended_at: time.nullable(),
  })
  .register(documented, { id: 'Run' })

export type Run = z.output<typeof runSchema>

const usage = z
  .object({
    inputTokens: z.object({ total: z.number().optional(), noCache: z.number().optional(), cacheRead: z.number().optional(), cacheWrite: z.number().optional() }).optional(),
    outputTokens: z.object({ total: z.number().optional(), text: z.number().optional(), reasoning: z.number().optional() }).optional(),
  })
  .describe('As the provider gave it: a number that is absent is unknown, not zero.')

const step = z.object({ number: z.int(), finish_reason: z.string(), usage, ended_at: time }).register(documented, { id: 'Step' })

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

/** Steps and manifest are those of a reader who may see all that the run has read; to others there are none. */
export const runDetailSchema = runSchema
  .extend({ steps: z.array(step), manifest: manifest.nullable() })
  .register(documented, { id: 'RunDetail' })

export type RunDetail = z.output<typeof runDetailSchema>
