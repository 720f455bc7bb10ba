import { events, startUpstream } from './upstream.ts'
import type { Answer, AskedOf, Upstream as AnyUpstream } from './upstream.ts'

export interface Upstream extends Omit<AnyUpstream, 'asked'> {
  readonly baseURL: string
  /** The requests, in order, and the credential of each. */
  readonly asked: readonly (AskedOf & { readonly authorization: string | undefined })[]
}

/** A server of the chat completions protocol that answers each request as told. */
export async function chatCompletions(...answers: readonly Answer[]): Promise<Upstream> {
  const server = await startUpstream(...answers)
  return {
    ...server,
    baseURL: `${server.origin}/v1`,
    get asked() {
      return server.asked.map((one) => ({ ...one, authorization: one.headers.authorization }))
    },
  }
}

/** The JSON of one event. */
export function chunk(body: object): object {
  return { id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'x', ...body }
}

export function deltaChunk(delta: unknown, reason: string | null = null): object {
  return chunk({ choices: [{ index: 0, delta, finish_reason: reason }] })
}

/** A streamed completion: deltas, a reason, and what it used. */
export function completion(deltas: readonly unknown[], reason: string, usage?: unknown): Answer {
  const bodies = [...deltas.map((delta) => deltaChunk(delta)), deltaChunk({}, reason), ...(usage === undefined ? [] : [chunk({ choices: [], usage })])]
  return events(bodies, 'data: [DONE]\n\n')
}
