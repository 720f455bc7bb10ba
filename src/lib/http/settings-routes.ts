import { z } from 'zod'
import { homeOf } from '../scope/chat-execution-context.ts'
import { changeSettings, findSettings } from '../store/settings-rows.ts'
import type { SettingsRow } from '../store/settings-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { documented } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
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
  })
  .refine((body) => body.ai_enabled !== undefined || body.instructions !== undefined, 'nothing to change: send ai_enabled or instructions')
  .meta({ minProperties: 1 }) // of the generators that there are, some make `unknown` of a choice between what is required
  .register(documented, { id: 'SettingsChange' })

const settingsSchema = z.object({ ai_enabled: z.boolean(), instructions: z.string() }).register(documented, { id: 'Settings' })

type Settings = z.output<typeof settingsSchema>

export const getSettingsOperation = {
  id: 'getSettings',
  summary: 'What is ruled for this organisation or project itself.',
  answers: { 200: settingsSchema },
} satisfies Operation

export const patchSettingsOperation = {
  id: 'changeSettings',
  summary: 'Switches chat on or off, and says what the model is told. Holds for the next run.',
  body: settingsChange,
  answers: { 200: settingsSchema },
} satisfies Operation

/** `GET …/settings`: what is ruled for this place itself. Not secret: the model is told it, and can be asked. */
export async function getSettings({ context, requestId }: ScopedExchange, house: House): Promise<Answer<typeof getSettingsOperation>> {
  const row = await house.scoped(context.rows, (sql) => findSettings(sql, homeOf(context)))
  return json<Settings>(settingsOf(row), requestId)
}

/** `PATCH …/settings`: its admins switch chat on or off, and say what the model is told. Holds for the next run. */
export async function patchSettings(exchange: ScopedExchange<BodyOf<typeof patchSettingsOperation>>, house: House): Promise<Answer<typeof patchSettingsOperation>> {
  const { context, body, requestId, log } = exchange
  const row = await house.scoped(context.rows, (sql) => changeSettings(sql, homeOf(context), body))
  log.info({ subject: context.principal.subject, changed: Object.keys(body) }, 'settings changed')
  return json<Settings>(settingsOf(row), requestId)
}

function settingsOf({ ai_enabled, instructions }: SettingsRow): Settings {
  return { ai_enabled, instructions }
}
