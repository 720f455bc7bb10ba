import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** What one request is answered. */
export type Answer = (response: ServerResponse, request: IncomingMessage, asked: AskedOf) => void

export interface AskedOf {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Readonly<Record<string, unknown>>
}

/** A provider's server, as far as a test needs one. */
export interface Upstream {
  readonly origin: string
  /** The requests, in order. */
  readonly asked: readonly AskedOf[]
  /** Connections that were made to it. */
  readonly connections: () => number
  close(): Promise<void>
}

/** Answers each request as told, and all further ones as the last. */
export async function startUpstream(...answers: readonly Answer[]): Promise<Upstream> {
  const asked: AskedOf[] = []
  let connections = 0
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const one = { path: request.url ?? '', headers: request.headers, body: (body === '' ? {} : JSON.parse(body)) as Record<string, unknown> }
    asked.push(one)
    answers[Math.min(asked.length, answers.length) - 1]?.(response, request, one)
  })
  server.on('connection', () => (connections += 1))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    asked,
    connections: () => connections,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** A status and a JSON body. */
export function status(code: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return (response) => void response.writeHead(code, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Events with their JSON, and a whole end. */
export function events(bodies: readonly object[], last = ''): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const body of bodies) response.write(eventText(body))
    response.end(last)
  }
}

/** Anthropic and the Responses API name their events by the type that the JSON has too. */
export function eventText(body: object): string {
  const name = 'type' in body && typeof body.type === 'string' ? `event: ${body.type}\n` : ''
  return `${name}data: ${JSON.stringify(body)}\n\n`
}
