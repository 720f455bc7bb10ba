import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider'
import type { FinishReason, ProviderMetadata } from '../wire/chunk.ts'
import { ModelFault } from './model-event.ts'
import type { ModelEvent } from './model-event.ts'
import type { AssistantPart, CallResult, OfferedTool, PromptMessage } from './prompt.ts'

// The one file that speaks LanguageModelV4: the specification changes about once a year.

export type { LanguageModelV4 } from '@ai-sdk/provider'

export interface ModelCall {
  readonly system: string
  readonly messages: readonly PromptMessage[]
  readonly tools: readonly OfferedTool[]
  readonly signal: AbortSignal
  /** Milliseconds without a part until the call is given up. */
  readonly idleMs: number
}

/**
 * One model call as events. Throws a ModelFault where the provider fails, falls silent, or breaks off; throws
 * `signal.reason` where it was told to stop. However it ends, the upstream connection is closed.
 */
export async function* callModel(model: LanguageModelV4, call: ModelCall): AsyncGenerator<ModelEvent, void, undefined> {
  const ending = new AbortController()
  const stop = () => ending.abort(call.signal.reason)
  const idle = setTimeout(() => ending.abort(new ModelFault('model_idle', 'The model fell silent. Ask again.')), call.idleMs)
  call.signal.addEventListener('abort', stop, { once: true })
  if (call.signal.aborted) stop()
  try {
    const reader = await openStream(model, optionsOf(call, ending.signal), ending.signal)
    let finished = false
    while (true) {
      const { done, value } = await reader.read()
      if (ending.signal.aborted) throw ending.signal.reason
      if (done) break
      idle.refresh()
      const event = eventOf(value)
      if (!event) continue
      finished ||= event.type === 'finish'
      yield event
    }
    if (!finished) throw new ModelFault('model_empty', 'The model broke off. Ask again.')
  } catch (error) {
    if (call.signal.aborted) throw call.signal.reason
    if (error instanceof ModelFault) throw error
    throw new ModelFault('model_error', 'The model could not answer. Try again in a moment.', error)
  } finally {
    clearTimeout(idle)
    call.signal.removeEventListener('abort', stop)
    ending.abort()
  }
}

/** The model's parts. A provider need not honour its signal: when it fires, nobody waits for the provider any longer. */
async function openStream(
  model: LanguageModelV4,
  options: LanguageModelV4CallOptions,
  signal: AbortSignal,
): Promise<ReadableStreamDefaultReader<LanguageModelV4StreamPart>> {
  const answer = Promise.resolve(model.doStream(options)).then(({ stream }) => {
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

function optionsOf({ system, messages, tools }: ModelCall, abortSignal: AbortSignal): LanguageModelV4CallOptions {
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
      return { role: 'user', content: [{ type: 'text', text: message.text }] }
    case 'assistant':
      return { role: 'assistant', content: message.parts.map(assistantPartOf) }
    case 'tool':
      return { role: 'tool', content: message.results.map(toolResultOf) }
  }
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

/** Null for parts that say nothing to the loop, and for kinds that a later specification adds. */
function eventOf(part: LanguageModelV4StreamPart): ModelEvent | null {
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
      return { type: 'finish', reason: part.finishReason.unified as FinishReason, usage: part.usage }
    case 'error':
      throw part.error
    default:
      return null
  }
}

function provided(part: { readonly providerMetadata?: unknown }): { readonly providerMetadata?: ProviderMetadata } {
  return part.providerMetadata ? { providerMetadata: part.providerMetadata as ProviderMetadata } : {}
}
