import type { ProviderMetadata } from '../wire/chunk.ts'

/** All that a model call is told. */
export interface ModelPrompt {
  readonly system: string
  readonly messages: readonly PromptMessage[]
  readonly tools: readonly OfferedTool[]
}

/** What the model is told and said itself, in Ambit's words: only `language-model.ts` knows the provider's. */
export type PromptMessage =
  | { readonly role: 'user'; readonly text: string; readonly images?: readonly PromptImage[] }
  | { readonly role: 'assistant'; readonly parts: readonly AssistantPart[] }
  | { readonly role: 'tool'; readonly results: readonly CallResult[] }

export interface PromptImage {
  readonly mediaType: string
  readonly bytes: Uint8Array
}

export type AssistantPart =
  | { readonly type: 'text' | 'reasoning'; readonly text: string; readonly providerMetadata?: ProviderMetadata | undefined }
  | {
      readonly type: 'call'
      readonly callId: string
      readonly name: string
      readonly input: unknown
      readonly providerMetadata?: ProviderMetadata | undefined
    }

export interface CallResult {
  readonly callId: string
  readonly name: string
  readonly output: { readonly type: 'json'; readonly value: unknown } | { readonly type: 'error'; readonly text: string }
}

/** A tool as the model is shown it. */
export interface OfferedTool {
  readonly name: string
  readonly description: string
  /** JSON Schema of its arguments. */
  readonly inputSchema: Readonly<Record<string, unknown>>
}
