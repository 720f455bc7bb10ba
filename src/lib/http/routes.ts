import { listMemberships } from '../store/directory-rows.ts'
import { resumeStream, stopThread } from './chat-routes.ts'
import { chatStream } from './chat-stream.ts'
import type { Exchange, House, ScopedExchange } from './exchange.ts'
import { UNAUTHENTICATED, problem } from './problem.ts'
import { json } from './respond.ts'
import { getRun, getRuns } from './run-routes.ts'
import { getMessages, getThread, getThreads, patchThread } from './thread-routes.ts'

type Method = 'GET' | 'POST' | 'PATCH'

/**
 * One entry of the interface. `permission` is declared, never implied: `chat` is the controller's own, the others are
 * settled before `serve` is called.
 */
export type Route =
  | { readonly method: Method; readonly path: string; readonly permission: 'read' | 'write'; serve(exchange: ScopedExchange, house: House): Promise<Response> }
  | { readonly method: Method; readonly path: string; readonly permission: 'chat' | 'none'; serve(exchange: Exchange, house: House): Promise<Response> }

/** Below either scope's prefix. */
export const SCOPED_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/chat', permission: 'chat', serve: chatStream },
  { method: 'GET', path: '/chat/:thread/stream', permission: 'read', serve: resumeStream },
  { method: 'POST', path: '/chat/:thread/stop', permission: 'write', serve: stopThread },
  { method: 'GET', path: '/threads', permission: 'read', serve: getThreads },
  { method: 'GET', path: '/threads/:thread', permission: 'read', serve: getThread },
  { method: 'PATCH', path: '/threads/:thread', permission: 'write', serve: patchThread },
  { method: 'GET', path: '/threads/:thread/messages', permission: 'read', serve: getMessages },
  { method: 'GET', path: '/runs', permission: 'read', serve: getRuns },
  { method: 'GET', path: '/runs/:run', permission: 'read', serve: getRun },
]

/** Outside any scope. */
export const OPEN_ROUTES: readonly Route[] = [
  { method: 'GET', path: '/v1/me', permission: 'none', serve: getMe },
  { method: 'GET', path: '/health/live', permission: 'none', serve: async ({ requestId }) => json({ status: 'live' }, requestId) },
  { method: 'GET', path: '/health/ready', permission: 'none', serve: getReady },
]

export const SCOPE_PREFIXES = ['/v1/orgs/:org', '/v1/orgs/:org/projects/:project'] as const

/** `GET /v1/me`: who this credential is, and where it is a member (in Ambit's own directory). */
async function getMe({ request, requestId, log }: Exchange, house: House): Promise<Response> {
  const who = await house.authenticate(request, log)
  if (!who) return problem(UNAUTHENTICATED, requestId)
  const org = who.claims?.['org']
  const memberships = typeof org === 'string' ? await house.lookup((sql) => listMemberships(sql, who.subject, org)) : []
  return json({ subject: who.subject, kind: who.kind, memberships }, requestId)
}

async function getReady({ requestId }: Exchange, house: House): Promise<Response> {
  const ready = await house.ready()
  return json({ status: ready ? 'ready' : 'not_ready' }, requestId, ready ? 200 : 503)
}
