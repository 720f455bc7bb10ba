import { UnsupportedFunctionalityError } from '@ai-sdk/provider'
import type {
  LanguageModelV4CallOptions as CallOptions,
  LanguageModelV4Message as Message,
  LanguageModelV4ToolResultOutput as Output,
  SharedV4Warning as Warning,
} from '@ai-sdk/provider'
import { METADATA_KEY } from './chat-completions-calls.ts'

type Json = Readonly<Record<string, unknown>>
type Tool = NonNullable<CallOptions['tools']>[number]
type Content<Role> = Extract<Message, { readonly role: Role; readonly content: readonly unknown[] }>['content'][number]

/** The body of a request; what is undefined in it is not sent. Throws for what this protocol, as Ambit speaks it, cannot say. */
export function requestBody(model: string, options: CallOptions): Json {
  const { tools = [], toolChoice } = options
  const offered = tools.length > 0 && { tools: tools.map(toolOf), tool_choice: toolChoice && choiceOf(toolChoice) }
  return {
    model,
    max_tokens: options.maxOutputTokens,
    temperature: options.temperature,
    top_p: options.topP,
    frequency_penalty: options.frequencyPenalty,
    presence_penalty: options.presencePenalty,
    stop: options.stopSequences,
    seed: options.seed,
    messages: options.prompt.flatMap(messagesOf),
    ...offered,
    stream: true,
    stream_options: { include_usage: true },
  }
}

/** What was asked for and is not sent. */
export function warningsOf(options: CallOptions): Warning[] {
  const left = (['topK', 'responseFormat', 'reasoning'] as const).filter((name) => options[name] !== undefined)
  return left.map((feature) => ({ type: 'unsupported', feature }))
}

function messagesOf(message: Message): readonly Json[] {
  switch (message.role) {
    case 'system':
      return [{ role: 'system', content: message.content }]
    case 'user': {
      const [first, ...more] = message.content
      return [{ role: 'user', content: first?.type === 'text' && more.length === 0 ? first.text : message.content.map(saidPart) }]
    }
    case 'assistant':
      return [answerOf(message.content)]
    case 'tool':
      return message.content.map(resultOf)
  }
}

function saidPart(part: Content<'user'>): Json {
  if (part.type === 'text') return { type: 'text', text: part.text }
  if (!part.mediaType.startsWith('image/') || part.data.type !== 'data') return cannotSay(`a file that is no image (${part.mediaType}), or not at hand`)
  const { data } = part.data
  const base64 = typeof data === 'string' ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
  return { type: 'image_url', image_url: { url: `data:${part.mediaType};base64,${base64}` } }
}

/** Thoughts go back too: some models go on from them within an answer, and the others' servers leave them out. */
function answerOf(parts: readonly Content<'assistant'>[]): Json {
  let text = ''
  let thoughts = ''
  const calls: Json[] = []
  for (const part of parts) {
    if (part.type === 'text') text += part.text
    else if (part.type === 'reasoning') thoughts += part.text
    else if (part.type === 'tool-call') calls.push(callOf(part))
    else cannotSay(`a part of type ${part.type}`)
  }
  return {
    role: 'assistant',
    content: text === '' && calls.length > 0 ? null : text,
    ...(thoughts !== '' && { reasoning_content: thoughts }),
    ...(calls.length > 0 && { tool_calls: calls }),
  }
}

function callOf({ toolCallId: id, toolName: name, input, providerOptions }: Extract<Content<'assistant'>, { readonly type: 'tool-call' }>): Json {
  const signature = providerOptions?.[METADATA_KEY]?.['thoughtSignature']
  return {
    id,
    type: 'function',
    function: { name, arguments: JSON.stringify(input ?? {}) },
    ...(typeof signature === 'string' && { extra_content: { google: { thought_signature: signature } } }),
  }
}

function resultOf(part: Content<'tool'>): Json {
  if (part.type !== 'tool-result') return cannotSay(`a part of type ${part.type}`)
  return { role: 'tool', tool_call_id: part.toolCallId, content: outputOf(part.output) }
}

function outputOf(output: Output): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value
    case 'execution-denied':
      return output.reason ?? 'This tool call was denied.'
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value)
    case 'content':
      return cannotSay('a tool result of several parts')
  }
}

function toolOf(tool: Tool): Json {
  if (tool.type !== 'function') return cannotSay('a tool of the provider')
  const { name, description, inputSchema: parameters, strict } = tool
  return { type: 'function', function: { name, description, parameters, strict } }
}

function choiceOf(choice: NonNullable<CallOptions['toolChoice']>): unknown {
  return choice.type === 'tool' ? { type: 'function', function: { name: choice.toolName } } : choice.type
}

function cannotSay(functionality: string): never {
  throw new UnsupportedFunctionalityError({ functionality })
}
