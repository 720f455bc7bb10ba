import { status, startUpstream } from '../upstream.ts'

/** One effect, as it happened in the world: outside every process that may die of it. */
export interface Effect {
  readonly name: string
  readonly deed: string
  /** The idempotency key that the tool was given. */
  readonly key: string
}

/** The judge of effects: what acted says so here, and what is said here has happened. */
export interface EffectLedger {
  readonly url: string
  readonly effects: readonly Effect[]
  close(): Promise<void>
}

export async function startEffectLedger(): Promise<EffectLedger> {
  const effects: Effect[] = []
  const server = await startUpstream((response, request, { body }) => {
    effects.push(body as unknown as Effect)
    status(200, { number: effects.length })(response, request, { path: '', headers: {}, body })
  })
  return { url: server.origin, effects, close: server.close }
}
