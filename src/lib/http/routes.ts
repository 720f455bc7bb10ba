import type { z } from 'zod'
import { boundedWait } from '../limits/bounded-wait.ts'
import type { Permission } from '../scope/chat-execution-context.ts'
import type { Refusal } from '../scope/refusal.ts'
import { opens } from '../directory/own-directory.ts'
import { listMemberships } from '../store/directory-rows.ts'
import { resumeStream, stopBody, stopThread } from './chat-routes.ts'
import { chatStream } from './chat-stream.ts'
import type { Exchange, House, ScopedExchange } from './exchange.ts'
import { problem } from './problem.ts'
import { json } from './respond.ts'
import { getRun, getRuns } from './run-routes.ts'
import { getSettings, patchSettings, settingsChange } from './settings-routes.ts'
import { getMessages, getThread, getThreads, patchThread, threadChange } from './thread-routes.ts'

type Method = 'GET' | 'POST' | 'PATCH'

/** What a request must be allowed to do: `chat` is settled by the controller itself, the others before `serve` is called. */
export interface ScopedRoute {
  readonly method: Method
  /** Below either scope's prefix. */
  readonly path: string
  readonly permission: Permission
  /** Read and checked before the scope is resolved: what is malformed is so whatever the target. */
  readonly body?: z.ZodType
  serve(exchange: Exchange | ScopedExchange, house: House): Promise<Response>
}

/** Outside any scope. The house may not open: liveness does not depend on a database. */
export interface OpenRoute {
  readonly method: Method
  readonly path: string
  serve(exchange: Exchange, open: () => Promise<House | Refusal>): Promise<Response>
}

export const SCOPED_ROUTES: readonly ScopedRoute[] = [
  { method: 'POST', path: '/chat', permission: 'chat', serve: chatStream },
  scoped({ method: 'GET', path: '/chat/:thread/stream', permission: 'read', serve: resumeStream }),
  scoped({ method: 'POST', path: '/chat/:thread/stop', permission: 'write', body: stopBody, serve: stopThread }),
  scoped({ method: 'GET', path: '/threads', permission: 'read', serve: getThreads }),
  scoped({ method: 'GET', path: '/threads/:thread', permission: 'read', serve: getThread }),
  scoped({ method: 'PATCH', path: '/threads/:thread', permission: 'write', body: threadChange, serve: patchThread }),
  scoped({ method: 'GET', path: '/threads/:thread/messages', permission: 'read', serve: getMessages }),
  scoped({ method: 'GET', path: '/runs', permission: 'read', serve: getRuns }),
  scoped({ method: 'GET', path: '/runs/:run', permission: 'read', serve: getRun }),
  scoped({ method: 'GET', path: '/settings', permission: 'read', serve: getSettings }),
  scoped({ method: 'PATCH', path: '/settings', permission: 'admin', body: settingsChange, serve: patchSettings }),
]

export const OPEN_ROUTES: readonly OpenRoute[] = [
  { method: 'GET', path: '/v1/me', serve: getMe },
  { method: 'GET', path: '/health/live', serve: async ({ requestId }) => json({ status: 'live' }, requestId) },
  { method: 'GET', path: '/health/ready', serve: getReady },
]

export const SCOPE_PREFIXES = ['/v1/orgs/:org', '/v1/orgs/:org/projects/:project'] as const

/** A route's body is what its own schema makes of it; behind the table nobody knows its type any more. */
function scoped<Body>(
  route: Omit<ScopedRoute, 'permission' | 'body' | 'serve'> & {
    readonly permission: 'read' | 'write' | 'admin'
    readonly body?: z.ZodType<Body>
    serve(exchange: ScopedExchange<Body>, house: House): Promise<Response>
  },
): ScopedRoute {
  return { ...route, serve: (exchange, house) => route.serve(exchange as ScopedExchange<Body>, house) }
}

/** `GET /v1/me`: who this credential is, and where it is a member (in Ambit's own directory). */
async function getMe({ request, requestId, log }: Exchange, open: () => Promise<House | Refusal>): Promise<Response> {
  const house = await open()
  if ('ok' in house) return problem(house, requestId)
  const who = await house.authenticate(request, log)
  if ('ok' in who) return problem(who, requestId)
  const org = who.claims?.['org']
  const memberships = typeof org === 'string' ? await house.lookup((sql) => listMemberships(sql, who.subject, org)) : []
  const opened = memberships.filter((one) => opens(who, { org: one.org, ...(one.project !== null && { project: one.project }) }))
  return json({ subject: who.subject, kind: who.kind, memberships: opened }, requestId)
}

/** Whoever asks for health gives up sooner than a connection on which nobody answers. */
const READY_MS = 5_000

/** `GET /health/ready`: 503 while it opens in vain, closes, or has lost its database. */
async function getReady({ requestId, log }: Exchange, open: () => Promise<House | Refusal>): Promise<Response> {
  let ready = false
  try {
    ready = await boundedWait(isReady(open), { ms: READY_MS })
  } catch (error) {
    log.warn({ cause: error }, 'not ready')
  }
  return json({ status: ready ? 'ready' : 'not_ready' }, requestId, ready ? 200 : 503)
}

async function isReady(open: () => Promise<House | Refusal>): Promise<boolean> {
  const house = await open()
  return !('ok' in house) && (await house.ready())
}
