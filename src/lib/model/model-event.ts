import type { FinishReason, ProviderMetadata } from '../wire/chunk.ts'

interface Provided {
  readonly providerMetadata?: ProviderMetadata | undefined
}

/** What a model call yields, in Ambit's words. Ids are the provider's: they repeat between calls. */
export type ModelEvent =
  | ({ readonly type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end'; readonly id: string } & Provided)
  | ({ readonly type: 'text-delta' | 'reasoning-delta'; readonly id: string; readonly delta: string } & Provided)
  | { readonly type: 'call-start'; readonly id: string; readonly name: string }
  | { readonly type: 'call-delta'; readonly id: string; readonly delta: string }
  | ({ readonly type: 'call'; readonly id: string; readonly name: string; readonly input: string } & Provided)
  | { readonly type: 'source-url'; readonly id: string; readonly url: string; readonly title?: string | undefined }
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly usage: ModelUsage }

/** Tokens of a call, as its provider counted them. What it did not say is absent: unknown is never 0. */
export interface ModelUsage {
  readonly inputTokens: { readonly total?: number; readonly noCache?: number; readonly cacheRead?: number; readonly cacheWrite?: number }
  readonly outputTokens: { readonly total?: number; readonly text?: number; readonly reasoning?: number }
}

/** What a failure means for those who may call again. */
export interface ModelFailure {
  /** For the log: the provider's words, bounded, and nothing of what was asked or answered. */
  readonly cause?: unknown
  /** The same call may succeed a moment later. */
  readonly retryable: boolean
  /** Whoever had asked would have met it: no connection, silence, or a status that speaks of the provider. */
  readonly providerFault: boolean
  /** When to try again, where the provider says it. */
  readonly retryAfterMs: number | null
}

const OF_THIS_CALL: ModelFailure = { retryable: false, providerFault: false, retryAfterMs: null }

/** Why a model call failed. `message` is safe for people; the provider's own words are the `cause`, for the log only. */
export class ModelFault extends Error {
  readonly code: 'model_error' | 'model_idle' | 'model_slow' | 'model_empty'
  readonly failure: ModelFailure

  constructor(code: ModelFault['code'], message: string, failure: Partial<ModelFailure> = {}) {
    super(message, { cause: failure.cause })
    this.name = 'ModelFault'
    this.code = code
    this.failure = { ...OF_THIS_CALL, ...failure }
  }
}
