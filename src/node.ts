import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Ambit } from './lib/create-ambit.ts'

/** An Ambit as a listener for `node:http`. */
export function toNodeListener(ambit: Pick<Ambit, 'fetch'>): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  return getRequestListener((request) => ambit.fetch(request), { overrideGlobalObjects: false })
}

/** Listens, and resolves when connections are taken. Rejects where the port is taken. */
export function listen(ambit: Pick<Ambit, 'fetch'>, { host, port }: { host: string; port: number }): Promise<Server> {
  const listener = toNodeListener(ambit)
  const server = createServer((request, response) => void listener(request, response))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}
