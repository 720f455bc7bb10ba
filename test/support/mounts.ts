import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { serve as serveHono } from '@hono/node-server'
import express from 'express'
import type { Express } from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { toExpress } from '../../src/express.ts'
import { toFastify } from '../../src/fastify.ts'
import { listen } from '../../src/node.ts'

/** Where every mount puts its Ambit. */
export const BASE = '/api/ambit'

interface Fetch {
  fetch(request: Request): Promise<Response>
}

/** A server of somebody's, with an Ambit below BASE and a route of its own: `POST /own` answers the JSON that it was sent. */
export interface Mount {
  readonly name: string
  open(ambit: Fetch): Promise<Mounted>
}

export interface Mounted {
  readonly port: number
  close(): Promise<void>
}

export const mounts: readonly Mount[] = [
  { name: 'listen', open: async (ambit) => opened(await listen(beside(ambit), { host: '127.0.0.1', port: 0 })) },
  { name: 'Express', open: (ambit) => openExpress((app) => app.use(BASE, toExpress(ambit)).use(express.json())) },
  { name: 'Express below express.json()', open: (ambit) => openExpress((app) => app.use(express.json({ limit: '1mb' })).use(BASE, toExpress(ambit))) },
  { name: 'Express below express.text()', open: (ambit) => openExpress((app) => app.use(BASE, express.text({ type: '*/*', limit: '1mb' }), toExpress(ambit)).use(express.json())) },
  { name: 'Express below express.raw()', open: (ambit) => openExpress((app) => app.use(BASE, express.raw({ type: '*/*', limit: '1mb' }), toExpress(ambit)).use(express.json())) },
  { name: 'Fastify', open: openFastify },
  { name: 'Hono on its own server', open: async (ambit) => opened(serveHono({ fetch: honoApp(ambit).fetch, hostname: '127.0.0.1', port: 0 }) as Server) },
  { name: 'Hono on listen', open: async (ambit) => opened(await listen({ fetch: async (request) => honoApp(ambit).fetch(request) }, { host: '127.0.0.1', port: 0 })) },
]

export async function opened(server: Server): Promise<Mounted> {
  if (!server.listening) await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

/** As a host of plain fetch would do it. */
function beside(ambit: Fetch): Fetch {
  return { fetch: async (request) => (new URL(request.url).pathname === '/own' ? Response.json(await request.json()) : ambit.fetch(request)) }
}

export async function openExpress(mount: (app: Express) => unknown): Promise<Mounted> {
  const app = express()
  mount(app)
  app.post('/own', (request, response) => {
    response.json(request.body)
  })
  return opened(createServer(app).listen(0, '127.0.0.1'))
}

async function openFastify(ambit: Fetch): Promise<Mounted> {
  const app = fastify({ forceCloseConnections: true })
  app.addHook('onRequest', async (_request, reply) => void reply.header('x-host', 'said'))
  await app.register(toFastify(ambit), { prefix: BASE })
  app.post('/own', (request, reply) => reply.send(request.body))
  await app.listen({ host: '127.0.0.1', port: 0 })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

function honoApp(ambit: Fetch): Hono {
  const app = new Hono()
  app.all(`${BASE}/*`, (c) => ambit.fetch(c.req.raw))
  app.post('/own', async (c) => c.json(await c.req.json()))
  return app
}

