import { FILE_TYPES } from '../limits/file-kinds.ts'
import type { RefusalCode } from '../scope/refusal.ts'
import type { Operation } from './operation.ts'
import { schemaRef } from './openapi-schema.ts'
import type { JsonSchema } from './openapi-schema.ts'
import { KINDS, problemBody } from './problem.ts'
import type { ProblemCode } from './problem.ts'
import { FILE_POLICY, METRICS_TYPE, servedType } from './respond.ts'

interface Header {
  readonly description: string
  readonly required: true
  readonly schema: JsonSchema
}

export interface ResponseObject {
  readonly description: string
  readonly headers: Readonly<Record<string, Header | JsonSchema>>
  readonly content?: Readonly<Record<string, { readonly schema: JsonSchema }>>
}

interface Reference {
  readonly $ref: string
}

const always = (description: string, schema: JsonSchema = { type: 'string' }): Header => ({ description, required: true, schema })

export const REQUEST_ID_HEADER = always('Under which the log speaks of this request: the one that was sent, if it is an id.')

const COMMON = { 'x-request-id': { $ref: '#/components/headers/RequestId' } }
const RETRY = { 'retry-after': always('Seconds.', { type: 'string', pattern: '^[0-9]+$' }) }

/** What a problem of this code has in its header besides. */
const PROBLEM_HEADERS: Partial<Readonly<Record<ProblemCode, Readonly<Record<string, Header>>>>> = {
  unauthenticated: { 'www-authenticate': always('The scheme by which to ask.') },
  unsupported_media_type: { accept: always('The media type that is read.'), 'accept-encoding': always('The encoding that is read.') },
  unavailable: RETRY,
  ai_unavailable: RETRY,
  over_limit: RETRY,
}

const STREAM: ResponseObject = {
  description:
    'The run, as the UI message stream of the AI SDK (version 7): a chunk for each event, as JSON, with the id `<run>.<fence>.<seq>`; then `data: [DONE]`. ' +
    'Exactly one of `finish`, `abort` and `error` ends the run; a body that ends without one was cut. Lines that begin with a colon keep it alive.',
  headers: {
    ...COMMON,
    'x-vercel-ai-ui-message-stream': always('The version of the protocol.', { const: 'v1' }),
    'x-resumable-stream-id': always('The id of the run.'),
    'cache-control': always('Nobody on the way keeps or changes it.', { const: 'no-cache, no-transform' }),
    'x-accel-buffering': always('Nobody on the way collects it.', { const: 'no' }),
  },
  content: { 'text/event-stream': { schema: { type: 'string' } } },
}

const EVENTS: ResponseObject = {
  description:
    'What happens, each as JSON with its number as the id: `{"type", "thread", "run", "at"}`, where `type` is `run_queued`, `run_began`, `run_ended`, `thread_changed` or `thread_deleted`; or `{"type": "document_changed", "document", "at"}`. ' +
    'Never ends by itself. One may come twice after a reconnection. Lines that begin with a colon keep it alive.',
  headers: {
    ...COMMON,
    'cache-control': always('Nobody on the way keeps or changes it.', { const: 'no-cache, no-transform' }),
    'x-accel-buffering': always('Nobody on the way collects it.', { const: 'no' }),
  },
  content: { 'text/event-stream': { schema: { type: 'string' } } },
}

const METRICS: ResponseObject = {
  description: 'What this node has counted since it began.',
  headers: COMMON,
  content: { [METRICS_TYPE]: { schema: { type: 'string' } } },
}

/** Bytes: JSON Schema says no more of them than that. */
const BYTES: JsonSchema = { type: 'string', contentMediaType: 'application/octet-stream' }

/** A file as it is sent: text in UTF-8. */
export const FILE_CONTENT = Object.fromEntries(FILE_TYPES.map((type) => [type, { schema: BYTES }]))

const FILE: ResponseObject = {
  description: 'The file as it was uploaded. Nothing in it can run, and nobody but the reader keeps it.',
  headers: {
    ...COMMON,
    'cache-control': always('It never changes.', { type: 'string', pattern: '^private, max-age=[0-9]+, immutable$' }),
    'content-disposition': always('Its name.', { type: 'string', pattern: "^inline; filename\\*=UTF-8''" }),
    'content-security-policy': always('It can load and run nothing.', { const: FILE_POLICY }),
    'x-content-type-options': always('It is what it says it is.', { const: 'nosniff' }),
    vary: always('Who asks.', { const: 'authorization, cookie' }),
  },
  content: Object.fromEntries(FILE_TYPES.map((type) => [servedType(type), { schema: BYTES }])),
}

const NOTHING: ResponseObject = { description: 'Done, or nothing is there: there is no body.', headers: COMMON }

const CODES = Object.keys(KINDS) as ProblemCode[]
const byStatus = (codes: readonly ProblemCode[]) => [...Map.groupBy(codes, (code) => KINDS[code].status)]

export type Responses = Readonly<Record<string, ResponseObject | Reference>>

/** The responses that these operations share: of each code alone, and of those that have a status together. */
export function componentResponses(operations: readonly { readonly responses: Responses }[]): Readonly<Record<string, ResponseObject>> {
  const sets = [...CODES.map((code) => [code]), ...byStatus(CODES).map(([, codes]) => codes)]
  const all = { Stream: STREAM, Events: EVENTS, Metrics: METRICS, File: FILE, Nothing: NOTHING, ...Object.fromEntries(sets.map((codes) => [nameOf(codes), problemOf(codes)])) }
  const used = new Set(operations.flatMap(({ responses }) => Object.values(responses).map((one) => ('$ref' in one ? one.$ref : null))))
  return Object.fromEntries(Object.entries(all).filter(([name]) => used.has(responseRef(name).$ref)))
}

/** What an operation answers, by status, where it is served and where it is refused. */
export function responsesOf(operation: Operation, refuses: readonly RefusalCode[]): Responses {
  const served = Object.entries(operation.answers).map(([status, answer]) => [status, servedAs(answer)] as const)
  const refused = byStatus(CODES.filter((code) => code === 'internal' || refuses.includes(code)))
  return Object.fromEntries([...served, ...refused.map(([status, codes]) => [String(status), responseRef(nameOf(codes))] as const)])
}

function servedAs(answer: Operation['answers'][number]): ResponseObject | Reference {
  if (answer === 'stream') return responseRef('Stream')
  if (answer === 'events') return responseRef('Events')
  if (answer === 'metrics') return responseRef('Metrics')
  if (answer === 'file') return responseRef('File')
  if (answer === 'nothing') return responseRef('Nothing')
  return { description: 'As asked.', headers: COMMON, content: { 'application/json': { schema: schemaRef(answer) } } }
}

function responseRef(name: string): Reference {
  return { $ref: `#/components/responses/${name}` }
}

/** `not_found` is NotFound. */
function nameOf(codes: readonly ProblemCode[]): string {
  return codes.map((code) => code.replaceAll(/(?:^|_)(.)/g, (_, first: string) => first.toUpperCase())).join('Or')
}

/** Refusals of one status. */
function problemOf(codes: readonly ProblemCode[]): ResponseObject {
  const schema = { allOf: [schemaRef(problemBody), { type: 'object', properties: { code: { type: 'string', enum: codes } }, required: ['code'] }] }
  return {
    description: codes.map((code) => `\`${code}\`: ${KINDS[code].title}.`).join(' '),
    headers: Object.assign({}, COMMON, ...codes.map((code) => PROBLEM_HEADERS[code])) as ResponseObject['headers'],
    content: { 'application/problem+json': { schema } },
  }
}
