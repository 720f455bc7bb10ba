import { faultPoint } from '../observe/fault-point.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { chatBody } from './chat-schema.ts'
import { nameRun } from './exchange.ts'
import type { Exchange, House } from './exchange.ts'
import { idempotencyHeader } from './idempotency-key.ts'
import type { Answer, Operation } from './operation.ts'
import { parseChatCommand } from './parse-chat-command.ts'
import { problem } from './problem.ts'
import { sse } from './respond.ts'
import type { OpenFrames } from './respond.ts'

export const chatOperation = {
  id: 'chat',
  summary: 'Asks: takes a message into a thread, and answers the run as a stream.',
  headers: idempotencyHeader,
  body: chatBody,
  answers: { 200: 'stream' },
  refuses: ['ai_unavailable', 'conflict', 'idempotency_mismatch', 'over_limit'],
} satisfies Operation

/**
 * The controller: eight stations in order, and no branch about tenants, tools or models. Every refusal is settled
 * before the first byte, because after the header there is no status. The response follows the run; it never holds it.
 */
export async function chatStream(exchange: Exchange, house: House): Promise<Answer<typeof chatOperation>> {
  const { request, requestId } = exchange

  const who = await house.authenticate(request, exchange.log)
  if ('ok' in who) return problem(who, requestId)
  faultPoint('authenticated')

  const parsed = await parseChatCommand(request, house.limits)
  if (!parsed.ok) return problem(parsed, requestId)

  const target = await exchange.target(who)
  const context = target ? await house.resolve(who, target, 'chat') : NOT_FOUND
  if (!context.ok) return problem(context, requestId)

  const place = house.streams.take(context)
  if (!place.ok) return problem(place, requestId)

  const opened = await place.unlessRefused(house.openRun(context, parsed.command, exchange.log))
  if (!opened.ok) return problem(withStream(opened, request), requestId)

  const { run, cursor, readSet } = opened
  nameRun(exchange, run.id)
  exchange.log.info({}, 'answering')
  const follow: OpenFrames = (signal, cut) => {
    faultPoint('answered')
    return house.follow(context, run, { after: cursor, readSet, cut }, signal)
  }
  return sse(follow, run.id, { requestId, limits: context.limits, log: exchange.log, place })
}

/** Where the run in the way is followed: below the path that was asked, however the host has mounted it. */
function withStream(refusal: Refusal, request: Request): Refusal {
  const { facts } = refusal
  if (refusal.code !== 'conflict' || facts?.['thread'] === undefined) return refusal
  return { ...refusal, facts: { ...facts, stream: `${new URL(request.url).pathname}/${facts['thread']}/stream` } }
}
