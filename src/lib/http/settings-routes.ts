import { z } from 'zod'
import { homeOf } from '../scope/chat-execution-context.ts'
import { changeSettings, findSettings } from '../store/settings-rows.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { json } from './respond.ts'

/** Told in every run and never cut, so it must leave room for what a run is about. */
const INSTRUCTIONS_CHARS = 20_000

export const settingsChange = z
  .object({
    ai_enabled: z.boolean().optional(),
    instructions: z
      .string()
      .max(INSTRUCTIONS_CHARS, `instructions have at most ${INSTRUCTIONS_CHARS} characters`)
      .refine((text) => !text.includes('\0'), 'instructions must not hold a NUL character')
      .optional(),
  })
  .refine((body) => body.ai_enabled !== undefined || body.instructions !== undefined, 'nothing to change: send ai_enabled or instructions')

/** `GET …/settings`: what is ruled for this place itself. Not secret: the model is told it, and can be asked. */
export async function getSettings({ context, requestId }: ScopedExchange, house: House): Promise<Response> {
  return json(await house.scoped(context.rows, (sql) => findSettings(sql, homeOf(context))), requestId)
}

/** `PATCH …/settings`: its admins switch chat on or off, and say what the model is told. Holds for the next run. */
export async function patchSettings(exchange: ScopedExchange<z.output<typeof settingsChange>>, house: House): Promise<Response> {
  const { context, body, requestId, log } = exchange
  const settings = await house.scoped(context.rows, (sql) => changeSettings(sql, homeOf(context), body))
  log.info({ subject: context.principal.subject, changed: Object.keys(body) }, 'settings changed')
  return json(settings, requestId)
}
