/** Data that a provider attached and wants back, verbatim (thinking signatures, item ids). */
export type ProviderMetadata = Readonly<Record<string, Readonly<Record<string, unknown>>>>

interface Provided {
  readonly providerMetadata?: ProviderMetadata
}

interface CallNamed {
  readonly toolCallId: string
  readonly toolName: string
  /** Always: Ambit's tools are not known to a front end when it is built. */
  readonly dynamic: true
}

/**
 * A run's events: the chunks of the AI SDK UI message stream (ai 7, `UIMessageChunk`) that Ambit sends. `type` is the
 * first key of each, so that a frame's kind can be told from its text.
 */
export type Chunk =
  | { readonly type: 'start'; readonly messageId: string; readonly messageMetadata?: unknown }
  | { readonly type: 'start-step' }
  | { readonly type: 'finish-step' }
  /** In the place of a `start-step`, to a reader who has an attempt at this step that was dropped. Never stored. */
  | { readonly type: 'reset-step' }
  | { readonly type: 'message-metadata'; readonly messageMetadata: unknown }
  | ({ readonly type: 'text-start' | 'text-end' | 'reasoning-start' | 'reasoning-end'; readonly id: string } & Provided)
  | ({ readonly type: 'text-delta' | 'reasoning-delta'; readonly id: string; readonly delta: string } & Provided)
  | ({ readonly type: 'source-url'; readonly sourceId: string; readonly url: string; readonly title?: string } & Provided)
  | ({ readonly type: 'source-document'; readonly sourceId: string; readonly mediaType: string; readonly title: string } & Provided)
  | ({ readonly type: 'tool-input-start' } & CallNamed)
  | { readonly type: 'tool-input-delta'; readonly toolCallId: string; readonly inputTextDelta: string }
  | ({ readonly type: 'tool-input-available'; readonly input: unknown } & CallNamed & Provided)
  | ({ readonly type: 'tool-input-error'; readonly input: unknown; readonly errorText: string } & CallNamed & Provided)
  | { readonly type: 'tool-output-available'; readonly toolCallId: string; readonly output: unknown; readonly dynamic: true }
  | { readonly type: 'tool-output-error'; readonly toolCallId: string; readonly errorText: string; readonly dynamic: true }
  | { readonly type: 'finish'; readonly finishReason: FinishReason }
  | { readonly type: 'abort'; readonly reason: string }
  | { readonly type: 'error'; readonly errorText: string }

export type FinishReason = 'stop' | 'length' | 'content-filter' | 'tool-calls' | 'error' | 'interrupted' | 'other'

/** Exactly one of these ends a run's frames. */
export type TerminalChunk = Extract<Chunk, { type: 'finish' | 'abort' | 'error' }>

export function isTerminal(chunk: Chunk): chunk is TerminalChunk {
  return isTerminalType(chunk.type)
}

export function isTerminalType(type: string): boolean {
  return type === 'finish' || type === 'abort' || type === 'error'
}
