import { z } from 'zod'
import { MODEL_CHARS, allowsModel } from '../model/model-name.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import { changeSettings, findSettings } from '../store/settings-rows.ts'
import type { SettingsRow } from '../store/settings-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'

/** Told in every run and never cut, so it must leave room for what a run is about. */
const INSTRUCTIONS_CHARS = 20_000

const settingsChange = z
  .object({
    ai_enabled: z.boolean().optional(),
    instructions: z
      .string()
      .max(INSTRUCTIONS_CHARS, `instructions have at most ${INSTRUCTIONS_CHARS} characters`)
      .refine((text) => !text.includes('\0'), 'instructions must not hold a NUL character')
      .optional(),
    model: z.string().min(1).max(MODEL_CHARS).nullable().optional().describe('One of the models of the scope, by name; null: the organisation\'s, or the installation\'s.'),
  })
  .refine((body) => Object.values(body).some((value) => value !== undefined), 'nothing to change: send ai_enabled, instructions or model')
  .meta({ minProperties: 1 }) // of the generators that there are, some make `unknown` of a choice between what is required
  .register(documented, { id: 'SettingsChange' })

const settingsSchema = z
  .object({ ai_enabled: z.boolean(), instructions: z.string(), model: z.string().nullable().describe('Null where none was chosen here.') })
  .register(documented, { id: 'Settings' })

type Settings = z.output<typeof settingsSchema>

export const getSettingsOperation = {
  id: 'getSettings',
  summary: 'What is ruled for this organisation or project itself.',
  answers: { 200: settingsSchema },
} satisfies Operation

export const patchSettingsOperation = {
  id: 'changeSettings',
  summary: 'Switches chat on or off, says what the model is told, and chooses the model. Holds for the next run.',
  body: settingsChange,
  answers: { 200: settingsSchema },
} satisfies Operation

/** `GET …/settings`: what is ruled for this place itself. Not secret: the model is told it, and can be asked. */
export async function getSettings({ context, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getSettingsOperation>> {
  const row = await house.scoped(context.rows, (sql) => findSettings(sql, homeOf(context)))
  return json<Settings>(settingsOf(row), requestId)
}

const NOT_ALLOWED = refuse('malformed', 'This model is not allowed here. Name one that GET …/scope lists, or one that a pattern there allows.', { pointer: '/model' })

/** `PATCH …/settings`: its admins switch chat on or off, say what the model is told, and choose the model. Holds for the next run. */
export async function patchSettings(exchange: ScopedExchange<BodyOf<typeof patchSettingsOperation>>, house: House): Promise<Answer<typeof patchSettingsOperation>> {
  const { context, body, requestId, log } = exchange
  if (typeof body.model === 'string' && !allowsModel(context.models, body.model)) return problem(NOT_ALLOWED, requestId)
  const row = await house.scoped(context.rows, (sql) => changeSettings(sql, homeOf(context), body))
  log.info({ subject: context.principal.subject, changed: Object.keys(body) }, 'settings changed')
  return json<Settings>(settingsOf(row), requestId)
}

function settingsOf({ ai_enabled, instructions, model }: SettingsRow): Settings {
  return { ai_enabled, instructions, model }
}
