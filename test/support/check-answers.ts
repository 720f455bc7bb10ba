import { Ajv2020 } from 'ajv/dist/2020.js'
import type { ValidateFunction } from 'ajv/dist/2020.js'
import { afterAll } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { openApiDocument } from '../../src/lib/http/openapi.ts'
import type { OpenApiDocument, OpenApiOperation } from '../../src/lib/http/openapi.ts'
import type { ResponseObject } from '../../src/lib/http/openapi-responses.ts'
import { SCOPE_PREFIXES } from '../../src/lib/http/routes.ts'

/** What an answer has that its document does not say, or has not though it does. */
export type Check = (asked: { readonly method: string; readonly url: string }, response: Response) => Promise<readonly string[]>

export interface CheckedMount {
  readonly basePath?: string
  /** Whether the host names the target: then the paths do not. */
  readonly target?: boolean
  /** Whether there is a console: what is no route is a page of it. */
  readonly console?: boolean
}

/** The members that a document's schemas do not name are allowed to a later version, and to no answer of a test. */
export function checkAgainst(document: OpenApiDocument, basePath: string, pages = false): Check {
  const validators = createValidators(document)
  const operations = operationsOf(document)
  return async ({ method, url }, response) => {
    const path = pathOf(url, basePath)
    const found = path === null ? undefined : operations.find((one) => one.method === (method === 'HEAD' ? 'GET' : method) && one.path.test(path))
    if (!found && pages && response.status === 200) return []
    const declared = found ? found.operation.responses[String(response.status)] : NO_ROUTE
    if (!declared || (!found && response.status !== 404)) return [`the status ${response.status} is not declared`]
    return judge(resolve(document, declared), response, { validators, empty: method === 'HEAD' })
  }
}

const NO_ROUTE = { $ref: '#/components/responses/NotFound' }

const known = new WeakSet<object>()

/** How an Ambit is asked in tests: every answer is held to the document of what was asked. Of one that is, it is the same. */
export function checked<T extends Pick<Ambit, 'fetch'>>(ambit: T, mount: CheckedMount = {}): T {
  if (known.has(ambit)) return ambit
  const check = checkOf(mount)
  const held = { ...ambit, fetch: async (request: Request) => noted(request, await ambit.fetch(request), check) }
  known.add(held)
  return held
}

/** `fetch` for a server that is behind a socket, mounted at its root. */
export async function checkedFetch(url: string, init: RequestInit = {}): Promise<Response> {
  return noted({ method: init.method ?? 'GET', url }, await fetch(url, init), checkOf({}))
}

const undeclared: string[] = []

// Thrown away by whoever asked (a server, a client that tries again), it would be lost: the file fails in any case.
afterAll(() => {
  if (undeclared.length > 0) throw new Error(`Answers that openapi.json does not say:\n${[...new Set(undeclared)].join('\n')}`)
})

async function noted(asked: { readonly method: string; readonly url: string }, response: Response, check: Check): Promise<Response> {
  const faults = (await check(asked, response)).map((fault) => `${asked.method} ${new URL(asked.url).pathname} -> ${response.status}: ${fault}`)
  undeclared.push(...faults)
  if (faults.length > 0) throw new Error(faults.join('\n'))
  return response
}

const checks = new Map<string, Check>()

/** One for each way to mount: schemas are compiled once. */
function checkOf({ basePath = '', target = false, console: pages = false }: CheckedMount): Check {
  const key = `${basePath} ${target} ${pages}`
  const check = checks.get(key) ?? checkAgainst(openApiDocument({ basePath, prefixes: target ? [''] : SCOPE_PREFIXES }), basePath, pages)
  checks.set(key, check)
  return check
}

interface KnownOperation {
  readonly method: string
  readonly path: RegExp
  readonly operation: OpenApiOperation
}

function operationsOf({ paths }: OpenApiDocument): readonly KnownOperation[] {
  return Object.entries(paths).flatMap(([template, methods]) => {
    const path = new RegExp(`^${template.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`)
    return Object.entries(methods).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation }))
  })
}

/** Below where the interface is mounted; null outside. */
function pathOf(url: string, basePath: string): string | null {
  const { pathname } = new URL(url)
  return pathname.startsWith(basePath) ? pathname.slice(basePath.length) : null
}

function resolve(document: OpenApiDocument, given: ResponseObject | { readonly $ref: string }): ResponseObject {
  if (!('$ref' in given)) return given
  return at(document, given.$ref) as ResponseObject
}

function at(document: unknown, ref: string): unknown {
  let value = document
  for (const name of ref.slice(2).split('/')) value = (value as Record<string, unknown>)[name.replaceAll('~1', '/').replaceAll('~0', '~')]
  return value
}

interface Means {
  readonly validators: Validators
  /** Of a HEAD there is no body. */
  readonly empty: boolean
}

async function judge(declared: ResponseObject, response: Response, { validators, empty }: Means): Promise<readonly string[]> {
  const faults = headerFaults(declared, response, validators)
  const mediaType = response.headers.get('content-type')
  const schema = mediaType === null ? undefined : declared.content?.[mediaType]?.schema
  if (mediaType === null) return declared.content || response.body ? [...faults, 'a content type is missing'] : faults
  if (!schema) return [...faults, `the content type ${mediaType} is not declared`]
  // A stream is its reader's: not read here, and not copied. Of counts the text is its own format, and a file is bytes.
  if (mediaType.startsWith('text/') || 'contentMediaType' in schema || empty) return faults
  return [...faults, ...validators.of(schema)(await response.clone().json())]
}

function headerFaults({ headers }: ResponseObject, response: Response, validators: Validators): readonly string[] {
  return Object.entries(headers).flatMap(([name, declared]) => {
    const value = response.headers.get(name)
    if (value === null) return [`the header ${name} is missing`]
    return validators.ofHeader(declared)(value).map((fault) => `the header ${name}: ${fault}`)
  })
}

type Validate = (value: unknown) => readonly string[]

interface Validators {
  of(schema: object): Validate
  ofHeader(header: object): Validate
}

function createValidators(document: OpenApiDocument): Validators {
  const ajv = ajvOf(closed(document.components.schemas))
  const compiled = new Map<object, ValidateFunction>()
  const of = (schema: object): Validate => {
    const validate = compiled.get(schema) ?? ajv.compile(absolute(closed(schema)) as object)
    compiled.set(schema, validate)
    return (value) => (validate(value) ? [] : [ajv.errorsText(validate.errors)])
  }
  return {
    of,
    ofHeader: (header) => of((('$ref' in header ? at(document, String(header.$ref)) : header) as { readonly schema: object }).schema),
  }
}

/** What the references of a schema begin with, once it is out of the document. */
export const DOCUMENT = 'urn:ambit:openapi'
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/

/** Knows these schemas by their names. Strict: a keyword or a format that it does not know is an error of the schema. */
export function ajvOf(schemas: unknown): Ajv2020 {
  const ajv = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, keywords: ['components'], formats: { 'date-time': TIME } })
  return ajv.addSchema({ $id: DOCUMENT, components: { schemas } }, DOCUMENT)
}

/** With every object closed that says which members it has, but for the parts of an `allOf`, which are closed as a whole. */
function closed(schema: unknown, part = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => closed(one, part))
  if (typeof schema !== 'object' || schema === null) return schema
  const copy = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value, name === 'allOf')]))
  const open = part || !('properties' in schema) || 'additionalProperties' in schema || typeof (schema as { type?: unknown }).type !== 'string'
  return open ? copy : { ...copy, unevaluatedProperties: false }
}

/** References as they are from outside the document. */
function absolute(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(absolute)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, name === '$ref' && typeof value === 'string' ? DOCUMENT + value : absolute(value)]),
  )
}
