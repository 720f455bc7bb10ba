import type { Permission } from '../scope/chat-execution-context.ts'
import { stopThread, stopThreadOperation } from './chat-routes.ts'
import { chatOperation, chatStream } from './chat-stream.ts'
import { deleteThread, deleteThreadOperation } from './delete-thread.ts'
import { getDocuments, getDocumentsOperation, readDocument, readDocumentOperation } from './document-routes.ts'
import { deleteDocumentOperation, patchDocument, patchDocumentOperation, postDocument, postDocumentOperation, removeDocument } from './document-writes.ts'
import { getFile, getFileOperation, postFile, postFileOperation } from './file-routes.ts'
import { followScope, followScopeOperation } from './event-routes.ts'
import type { Exchange, House, ScopedExchange } from './exchange.ts'
import { getDocument, getDocumentOperation, getLive, getLiveOperation, getMetrics, getMetricsOperation, getReady, getReadyOperation } from './open-routes.ts'
import type { Door } from './open-routes.ts'
import { getMe, getMeOperation } from './me-routes.ts'
import { getMessages, getMessagesOperation } from './message-routes.ts'
import type { Answer, BodyOf, Operation } from './operation.ts'
import { deleteKey, deleteKeyOperation, getKeys, getKeysOperation, postKey, postKeyOperation } from './key-routes.ts'
import { deleteMember, deleteMemberOperation, getMembers, getMembersOperation, putMember, putMemberOperation } from './member-routes.ts'
import { deleteProject, deleteProjectOperation, getProjects, getProjectsOperation, patchProject, patchProjectOperation, postProject, postProjectOperation } from './project-routes.ts'
import { getRun, getRunOperation, getRuns, getRunsOperation } from './run-routes.ts'
import { followRunEvents, followRunOperation, resumeStream, resumeStreamOperation } from './stream-routes.ts'
import { getScope, getScopeOperation } from './scope-routes.ts'
import { getSettings, getSettingsOperation, patchSettings, patchSettingsOperation } from './settings-routes.ts'
import { deleteSignIn, postSignIn, signInOperation, signOutOperation } from './sign-in-routes.ts'
import { getThread, getThreadOperation, getThreads, getThreadsOperation, patchThread, patchThreadOperation } from './thread-routes.ts'

interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  /** What it takes and answers, for the compiler, the document and whoever parses its body. */
  readonly operation: Operation
}

/** What a request must be allowed to do: `chat` is settled by the controller itself, the others before `serve` is called. Its path is below either scope's prefix. */
export interface ScopedRoute extends Route {
  readonly permission: Permission
  /** At one kind of address alone; absent, at both. */
  readonly only?: 'organisation' | 'project'
  /** Of Ambit's own directory: under a host's, nothing is there. */
  readonly directory?: true
  serve(exchange: Exchange | ScopedExchange, house: House): Promise<Response>
}

/** Outside any scope. */
export interface OpenRoute extends Route {
  serve(exchange: Exchange, door: Door): Promise<Response>
}

export const SCOPED_ROUTES: readonly ScopedRoute[] = [
  unscoped({ method: 'POST', path: '/chat', permission: 'chat', operation: chatOperation, serve: chatStream }),
  scoped({ method: 'GET', path: '/chat/:thread/stream', permission: 'read', operation: resumeStreamOperation, serve: resumeStream }),
  scoped({ method: 'POST', path: '/chat/:thread/stop', permission: 'write', operation: stopThreadOperation, serve: stopThread }),
  scoped({ method: 'GET', path: '/threads', permission: 'read', operation: getThreadsOperation, serve: getThreads }),
  scoped({ method: 'GET', path: '/threads/:thread', permission: 'read', operation: getThreadOperation, serve: getThread }),
  scoped({ method: 'PATCH', path: '/threads/:thread', permission: 'write', operation: patchThreadOperation, serve: patchThread }),
  scoped({ method: 'DELETE', path: '/threads/:thread', permission: 'write', operation: deleteThreadOperation, serve: deleteThread }),
  scoped({ method: 'GET', path: '/threads/:thread/messages', permission: 'read', operation: getMessagesOperation, serve: getMessages }),
  scoped({ method: 'POST', path: '/files', permission: 'write', operation: postFileOperation, serve: postFile }),
  scoped({ method: 'GET', path: '/files/:file', permission: 'read', operation: getFileOperation, serve: getFile }),
  scoped({ method: 'GET', path: '/runs', permission: 'read', operation: getRunsOperation, serve: getRuns }),
  scoped({ method: 'GET', path: '/runs/:run', permission: 'read', operation: getRunOperation, serve: getRun }),
  scoped({ method: 'GET', path: '/events', permission: 'read', operation: followScopeOperation, serve: followScope }),
  scoped({ method: 'GET', path: '/runs/:run/events', permission: 'read', operation: followRunOperation, serve: followRunEvents }),
  scoped({ method: 'GET', path: '/documents', permission: 'read', operation: getDocumentsOperation, serve: getDocuments }),
  scoped({ method: 'POST', path: '/documents', permission: 'write', operation: postDocumentOperation, serve: postDocument }),
  scoped({ method: 'GET', path: '/documents/:document', permission: 'read', operation: readDocumentOperation, serve: readDocument }),
  scoped({ method: 'PATCH', path: '/documents/:document', permission: 'write', operation: patchDocumentOperation, serve: patchDocument }),
  scoped({ method: 'DELETE', path: '/documents/:document', permission: 'write', operation: deleteDocumentOperation, serve: removeDocument }),
  scoped({ method: 'GET', path: '/scope', permission: 'read', operation: getScopeOperation, serve: getScope }),
  scoped({ method: 'GET', path: '/settings', permission: 'read', operation: getSettingsOperation, serve: getSettings }),
  scoped({ method: 'PATCH', path: '/settings', permission: 'admin', operation: patchSettingsOperation, serve: patchSettings }),
  scoped({ method: 'GET', path: '/projects', only: 'organisation', directory: true, permission: 'read', operation: getProjectsOperation, serve: getProjects }),
  scoped({ method: 'POST', path: '/projects', only: 'organisation', directory: true, permission: 'admin', operation: postProjectOperation, serve: postProject }),
  scoped({ method: 'PATCH', path: '', only: 'project', directory: true, permission: 'admin', operation: patchProjectOperation, serve: patchProject }),
  scoped({ method: 'DELETE', path: '', only: 'project', directory: true, permission: 'admin', operation: deleteProjectOperation, serve: deleteProject }),
  scoped({ method: 'GET', path: '/members', directory: true, permission: 'read', operation: getMembersOperation, serve: getMembers }),
  scoped({ method: 'PUT', path: '/members/:person', directory: true, permission: 'admin', operation: putMemberOperation, serve: putMember }),
  scoped({ method: 'DELETE', path: '/members/:person', directory: true, permission: 'read', operation: deleteMemberOperation, serve: deleteMember }),
  scoped({ method: 'GET', path: '/keys', directory: true, permission: 'read', operation: getKeysOperation, serve: getKeys }),
  scoped({ method: 'POST', path: '/keys', directory: true, permission: 'read', operation: postKeyOperation, serve: postKey }),
  scoped({ method: 'DELETE', path: '/keys/:key', directory: true, permission: 'read', operation: deleteKeyOperation, serve: deleteKey }),
]

export const OPEN_ROUTES: readonly OpenRoute[] = [
  open({ method: 'GET', path: '/v1/me', operation: getMeOperation, serve: getMe }),
  open({ method: 'POST', path: '/v1/sign-in', operation: signInOperation, serve: postSignIn }),
  open({ method: 'DELETE', path: '/v1/sign-in', operation: signOutOperation, serve: deleteSignIn }),
  open({ method: 'GET', path: '/health/live', operation: getLiveOperation, serve: getLive }),
  open({ method: 'GET', path: '/health/ready', operation: getReadyOperation, serve: getReady }),
  open({ method: 'GET', path: '/metrics', operation: getMetricsOperation, serve: getMetrics }),
  open({ method: 'GET', path: '/openapi.json', operation: getDocumentOperation, serve: getDocument }),
]

export const SCOPE_PREFIXES = ['/v1/orgs/:org', '/v1/orgs/:org/projects/:project'] as const

/** Before which of these prefixes a route stands. Where the host names the place (no prefix), a place itself has no path. */
export function prefixesOf({ only, path }: Pick<ScopedRoute, 'only' | 'path'>, prefixes: readonly string[]): readonly string[] {
  return prefixes.filter((prefix) => (prefix === '' ? path !== '' : only === undefined || (only === 'project') === prefix.endsWith(':project')))
}

/** A row of the table, whose function answers what its operation declares, and nothing else. */
type Row<Of extends Operation, Taken, From> = Omit<Route, 'operation'> & {
  readonly operation: Of
  readonly serve: (exchange: Taken, from: From) => Promise<Answer<Of>>
}

/** A route's body is what its own schema makes of it; behind the table nobody knows its type any more. */
function scoped<Of extends Operation>(
  route: Row<Of, ScopedExchange<BodyOf<Of>>, House> & Pick<ScopedRoute, 'only' | 'directory'> & { readonly permission: 'read' | 'write' | 'admin' },
): ScopedRoute {
  return { ...route, serve: (exchange, house) => route.serve(exchange as ScopedExchange<BodyOf<Of>>, house) }
}

/** A route that walks all of the stations itself. */
function unscoped<Of extends Operation>(route: Row<Of, Exchange, House> & { readonly permission: 'chat' }): ScopedRoute {
  return route
}

function open<Of extends Operation>(route: Row<Of, Exchange, Door>): OpenRoute {
  return route
}
