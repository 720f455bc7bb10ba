import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

export interface Upstream {
  readonly baseURL: string
  /** The bodies that were posted, in order, and the credential of each. */
  readonly asked: readonly { readonly authorization: string | undefined; readonly body: Record<string, unknown> }[]
  close(): Promise<void>
}

/** A server of the chat completions protocol that answers each request as told. */
export async function chatCompletions(...answers: ((response: ServerResponse, request: IncomingMessage) => void)[]): Promise<Upstream> {
  const asked: { authorization: string | undefined; body: Record<string, unknown> }[] = []
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await text(request)) as Record<string, unknown>
    asked.push({ authorization: request.headers.authorization, body })
    answers[Math.min(asked.length, answers.length) - 1]?.(response, request)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    baseURL: `http://127.0.0.1:${port}/v1`,
    asked,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** A streamed completion: deltas, a reason, and what it used. */
export function completion(deltas: readonly unknown[], reason: string, usage: unknown) {
  return (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const event = (body: object) => response.write(`data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'x', ...body })}\n\n`)
    for (const delta of deltas) event({ choices: [{ index: 0, delta, finish_reason: null }] })
    event({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })
    event({ choices: [], usage })
    response.end('data: [DONE]\n\n')
  }
}
