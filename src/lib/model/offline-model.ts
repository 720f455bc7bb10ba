import { setTimeout as pause } from 'node:timers/promises'
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions as CallOptions,
  LanguageModelV4StreamPart as StreamPart,
  LanguageModelV4Usage as Usage,
} from '@ai-sdk/provider'
import { collectParts } from './collect-parts.ts'
import { planOfflineTurn, type OfflineTurn } from './offline-plan.ts'

export interface OfflineModelOptions {
  /** Time between two words, so that a person sees an answer stream. With 0 no timer is ever set. */
  readonly delayMs?: number
}

/**
 * A model that needs no key and no network, so that a newcomer sees the whole machine move and tests need no provider. It is honest about what it
 * is: it calls the tools that the question asks for and quotes what they return. No chance, no clock, no state: one prompt, one answer.
 */
export function offlineModel({ delayMs = 15 }: OfflineModelOptions = {}): LanguageModelV4 {
  const stream = (options: CallOptions) => streamParts(partsOf(options), delayMs, options.abortSignal)
  return {
    specificationVersion: 'v4',
    provider: 'ambit',
    modelId: 'offline',
    supportedUrls: {},
    async doStream(options) {
      options.abortSignal?.throwIfAborted()
      return { stream: stream(options) }
    },
    async doGenerate(options) {
      options.abortSignal?.throwIfAborted()
      return collectParts(stream(options))
    },
  }
}

function* partsOf(options: CallOptions): Generator<StreamPart, void, undefined> {
  yield { type: 'stream-start', warnings: [] }
  const turn = planOfflineTurn(options)
  yield* 'say' in turn ? textParts(turn.say) : callParts(turn)
  yield {
    type: 'finish',
    usage: usageOf(options, turn),
    finishReason: 'say' in turn ? { unified: 'stop', raw: 'stop' } : { unified: 'tool-calls', raw: 'tool-calls' },
  }
}

function* textParts(text: string): Generator<StreamPart, void, undefined> {
  yield { type: 'text-start', id: 'text' }
  for (const delta of wordsOf(text)) yield { type: 'text-delta', id: 'text', delta }
  yield { type: 'text-end', id: 'text' }
}

function* callParts({ calls, callCount }: Extract<OfflineTurn, { calls: unknown }>): Generator<StreamPart, void, undefined> {
  for (const [at, { toolName, input }] of calls.entries()) {
    const id = `offline-${callCount + at + 1}`
    const json = JSON.stringify(input)
    yield { type: 'tool-input-start', id, toolName }
    for (const delta of wordsOf(json)) yield { type: 'tool-input-delta', id, delta }
    yield { type: 'tool-input-end', id }
    yield { type: 'tool-call', toolCallId: id, toolName, input: json }
  }
}

/** Together they are the text again: each word keeps the space before it. */
function wordsOf(text: string): string[] {
  return text.match(/\s*\S+\s*$|\s*\S+/g) ?? []
}

/** Produces a part when it is asked for one, and waits only then: a reader that has left, or an abort, leaves nothing behind. */
function streamParts(parts: Iterator<StreamPart>, delayMs: number, abortSignal: AbortSignal | undefined): ReadableStream<StreamPart> {
  const left = new AbortController()
  const signal = abortSignal === undefined ? left.signal : AbortSignal.any([abortSignal, left.signal])
  return new ReadableStream<StreamPart>(
    {
      async pull(controller) {
        signal.throwIfAborted()
        const { done, value } = parts.next()
        if (done) return controller.close()
        // The timer's own rejection is an AbortError; the caller is owed the reason it gave.
        if (delayMs > 0 && 'delta' in value) await pause(delayMs, undefined, { signal }).catch(() => signal.throwIfAborted())
        controller.enqueue(value)
      },
      cancel: (reason) => left.abort(reason),
    },
    { highWaterMark: 0 },
  )
}

/** About three bytes are a token. This model has no tokens of its own; the estimate makes budgets and quotas move as they would with another. */
function usageOf({ prompt, tools }: CallOptions, turn: OfflineTurn): Usage {
  const input = tokensIn({ prompt, tools })
  const output = 'say' in turn ? tokensIn(turn.say) : tokensIn(turn.calls)
  return {
    inputTokens: { total: input, noCache: input, cacheRead: 0, cacheWrite: 0 },
    outputTokens: { total: output, text: output, reasoning: 0 },
  }
}

function tokensIn(value: unknown): number {
  const json = JSON.stringify(value, (_key, item: unknown) => (item instanceof Uint8Array ? undefined : item))
  return Math.ceil(Buffer.byteLength(json) / 3)
}
