import { APICallError, InvalidResponseDataError, JSONParseError, TypeValidationError } from '@ai-sdk/provider'
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider'
import type { FinishReason, ProviderMetadata } from '../wire/chunk.ts'
import type { ModelEvent, ModelFailure, ModelUsage } from './model-event.ts'
import type { AssistantPart, CallResult, ModelPrompt, OfferedTool, PromptMessage } from './prompt.ts'

// The one file by which a run speaks LanguageModelV4, errors included: the specification changes about once a year.
// Ambit's own models are on its other side.

export type { LanguageModelV4 } from '@ai-sdk/provider'

type Part = LanguageModelV4StreamPart

/**
 * Calls a model, and answers a reader of its parts. A provider need not honour its signal: when it fires, nobody waits for
 * the provider any longer, and what it opens later is cancelled.
 */
export async function openParts(model: LanguageModelV4, prompt: ModelPrompt, signal: AbortSignal): Promise<ReadableStreamDefaultReader<Part>> {
  const answer = Promise.resolve(model.doStream(optionsOf(prompt, signal))).then(({ stream }) => {
    const reader = stream.getReader()
    // Cancelling ends a read that is under way; on a stream that has failed it rejects with what is already known.
    const cancel = () => void reader.cancel().catch(() => {})
    signal.addEventListener('abort', cancel, { once: true })
    if (signal.aborted) cancel()
    return reader
  })
  return new Promise((resolve, reject) => {
    answer.then(resolve, reject)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal.aborted) reject(signal.reason)
  })
}

function optionsOf({ system, messages, tools }: ModelPrompt, abortSignal: AbortSignal): LanguageModelV4CallOptions {
  return {
    prompt: [{ role: 'system', content: system }, ...messages.map(messageOf)],
    abortSignal,
    ...(tools.length > 0 && { tools: tools.map(toolOf), toolChoice: { type: 'auto' as const } }),
  }
}

function toolOf({ name, description, inputSchema }: OfferedTool): LanguageModelV4FunctionTool {
  return { type: 'function', name, description, inputSchema: inputSchema as LanguageModelV4FunctionTool['inputSchema'] }
}

function messageOf(message: PromptMessage): LanguageModelV4Message {
  switch (message.role) {
    case 'user':
      return { role: 'user', content: userPartsOf(message) }
    case 'assistant':
      return { role: 'assistant', content: message.parts.map(assistantPartOf) }
    case 'tool':
      return { role: 'tool', content: message.results.map(toolResultOf) }
  }
}

/** Images first: providers advise it, and what follows can speak of them. */
function userPartsOf({ text, images = [] }: Extract<PromptMessage, { readonly role: 'user' }>) {
  const shown = images.map(({ mediaType, bytes }) => ({ type: 'file' as const, mediaType, data: { type: 'data' as const, data: bytes } }))
  return text === '' && shown.length > 0 ? shown : [...shown, { type: 'text' as const, text }]
}

function assistantPartOf(part: AssistantPart) {
  const options = part.providerMetadata && { providerOptions: part.providerMetadata as SharedV4ProviderOptions }
  return part.type === 'call'
    ? { type: 'tool-call' as const, toolCallId: part.callId, toolName: part.name, input: part.input, ...options }
    : { type: part.type, text: part.text, ...options }
}

function toolResultOf({ callId, name, output }: CallResult) {
  return {
    type: 'tool-result' as const,
    toolCallId: callId,
    toolName: name,
    output:
      output.type === 'json'
        ? { type: 'json' as const, value: output.value as never }
        : { type: 'error-text' as const, value: output.text },
  }
}

/** Whether a part comes from the provider. The first one does not: its package says it as soon as there is a response. */
export function isSignOfLife(part: Part): boolean {
  return part.type !== 'stream-start'
}

/** Null for parts that say nothing to the loop, and for kinds that a later specification adds. Throws what an error part holds. */
export function eventOf(part: Part): ModelEvent | null {
  switch (part.type) {
    case 'text-delta':
    case 'reasoning-delta':
      return { type: part.type, id: part.id, delta: part.delta, ...provided(part) }
    case 'text-start':
    case 'text-end':
    case 'reasoning-start':
    case 'reasoning-end':
      return { type: part.type, id: part.id, ...provided(part) }
    case 'tool-input-start':
      return part.providerExecuted ? null : { type: 'call-start', id: part.id, name: part.toolName }
    case 'tool-input-delta':
      return { type: 'call-delta', id: part.id, delta: part.delta }
    case 'tool-call':
      return part.providerExecuted
        ? null
        : { type: 'call', id: part.toolCallId, name: part.toolName, input: part.input, ...provided(part) }
    case 'source':
      return part.sourceType === 'url' ? { type: 'source-url', id: part.id, url: part.url, title: part.title } : null
    case 'finish':
      // Some packages end a stream that was cut with a finish of their own: for Ambit it has none.
      if (part.finishReason.unified === 'interrupted') return null
      return { type: 'finish', reason: part.finishReason.unified as FinishReason, usage: usageOf(part.usage) }
    case 'error':
      throw part.error
    default:
      return null
  }
}

/**
 * Only numbers, and only those that the provider gave: some packages write 0 for what is missing, but no prompt has no
 * tokens, so a 0 there says that nothing was counted.
 */
function usageOf({ inputTokens: input, outputTokens: output }: LanguageModelV4Usage): ModelUsage {
  if (!input.total && !output.total) return { inputTokens: {}, outputTokens: {} }
  return {
    inputTokens: input.total ? counted({ total: input.total, noCache: input.noCache, cacheRead: input.cacheRead, cacheWrite: input.cacheWrite }) : {},
    outputTokens: counted({ total: output.total, text: output.text, reasoning: output.reasoning }),
  }
}

function counted<Name extends string>(figures: Readonly<Record<Name, number | undefined>>): { readonly [name in Name]?: number } {
  const known = Object.entries<number | undefined>(figures).filter(([, tokens]) => tokens !== undefined && Number.isFinite(tokens) && tokens >= 0)
  return Object.fromEntries(known) as { readonly [name in Name]?: number }
}

function provided(part: { readonly providerMetadata?: unknown }): { readonly providerMetadata?: ProviderMetadata } {
  return part.providerMetadata ? { providerMetadata: part.providerMetadata as ProviderMetadata } : {}
}

/** What an error of a model call means. */
export function failureOf(error: unknown): ModelFailure {
  const status = statusOf(error)
  const cut = isConnectionLost(error)
  const told = isRecord(error) && typeof error['isRetryable'] === 'boolean' ? error['isRetryable'] : null
  return {
    cause: loggable(error),
    retryable: cut || (told ?? (status !== null && (status === 408 || status === 409 || status === 429 || status >= 500))),
    providerFault: cut || (status !== null && (status === 408 || status === 429 || status >= 500)),
    retryAfterMs: APICallError.isInstance(error) ? retryAfterMs(error.responseHeaders ?? {}) : null,
  }
}

/** Errors inside a stream are plain objects, and some servers write the status as their code. */
function statusOf(error: unknown): number | null {
  if (!isRecord(error)) return null
  const status = typeof error['statusCode'] === 'number' ? error['statusCode'] : error['code']
  return typeof status === 'number' && status >= 400 && status < 600 ? status : null
}

const CONNECTION_LOST = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EAI_AGAIN',
  'UND_ERR_SOCKET', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT',
])
const MAX_CAUSES = 5

function isConnectionLost(error: unknown, depth = 0): boolean {
  if (!(error instanceof Error) || depth > MAX_CAUSES) return false
  const { code } = error as { code?: unknown }
  return (typeof code === 'string' && CONNECTION_LOST.has(code)) || isConnectionLost(error.cause, depth + 1)
}

/** A date is measured against the provider's own, so that no clock of ours matters. */
function retryAfterMs(headers: Readonly<Record<string, string>>): number | null {
  const { 'retry-after-ms': ms = '', 'retry-after': after = '', date = '' } = headers
  if (/^\d+(\.\d+)?$/.test(ms)) return Number(ms)
  if (/^\d+(\.\d+)?$/.test(after)) return Number(after) * 1_000
  const wait = Date.parse(after) - Date.parse(date)
  return Number.isNaN(wait) ? null : Math.max(0, wait)
}

const MAX_WORDS = 500

/** Packages put whole answers into the messages of their errors; these are content, and a log holds none. */
function loggable(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return isRecord(error) ? streamError(error) : String(error).slice(0, MAX_WORDS)
  const unreadable = unreadableWords(error)
  const message = unreadable ?? error.message.slice(0, MAX_WORDS)
  const cause = unreadable === null && error.cause !== undefined && depth < MAX_CAUSES ? loggable(error.cause, depth + 1) : undefined
  if (message === error.message && cause === error.cause) return error
  const { code, statusCode } = error as { code?: unknown; statusCode?: unknown }
  const bounded = Object.assign(new Error(message, { cause }), { name: error.name, code, statusCode })
  bounded.stack = `${error.name}: ${message}` // the stack begins with the message
  return bounded
}

function unreadableWords(error: Error): string | null {
  if (JSONParseError.isInstance(error)) return 'The provider sent what is no JSON.'
  if (TypeValidationError.isInstance(error)) return 'The provider sent JSON that is not of its protocol.'
  if (InvalidResponseDataError.isInstance(error) && error.data !== undefined) return 'The provider sent what breaks its protocol.'
  return null
}

function streamError(error: Readonly<Record<string, unknown>>): Error {
  const { message, type, code, statusCode } = error
  const words = typeof message === 'string' ? message.slice(0, MAX_WORDS) : 'The provider sent an error without words.'
  const short = (field: unknown) => (typeof field === 'string' ? field.slice(0, 100) : typeof field === 'number' ? field : undefined)
  const made = Object.assign(new Error(words), { name: 'ProviderError', code: short(code) ?? short(type), statusCode: short(statusCode) })
  made.stack = `ProviderError: ${words}`
  return made
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
