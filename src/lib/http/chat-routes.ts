import { z } from 'zod'
import { stopOnce } from '../run/stop-once.ts'
import { nameRun } from './exchange.ts'
import type { House, ScopedExchange } from './exchange.ts'
import { idempotencyHeader, parseIdempotencyKey } from './idempotency-key.ts'
import { documented, id } from './operation.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'
import { runState } from './run-schema.ts'

/** May be absent as a whole: then whatever runs is meant. */
const stopBody = z.object({ run: id.nullish().describe('Only if this run is the active one.') }).optional().register(documented, { id: 'StopRequest' })

const stopped = z
  .object({
    run: z.string().nullable().describe('Null where nothing ran.'),
    state: z.union([runState, z.literal('idle')]).describe('As it was committed; `running` where that is not confirmed yet.'),
  })
  .register(documented, { id: 'Stopped' })

export const stopThreadOperation = {
  id: 'stopChat',
  summary: 'Stops the active run of a thread: 202 where its end is not confirmed yet.',
  headers: idempotencyHeader,
  body: stopBody,
  answers: { 200: stopped, 202: stopped },
  refuses: ['idempotency_mismatch'],
} satisfies Operation

/** `POST …/chat/{threadId}/stop`: 200 with the state that was committed, 202 where the owner has not confirmed within 2 s. */
export async function stopThread(exchange: ScopedExchange<BodyOf<typeof stopThreadOperation>>, house: House): Promise<Answer<typeof stopThreadOperation>> {
  const { context, params, body, request, requestId } = exchange
  const wanted = { thread: params['thread'] ?? '', runId: body?.run ?? null }
  const keyed = parseIdempotencyKey(request.headers, `POST /chat/${wanted.thread}/stop`, wanted)
  if (!keyed.ok) return problem(keyed, requestId)
  const outcome = await stopOnce(house, context, wanted, keyed.key)
  if (!outcome.ok) return problem(outcome, requestId)
  if (outcome.run !== null) nameRun(exchange, outcome.run)
  exchange.log.info({ state: outcome.state }, 'stop')
  return json<z.output<typeof stopped>, 200 | 202>({ run: outcome.run, state: outcome.state }, requestId, outcome.state === 'running' || outcome.state === 'queued' ? 202 : 200)
}
