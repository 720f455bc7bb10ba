import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAmbit, createLog } from '../../src/index.ts'
import type { AmbitOptions } from '../../src/index.ts'
import { isId } from '../../src/lib/directory/principal.ts'
import { openApiDocument } from '../../src/lib/http/openapi.ts'
import type { OpenApiDocument, OpenApiOperation } from '../../src/lib/http/openapi.ts'
import type { Answer } from '../../src/lib/http/operation.ts'
import { parseChatCommand } from '../../src/lib/http/parse-chat-command.ts'
import { json } from '../../src/lib/http/respond.ts'
import { OPEN_ROUTES, SCOPED_ROUTES, SCOPE_PREFIXES, prefixesOf } from '../../src/lib/http/routes.ts'
import type { getLiveOperation } from '../../src/lib/http/open-routes.ts'
import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import { DOCUMENT, ajvOf, checkAgainst } from '../support/check-answers.ts'

const document = openApiDocument({ basePath: '', prefixes: SCOPE_PREFIXES })

const operations: readonly (readonly [path: string, method: string, operation: OpenApiOperation])[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => [path, method, operation] as const),
)

/** What lies at a reference. */
function at(ref: string, within: OpenApiDocument = document): unknown {
  let value: unknown = within
  for (const name of ref.slice(2).split('/')) value = (value as Record<string, unknown>)[name]
  return value
}

/** Each value below, with each of its own. */
function* walk(value: unknown): Generator<Readonly<Record<string, unknown>>> {
  if (typeof value !== 'object' || value === null) return
  yield value as Readonly<Record<string, unknown>>
  for (const part of Object.values(value)) yield* walk(part)
}

describe('openapi.json', () => {
  test('is the one of the routes (after a change: npm run openapi)', async () => {
    expect(JSON.parse(await readFile(new URL('../../openapi.json', import.meta.url), 'utf8'))).toEqual(JSON.parse(JSON.stringify(document)))
  })

  test.for<[name: string, options: Partial<AmbitOptions>, path: string, built: OpenApiDocument]>([
    ['as it is', {}, '/openapi.json', document],
    ['below a base path', { basePath: '/api' }, '/api/openapi.json', openApiDocument({ basePath: '/api', prefixes: SCOPE_PREFIXES })],
    ['where the host names the target', { target: async () => null }, '/openapi.json', openApiDocument({ basePath: '', prefixes: [''] })],
  ])('is served %s, to nobody in particular and without a database', async ([, options, path, built]) => {
    const ambit = createAmbit({
      store: 'postgres://nobody@127.0.0.1:1/none', model: 'offline', authenticate: async () => null, log: createLog({ level: 'silent' }), ...options,
    })
    const response = await ambit.fetch(new Request(`http://ambit.test${path}`))
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect((await response.json()) as unknown).toEqual(JSON.parse(JSON.stringify(built)))
    await ambit.close()
  })

  test('says where it is mounted', () => {
    const mounted = openApiDocument({ basePath: '/api', prefixes: [''] })
    expect(mounted['servers']).toEqual([{ url: '/api' }])
    expect(Object.keys(mounted.paths)).toContain('/chat/{thread}/stream')
    expect(mounted.paths['/chat']?.['post']?.operationId).toBe('chat')
    expect(Object.keys(mounted.paths).filter((path) => path.includes('{org}'))).toEqual([])
  })

  test('has every route, at every address', () => {
    const paths = [...SCOPED_ROUTES.flatMap((route) => prefixesOf(route, SCOPE_PREFIXES).map((prefix) => `${route.method} ${prefix}${route.path}`)), ...OPEN_ROUTES.map(({ method, path }) => `${method} ${path}`)]
    const told = operations.map(([path, method]) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`)
    expect(told.sort()).toEqual(paths.sort())
  })

  test('names each operation once, by a name that code can have', () => {
    const ids = operations.map(([, , { operationId }]) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z]+$/)
    expect(ids).toEqual(expect.arrayContaining(['chatInProject', 'listThreadsInOrganisation', 'getMe']))
  })

  test.for<[name: string, told: OpenApiDocument]>([
    ['as it is', document],
    ['where the host names the target', openApiDocument({ basePath: '', prefixes: [''] })],
  ])('refers to nothing that is not there, and has no component that nobody refers to, %s', ([, told]) => {
    const refs = [...walk(told)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []))
    for (const ref of refs) expect([ref, typeof at(ref, told)]).toEqual([ref, 'object'])
    const { schemas, responses, headers, parameters } = told.components as Readonly<Record<string, object>>
    const components = Object.entries({ schemas, responses, headers, parameters }).flatMap(([kind, ofKind]) => Object.keys(ofKind ?? {}).map((name) => `#/components/${kind}/${name}`))
    expect(components.filter((component) => !refs.includes(component))).toEqual([])
  })

  test('declares each parameter of a path, and no other', () => {
    for (const [path, , { parameters }] of operations) {
      const declared = parameters.map((parameter) => (typeof parameter['$ref'] === 'string' ? at(parameter['$ref']) : parameter) as { in: string; name: string; required?: boolean })
      const inPath = declared.filter((parameter) => parameter.in === 'path')
      expect([path, inPath.map(({ name }) => `{${name}}`)]).toEqual([path, path.match(/\{\w+\}/g) ?? []])
      expect(inPath.every(({ required }) => required === true)).toBe(true)
      expect(new Set(declared.map(({ in: place, name }) => `${place} ${name}`)).size).toBe(declared.length)
    }
  })

  test('has schemas of JSON Schema 2020-12, and none that says something unknown', () => {
    const ajv = ajvOf(document.components.schemas)
    for (const name of Object.keys(document.components.schemas)) expect(ajv.getSchema(`${DOCUMENT}#/components/schemas/${name}`)).toBeTypeOf('function')
    const inline = [...walk({ paths: document.paths, parameters: document.components['parameters'], responses: document.components['responses'] })]
      .flatMap(({ schema }) => (typeof schema === 'object' && schema !== null ? [schema] : []))
    expect(inline.length).toBeGreaterThan(20)
    for (const schema of inline) expect(ajv.validateSchema(schema)).toBe(true)
  })

  test('has no choice between schemas without a type: a generated client would take anything', () => {
    const choices = [...walk(document)].flatMap(({ anyOf }) => (Array.isArray(anyOf) ? (anyOf as object[]) : []))
    expect(choices.length).toBeGreaterThan(5)
    expect(choices.filter((choice) => !('type' in choice || '$ref' in choice))).toEqual([])
  })

  test('asks for a credential where the route does', () => {
    const open = operations.filter(([, , { security }]) => security?.length === 0).map(([path, method]) => `${method} ${path}`)
    expect(open).toEqual(['post /v1/sign-in', 'delete /v1/sign-in', 'get /health/live', 'get /health/ready', 'get /metrics', 'get /openapi.json'])
    const refusing = operations.filter(([, , { responses }]) => '401' in responses).map(([path, method]) => `${method} ${path}`)
    // The key to sign in with is in the body.
    expect(operations.map(([path, method]) => `${method} ${path}`).filter((one) => !refusing.includes(one))).toEqual(open.filter((one) => one !== 'post /v1/sign-in'))
  })

  test('has the pattern of an id', () => {
    const pattern = new RegExp((at('#/components/parameters/thread') as { schema: { pattern: string } }).schema.pattern)
    const nearlyIds = fc.array(fc.constantFrom('a', 'Z', '0', '_', '.', ':', '-', '/', ' ', '\n', 'ä'), { maxLength: 140 }).map((letters) => letters.join(''))
    const lengths = fc.integer({ min: 0, max: 140 }).map((length) => 'x'.repeat(length))
    const likePattern = fc.property(fc.oneof(nearlyIds, fc.string(), lengths), (text) => {
      expect([text, pattern.test(text)]).toEqual([text, isId(text)])
    })
    fc.assert(likePattern)
  })
})

describe('the body of a chat is told as it is read', () => {
  const ajv = ajvOf(document.components.schemas)
  const fits = (body: unknown) => ajv.validate(`${DOCUMENT}#/components/schemas/ChatRequest`, body)
  const isRead = async (body: unknown) => {
    const request = new Request('http://ambit.test/chat', { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
    return (await parseChatCommand(request, DEFAULT_LIMITS)).ok
  }
  const message = { role: 'user', parts: [{ type: 'text', text: 'Hello?' }] }
  const messageOf = (parts: unknown) => ({ message: { role: 'user', parts } })

  test.for<[is: 'read' | 'refused', body: unknown]>([
    ['read', { message }],
    ['read', { message: { ...message, id: 'm1', metadata: {} }, id: 't1', trigger: 'submit-message', other: [] }],
    ['read', { messages: [message] }],
    ['read', { messages: [null, 'what a client keeps', message], message: null }],
    ['read', { messages: [5], message }],
    ['read', { messages: null, message }],
    ['read', { id: null, trigger: null, messageId: null, model: null, about: null, message }],
    ['read', { trigger: 'regenerate-message', id: 't1', messageId: 'm1' }],
    ['read', { trigger: 'regenerate-message', messages: [], message: 'whatever' }],
    ['read', { about: [{ type: 'invoice', id: 'i1' }], model: 'openai:gpt-5-mini', message }],
    ['read', messageOf(Array.from({ length: 50 }, () => ({ type: 'text', text: 'x' })))],
    ['refused', null],
    ['refused', []],
    ['refused', 'text'],
    ['refused', {}],
    ['refused', { message: null }],
    ['refused', { messages: [] }],
    ['refused', { messages: [], message: null }],
    ['refused', { messages: {}, message }],
    ['refused', { messages: 'x', trigger: 'regenerate-message' }],
    ['refused', { message: 5 }],
    ['refused', { message: { role: 'system', parts: message.parts } }],
    ['refused', { message: { role: 'user' } }],
    ['refused', { message: { ...message, id: 'no id' } }],
    ['refused', messageOf([])],
    ['refused', messageOf([{ type: 'text' }])],
    ['refused', messageOf([{ type: 'file', url: 'x', text: 'x' }])],
    ['refused', messageOf(Array.from({ length: 51 }, () => ({ type: 'text', text: 'x' })))],
    ['refused', { message, id: '' }],
    ['refused', { message, id: ['t'] }],
    ['refused', { message, id: '../globex' }],
    ['refused', { message, trigger: 'other' }],
    ['refused', { message, model: '' }],
    ['refused', { message, model: 5 }],
    ['refused', { message, messageId: 'a b' }],
    ['refused', { message, about: [{ type: 'invoice' }] }],
    ['refused', { message, about: Array.from({ length: 11 }, () => ({ type: 'a', id: 'b' })) }],
    ['refused', { trigger: 'regenerate-message', id: {} }],
  ])('%s: %j', async ([is, body]) => {
    expect([fits(body), await isRead(body)]).toEqual([is === 'read', is === 'read'])
  })

  test.for<[why: string, body: unknown]>([
    ['which of a list is the last', { messages: [message, 5] }],
    ['that there is more than space in the text', messageOf([{ type: 'text', text: ' \n' }])],
    ['bounds in characters and bytes', messageOf([{ type: 'text', text: 'x'.repeat(100_001) }])],
  ])('but for what a schema cannot say: %s', async ([, body]) => {
    expect([fits(body), await isRead(body)]).toEqual([true, false])
  })
})

describe('an answer that the document does not say is found', () => {
  const check = checkAgainst(document, '')
  const headers = { 'content-type': 'application/json', 'x-request-id': 'r1' }
  const live = { status: 'live' }
  const problem = { type: 'urn:ambit:problem:not_found', title: 'Not found', status: 404, code: 'not_found', detail: 'x', request_id: 'r1' }
  const asProblem = { ...headers, 'content-type': 'application/problem+json' }
  const stream = {
    'content-type': 'text/event-stream', 'x-request-id': 'r1', 'x-vercel-ai-ui-message-stream': 'v1', 'x-resumable-stream-id': 'run_1', 'cache-control': 'no-cache, no-transform', 'x-accel-buffering': 'no',
  }
  const ask = (path: string, body: unknown, init: ResponseInit, method = 'GET') =>
    check({ method, url: `http://ambit.test${path}` }, new Response(typeof body === 'string' || body === null ? body : JSON.stringify(body), init))
  const without = (all: Readonly<Record<string, string>>, name: string) => Object.fromEntries(Object.entries(all).filter(([one]) => one !== name))
  const THREAD = '/v1/orgs/acme/threads/t1'

  test.for<[path: string, body: unknown, init: ResponseInit, method?: string]>([
    ['/health/live', live, { headers }],
    ['/health/live', null, { headers }, 'HEAD'],
    [THREAD, problem, { headers: asProblem, status: 404 }],
    ['/nowhere', problem, { headers: asProblem, status: 404 }],
    ['/health/live', problem, { headers: asProblem, status: 404 }, 'PUT'],
    ['/v1/orgs/acme/chat/t1/stream', 'data: x', { headers: stream }],
    ['/v1/orgs/acme/chat/t1/stream', null, { headers: { 'x-request-id': 'r1' }, status: 204 }],
  ])('(and %s is as it says)', async ([path, body, init, method]) => {
    expect(await ask(path, body, init, method)).toEqual([])
  })

  test.for<[what: string, found: RegExp, path: string, body: unknown, init: ResponseInit]>([
    ['a member', /unevaluated/, '/health/live', { ...live, secret: 1 }, { headers }],
    ['a member of a problem', /unevaluated/, THREAD, { ...problem, org: 'acme' }, { headers: asProblem, status: 404 }],
    ['a member that lies deeper', /unevaluated/, '/v1/me', { subject: 'bob', kind: 'person', name: null, memberships: [{ org: 'acme', project: null, role: 'member', id: 'x' }], organisations: [], more_organisations: false }, { headers }],
    ['a member that is missing', /required/, '/health/live', {}, { headers }],
    ['another value', /constant/, '/health/live', { status: 'dead' }, { headers }],
    ['a status', /status 201/, '/health/live', live, { headers, status: 201 }],
    ['a content type', /content type text\/plain/, '/health/live', 'live', { headers: { ...headers, 'content-type': 'text/plain' } }],
    ['no content type', /content type is missing/, '/health/live', null, { headers: without(headers, 'content-type') }],
    ['a body where there is none', /content type application\/json/, '/v1/orgs/acme/chat/t1/stream', null, { headers, status: 204 }],
    ['a header that is missing', /x-request-id/, '/health/live', live, { headers: without(headers, 'x-request-id') }],
    ['a stream that may be kept', /cache-control/, '/v1/orgs/acme/chat/t1/stream', 'data: x', { headers: { ...stream, 'cache-control': 'public' } }],
    ['a stream of another version', /v1|constant/, '/v1/orgs/acme/chat/t1/stream', 'data: x', { headers: { ...stream, 'x-vercel-ai-ui-message-stream': 'v2' } }],
    ['a code that the status has not', /allowed values/, THREAD, { ...problem, code: 'forbidden' }, { headers: asProblem, status: 404 }],
    ['a code that no problem has', /allowed values/, THREAD, { ...problem, code: 'gone' }, { headers: asProblem, status: 404 }],
    ['a refusal of another route', /status 409/, THREAD, { ...problem, code: 'conflict', status: 409 }, { headers: asProblem, status: 409 }],
    ['an answer at no address', /status 200/, '/nowhere', live, { headers }],
    ['an address outside', /status 200/, '/', live, { headers }],
  ])('%s', async ([, expected, path, body, init]) => {
    expect((await ask(path, body, init)).join('\n')).toMatch(expected)
  })

  test('and a stream is not read for it', async () => {
    const response = new Response('data: x', { headers: stream })
    expect(await check({ method: 'POST', url: 'http://ambit.test/v1/orgs/acme/chat' }, response)).toEqual([])
    expect(response.bodyUsed).toBe(false)
    expect(await response.text()).toBe('data: x')
  })
})

test('a route answers what it declares, or does not compile', () => {
  type Live = Answer<typeof getLiveOperation>
  const good: Live = json<{ status: 'live' }>({ status: 'live' }, 'r1')
  // @ts-expect-error: the status is another one
  const otherStatus: Live = json<{ status: 'live' }, 201>({ status: 'live' }, 'r1', 201)
  // @ts-expect-error: the body is another one
  const otherBody: Live = json<{ status: 'dead' }>({ status: 'dead' }, 'r1')
  // @ts-expect-error: a member that the named type has not
  const more: Live = json<{ status: 'live' }>({ status: 'live', secret: 1 }, 'r1')
  // @ts-expect-error: any response at all
  const any: Live = new Response('{"status":"live"}')
  expect([good, otherStatus, otherBody, more, any].map(({ status }) => status)).toEqual([200, 201, 200, 200, 200])
})
