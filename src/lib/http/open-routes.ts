import { z } from 'zod'
import { boundedWait } from '../limits/bounded-wait.ts'
import { NOT_FOUND } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import type { Exchange, House } from './exchange.ts'
import { documented } from './operation.ts'
import type { Answer, Operation } from './operation.ts'
import { problem } from './problem.ts'
import { json, metricsText } from './respond.ts'

/** What a route outside any scope can ask for. The house may not open: liveness does not depend on a database. */
export interface Door {
  open(): Promise<House | Refusal>
  readonly basePath: string
  /** What is served here, as OpenAPI. */
  document(): Document
  /** What was counted, in Prometheus' text format; null where nothing is. */
  metrics(): Promise<string> | null
}

const liveSchema = z.object({ status: z.literal('live') }).register(documented, { id: 'Live' })

export const getLiveOperation = { id: 'getLive', summary: 'Whether the process answers.', answers: { 200: liveSchema } } satisfies Operation

/** `GET /health/live`. */
export async function getLive({ requestId }: Exchange): Promise<Answer<typeof getLiveOperation>> {
  return json<z.output<typeof liveSchema>>({ status: 'live' }, requestId)
}

/** Whoever asks for health gives up sooner than a connection on which nobody answers. */
const READY_MS = 5_000

const readySchema = z.object({ status: z.enum(['ready', 'not_ready']) }).register(documented, { id: 'Ready' })

export const getReadyOperation = {
  id: 'getReady',
  summary: 'Whether it is open, and its database answers.',
  answers: { 200: readySchema, 503: readySchema },
} satisfies Operation

/** `GET /health/ready`: 503 while it opens in vain, closes, or has lost its database. */
export async function getReady({ requestId, log }: Exchange, { open }: Door): Promise<Answer<typeof getReadyOperation>> {
  let ready = false
  try {
    ready = await boundedWait(isReady(open), { ms: READY_MS })
  } catch (error) {
    log.warn({ cause: error }, 'not ready')
  }
  return json<z.output<typeof readySchema>, 200 | 503>({ status: ready ? 'ready' : 'not_ready' }, requestId, ready ? 200 : 503)
}

async function isReady(open: Door['open']): Promise<boolean> {
  const house = await open()
  return !('ok' in house) && (await house.ready())
}

const documentSchema = z.looseObject({ openapi: z.string() }).register(documented, { id: 'Document' })

export type Document = z.output<typeof documentSchema>

export const getDocumentOperation = { id: 'getOpenApi', summary: 'This document.', answers: { 200: documentSchema } } satisfies Operation

/** `GET /openapi.json`: as this Ambit is mounted. */
export async function getDocument({ requestId }: Exchange, { document }: Door): Promise<Answer<typeof getDocumentOperation>> {
  return json<Document>(document(), requestId)
}

export const getMetricsOperation = {
  id: 'getMetrics',
  summary: 'What this node has counted, in Prometheus\' text format; where that is switched on.',
  answers: { 200: 'metrics' },
  refuses: ['not_found'],
} satisfies Operation

/** `GET /metrics`: without a credential, since it names no tenant; a proxy in front keeps it from the world. */
export async function getMetrics({ requestId }: Exchange, { metrics }: Door): Promise<Answer<typeof getMetricsOperation>> {
  const text = await metrics()
  return text === null ? problem(NOT_FOUND, requestId) : metricsText(text, requestId)
}
