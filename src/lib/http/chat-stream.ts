import { NOT_FOUND } from '../scope/refusal.ts'
import { chatBody } from './chat-schema.ts'
import type { Exchange, House } from './exchange.ts'
import type { Answer, Operation } from './operation.ts'
import { parseChatCommand } from './parse-chat-command.ts'
import { problem } from './problem.ts'
import { sse } from './respond.ts'

export const chatOperation = {
  id: 'chat',
  summary: 'Asks: takes a message into a thread, and answers the run as a stream.',
  body: chatBody,
  answers: { 200: 'stream' },
  refuses: ['ai_unavailable', 'conflict'],
} satisfies Operation

/**
 * The controller: eight stations in order, and no branch about tenants, tools or models. Every refusal is settled
 * before the first byte, because after the header there is no status. The response follows the run; it never holds it.
 */
export async function chatStream(exchange: Exchange, house: House): Promise<Answer<typeof chatOperation>> {
  const { request, requestId } = exchange

  const who = await house.authenticate(request, exchange.log)
  if ('ok' in who) return problem(who, requestId)

  const parsed = await parseChatCommand(request, house.limits)
  if (!parsed.ok) return problem(parsed, requestId)

  const target = await exchange.target(who)
  const context = target ? await house.resolve(who, target, 'chat') : NOT_FOUND
  if (!context.ok) return problem(context, requestId)

  const opened = await house.openRun(context, parsed.command, exchange.log)
  if (!opened.ok) return problem(opened, requestId)

  const { run, cursor, readSet } = opened
  const runLog = exchange.log.child({ run_id: run.id })
  runLog.info({}, 'answering')
  return sse((signal) => house.follow(context, run, { after: cursor.seq, readSet }, signal), {
    runId: run.id, requestId, heartbeatMs: context.limits.heartbeatMs, log: runLog,
  })
}
