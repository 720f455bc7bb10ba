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
  | { readonly type: 'finish'; readonly reason: FinishReason; readonly usage: unknown }

/** Why a model call failed. `message` is safe for people; the provider's own words are the `cause`, for the log only. */
export class ModelFault extends Error {
  readonly code: 'model_error' | 'model_idle' | 'model_empty'

  constructor(code: ModelFault['code'], message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'ModelFault'
    this.code = code
  }
}
