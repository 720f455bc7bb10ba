import type { Permission } from '../../../src/lib/scope/chat-execution-context.ts'
import { mayDo, roleAt, scopeOf, seesAnswer, seesThread } from './facts.ts'
import type { Caller, PlaceName, PlantedThread } from './facts.ts'
import type { PlantedDocument } from './plant.ts'

/** What the matrix knows of a route. A route that is not declared here has no cells, and the test fails for it. */
export interface RouteFacts {
  readonly permission: Permission
  /** A person and a key that a path names are there for nobody, so that the world stays as it is. */
  readonly names?: 'thread' | 'run' | 'document' | 'file' | 'person' | 'key'
  readonly only?: 'organisation' | 'project'
  /** Served, it would take something from all the others: who may do it does not ask. Proved in test/flows. */
  readonly spared?: true
  /** A body that says this text. */
  body?(text: string, n: number): unknown
  /** Bodies that fit no route of this kind, as JSON text. */
  readonly nonsense?: readonly string[]
  /** The status where the place is the caller's and the role is enough. */
  seen(caller: Caller, at: PlaceName, thread: PlantedThread | null, document: PlantedDocument | null): number
}

const always = () => 200
const ifSeen = (caller: Caller, at: PlaceName, thread: PlantedThread | null) => (thread && seesThread(caller, at, thread) ? 200 : 404)

const seesDocument = (caller: Caller, at: PlaceName, document: PlantedDocument | null): boolean => document !== null && scopeOf(caller, at).includes(document.place)
/** A document is written where it is of, and nowhere else. */
const writes = (status: number): RouteFacts['seen'] => (caller, at, _, document) => (!seesDocument(caller, at, document) ? 404 : document?.place === at ? status : 403)

const NO_JSON = ['', '{', '{"a":1}}', 'null', '42', '"text"', '[]', '[{}]', '{"a":\u0000}']

export const ROUTES: Readonly<Record<string, RouteFacts>> = {
  'POST /chat': {
    permission: 'chat',
    body: (text, n) => ({ id: `matrix-${n}`, message: { id: `matrix-message-${n}`, role: 'user', parts: [{ type: 'text', text }] } }),
    nonsense: [
      ...NO_JSON, '{}', '{"messages":{}}', '{"messages":[]}', '{"messages":[5]}', '{"message":{"role":"system","parts":[{"type":"text","text":"x"}]}}',
      '{"message":{"role":"user","parts":"x"}}', '{"message":{"role":"user","parts":[{"type":"text","text":5}]}}', '{"trigger":"regenerate-message","id":{}}',
      '{"id":["a"],"message":{"role":"user","parts":[{"type":"text","text":"x"}]}}', '{"id":"../globex","message":{"role":"user","parts":[{"type":"text","text":"x"}]}}',
      '{"model":5,"message":{"role":"user","parts":[{"type":"text","text":"x"}]}}', '{"messageId":"a b","message":{"role":"user","parts":[{"type":"text","text":"x"}]}}',
    ],
    seen: always,
  },
  'GET /chat/:thread/stream': {
    permission: 'read',
    names: 'thread',
    seen: (caller, at, thread) => (thread?.live && seesAnswer(caller, at, thread) ? 200 : 204),
  },
  'POST /chat/:thread/stop': {
    permission: 'write',
    names: 'thread',
    body: () => ({}),
    nonsense: [...NO_JSON, '{"run":5}', '{"run":{}}', '{"run":["a"]}', '{"run":"../globex"}', '{"run":""}'].filter((text) => text !== ''),
    seen: ifSeen,
  },
  'GET /threads': { permission: 'read', seen: always },
  'GET /threads/:thread': { permission: 'read', names: 'thread', seen: ifSeen },
  'PATCH /threads/:thread': {
    permission: 'write',
    names: 'thread',
    body: (text) => ({ title: text }),
    nonsense: [...NO_JSON, '{}', '{"title":5}', '{"title":""}', '{"title":["a"]}', '{"shared":"yes"}', '{"shared":1}', '{"on_active":"always"}', '{"on_active":["queue"]}', '{"head":5}', '{"head":"../globex"}', '{"author_id":"bob"}', '{"__proto__":{"title":"x"}}'],
    seen: (caller, at, thread) => (thread?.author === caller.person ? ifSeen(caller, at, thread) : ifSeen(caller, at, thread) === 200 ? 403 : 404),
  },
  'DELETE /threads/:thread': {
    permission: 'write',
    names: 'thread',
    seen: (caller, at, thread) => (!thread || !seesThread(caller, at, thread) ? 404 : thread.author !== caller.person ? 403 : thread.live ? 409 : 204),
  },
  'GET /threads/:thread/messages': { permission: 'read', names: 'thread', seen: ifSeen },
  // JSON is a file like any other here: what is none is no text.
  'POST /files': { permission: 'write', body: (text) => ({ text }), nonsense: ['', '{"a":\u0000}'], seen: () => 201 },
  'GET /files/:file': { permission: 'read', names: 'file', seen: ifSeen },
  'GET /runs': { permission: 'read', seen: always },
  'GET /runs/:run': { permission: 'read', names: 'run', seen: ifSeen },
  'GET /runs/:run/events': { permission: 'read', names: 'run', seen: (caller, at, thread) => (thread && seesAnswer(caller, at, thread) ? 200 : 404) },
  'GET /events': { permission: 'read', seen: always },
  'GET /documents': { permission: 'read', seen: always },
  'POST /documents': {
    permission: 'write',
    body: (text) => ({ title: text, body: text }),
    nonsense: [...NO_JSON, '{}', '{"title":"a"}', '{"title":5,"body":"a"}', '{"title":"","body":"a"}', '{"title":"a","body":["a"]}', '{"title":"a","body":"\\u0000"}', '{"title":"a","body":"a","media_type":"text/html"}'],
    seen: () => 201,
  },
  'GET /documents/:document': { permission: 'read', names: 'document', seen: (caller, at, _, document) => (seesDocument(caller, at, document) ? 200 : 404) },
  'PATCH /documents/:document': {
    permission: 'write',
    names: 'document',
    body: (text) => ({ title: text }),
    nonsense: [...NO_JSON, '{}', '{"title":5}', '{"title":""}', '{"body":5}', '{"body":"\\u0000"}', '{"title":"a","base":"now"}', '{"project":"globex"}', '{"project_id":"*"}'],
    seen: writes(200),
  },
  'DELETE /documents/:document': { permission: 'write', names: 'document', seen: writes(204) },
  'GET /scope': { permission: 'read', seen: always },
  'GET /settings': { permission: 'read', seen: always },
  'PATCH /settings': {
    permission: 'admin',
    body: (text) => ({ instructions: text }),
    nonsense: [...NO_JSON, '{}', '{"instructions":5}', '{"instructions":["a"]}', '{"instructions":"\\u0000"}', '{"ai_enabled":"no"}', '{"ai_enabled":0}', '{"model":5}', '{"model":""}', '{"org":"globex"}'],
    seen: always,
  },
  'GET /projects': { permission: 'read', only: 'organisation', seen: always },
  'POST /projects': {
    permission: 'admin',
    only: 'organisation',
    body: (text, n) => ({ slug: `matrix-${n}`, name: text, visibility: 'organisation' }),
    nonsense: [...NO_JSON, '{}', '{"slug":"A","name":"a","visibility":"private"}', '{"slug":"a","name":"a","visibility":"all"}', '{"slug":["a"],"name":"a","visibility":"private"}', '{"slug":"a","name":"","visibility":"private"}'],
    seen: () => 201,
  },
  'PATCH ': {
    permission: 'admin',
    only: 'project',
    body: (text) => ({ about: text }),
    nonsense: [...NO_JSON, '{}', '{"name":5}', '{"name":""}', '{"about":["a"]}', '{"visibility":"all"}', '{"slug":"globex"}', '{"__proto__":{"name":"x"}}'],
    seen: always,
  },
  'DELETE ': { permission: 'admin', only: 'project', spared: true, seen: () => 204 },
  'GET /members': { permission: 'read', seen: always },
  'PUT /members/:person': {
    permission: 'admin',
    names: 'person',
    body: (text) => ({ role: 'viewer', name: text }),
    nonsense: [...NO_JSON, '{}', '{"role":"king"}', '{"role":["owner"]}', '{"name":"x"}', '{"role":"viewer","name":5}', '{"role":"viewer","name":"\u0000"}'],
    seen: always,
  },
  'DELETE /members/:person': {
    permission: 'read',
    names: 'person',
    spared: true,
    seen: (caller, at) => (mayDo(roleAt(caller, at) ?? 'viewer', 'admin') ? 404 : 403),
  },
  'GET /keys': { permission: 'read', seen: always },
  'POST /keys': {
    permission: 'read',
    body: () => ({ expires_in_days: 1 }),
    nonsense: [...NO_JSON, '{"person":5}', '{"person":"a b"}', '{"expires_in_days":0}', '{"expires_in_days":"1"}'].filter((text) => text !== ''),
    seen: () => 201,
  },
  'DELETE /keys/:key': { permission: 'read', names: 'key', spared: true, seen: () => 404 },
}

/** Routes outside any scope: 401 where they ask who it is, and else for everybody; what is not switched on is for nobody. */
export const OPEN: Readonly<Record<string, { readonly asks: boolean; readonly off?: true }>> = {
  'GET /v1/me': { asks: true },
  'POST /v1/sign-in': { asks: false, off: true },
  'DELETE /v1/sign-in': { asks: false, off: true },
  'GET /health/live': { asks: false },
  'GET /health/ready': { asks: false },
  'GET /metrics': { asks: false, off: true },
  'GET /openapi.json': { asks: false },
}

/** The order of the stations: who, what is said, where, which role, and only then the thing itself. */
export function statusOf(route: RouteFacts, { caller, at, thread, document }: { caller: Caller; at: PlaceName | null; thread: PlantedThread | null; document: PlantedDocument | null }): number {
  if (caller.person === null) return 401
  const role = roleAt(caller, at)
  if (role === null || at === null) return 404
  return mayDo(role, route.permission) ? route.seen(caller, at, thread, document) : 403
}
