import type { z } from 'zod'
import type { RefusalCode } from '../scope/refusal.ts'
import { FILE_CONTENT, REQUEST_ID_HEADER, componentResponses, responsesOf } from './openapi-responses.ts'
import type { Responses } from './openapi-responses.ts'
import { SIGN_IN_COOKIE } from '../identity/sign-in-cookie.ts'
import { componentSchemas, inlineSchema, schemaRef } from './openapi-schema.ts'
import type { JsonSchema } from './openapi-schema.ts'
import { documented, id } from './operation.ts'
import type { Operation } from './operation.ts'
import { OPEN_ROUTES, SCOPED_ROUTES, prefixesOf } from './routes.ts'
import type { ScopedRoute } from './routes.ts'

/** Where the interface is mounted. */
export interface Mount {
  /** Before every path, as `/api`. */
  readonly basePath: string
  /** How a scope is named: by the path, or (the one empty prefix) by the host. */
  readonly prefixes: readonly string[]
}

export interface OpenApiOperation {
  readonly operationId: string
  readonly summary: string
  readonly security?: readonly []
  readonly parameters: readonly JsonSchema[]
  readonly requestBody?: { readonly required: boolean; readonly content: Readonly<Record<string, { readonly schema: JsonSchema }>> }
  readonly responses: Responses
}

export interface OpenApiDocument extends Record<string, unknown> {
  readonly openapi: string
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> } & Readonly<Record<string, unknown>>
}

/** Of the interface: what its paths begin with. */
const VERSION = '1'

/** An operation of one address; each prefix makes one of its own of the same route. */
const SUFFIXES: Readonly<Record<string, string>> = { '/v1/orgs/:org': 'InOrganisation', '/v1/orgs/:org/projects/:project': 'InProject' }

/** What a path names, by the name that it has in the routes' table. */
const PATH_IDS: Readonly<Record<string, string>> = {
  org: 'The organisation.',
  project: 'The project.',
  thread: 'The thread: the caller\'s own word for it, or its id.',
  run: 'The id of the run.',
  document: 'The id of the document.',
  file: 'The id of the file.',
  person: 'The id of the person.',
  key: 'The id of the key.',
}

/** The interface as an OpenAPI 3.1 document, from the routes' own table. */
export function openApiDocument({ basePath, prefixes }: Mount): OpenApiDocument {
  const scoped = prefixes.flatMap((prefix) =>
    SCOPED_ROUTES.filter((route) => prefixesOf(route, prefixes).includes(prefix)).map((route) => entryOf(prefix + route.path, route.method, {
      ...operationOf(route.operation, prefix + route.path, refusalsOf(route)),
      operationId: route.operation.id + (route.only ? '' : (SUFFIXES[prefix] ?? '')),
    })),
  )
  const open = OPEN_ROUTES.map(({ path, method, operation }) => entryOf(path, method, {
    ...operationOf(operation, path, operation.refuses ?? []),
    ...((operation.open || !operation.refuses?.includes('unauthenticated')) && { security: [] as const }),
  }))
  const entries = [...scoped, ...open]
  return {
    openapi: '3.1.0',
    info: { title: 'Ambit', version: VERSION, description: 'AI chat inside the organisation and project boundaries of multi-tenant software.' },
    servers: [{ url: basePath === '' ? '/' : basePath }],
    security: [{ bearer: [] }, { signedIn: [] }],
    paths: pathsOf(entries),
    components: {
      schemas: schemasOf(prefixes),
      responses: componentResponses(entries.map(({ operation }) => operation)),
      headers: { RequestId: REQUEST_ID_HEADER },
      parameters: componentParameters(entries),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a token of an issuer; or whatever else the host reads.' },
        signedIn: { type: 'apiKey', in: 'cookie', name: SIGN_IN_COOKIE, description: 'Given to a browser by `POST /v1/sign-in`, where the host takes it.' },
      },
    },
  }
}

/** A route that stands before none of these prefixes takes its body with it. */
function schemasOf(prefixes: readonly string[]): Readonly<Record<string, JsonSchema>> {
  const absent = SCOPED_ROUTES.filter((route) => prefixesOf(route, prefixes).length === 0).map(({ operation: { body } }) => (typeof body === 'object' ? documented.get(body)?.id : undefined))
  return Object.fromEntries(Object.entries(componentSchemas()).filter(([name]) => !absent.includes(name)))
}

interface Entry {
  readonly path: string
  readonly method: string
  readonly operation: OpenApiOperation
}

function entryOf(path: string, method: string, operation: OpenApiOperation): Entry {
  return { path: path.replaceAll(/:(\w+)/g, '{$1}'), method: method.toLowerCase(), operation }
}

function pathsOf(entries: readonly Entry[]): OpenApiDocument['paths'] {
  const byPath = [...Map.groupBy(entries, ({ path }) => path)]
  return Object.fromEntries(byPath.map(([path, same]) => [path, Object.fromEntries(same.map(({ method, operation }) => [method, operation]))]))
}

/** What the stations on the way to a route can say no to; what the route itself can, it declares. */
function refusalsOf({ permission, operation }: ScopedRoute): readonly RefusalCode[] {
  const ofBody: readonly RefusalCode[] = operation.body ? ['malformed', 'too_large', 'unsupported_media_type'] : []
  const ofRole: readonly RefusalCode[] = permission === 'read' ? [] : ['forbidden']
  return ['unauthenticated', 'not_found', 'unavailable', ...ofBody, ...ofRole, ...(operation.refuses ?? [])]
}

function operationOf(operation: Operation, path: string, refuses: readonly RefusalCode[]): OpenApiOperation {
  const { id: operationId, summary, query = {}, headers = {}, body } = operation
  const names = [...path.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  return {
    operationId,
    summary,
    parameters: [
      ...names.map(parameterRef),
      ...Object.entries(query).map(([name, schema]) => parameterOf(name, 'query', schema)),
      ...Object.entries(headers).map(([name, schema]) => parameterOf(name, 'header', schema)),
      parameterRef('requestId'),
    ],
    ...(body && { requestBody: bodyOf(body) }),
    responses: responsesOf(operation, refuses),
  }
}

function componentParameters(entries: readonly Entry[]): Readonly<Record<string, JsonSchema>> {
  const schema = inlineSchema(id)
  const used = Object.entries(PATH_IDS).filter(([name]) => entries.some(({ path }) => path.includes(`{${name}}`)))
  const ids = used.map(([name, description]) => [name, { name, in: 'path', required: true, description, schema }])
  const requestId = { name: 'x-request-id', in: 'header', description: 'The caller\'s own id of the request.', schema }
  return { ...Object.fromEntries(ids), requestId }
}

function parameterRef(name: string): JsonSchema {
  return { $ref: `#/components/parameters/${name}` }
}

function parameterOf(name: string, place: 'query' | 'header', described: z.ZodType): JsonSchema {
  const { description, ...schema } = inlineSchema(described)
  return { name, in: place, ...(description !== undefined && { description }), schema }
}

function bodyOf(schema: z.ZodType | 'file') {
  if (schema === 'file') return { required: true, content: FILE_CONTENT }
  return { required: !schema.safeParse(undefined).success, content: { 'application/json': { schema: schemaRef(schema) } } }
}
