import { InvalidResponseDataError } from '@ai-sdk/provider'
import type {
  LanguageModelV4FinishReason as FinishReason,
  LanguageModelV4StreamPart as Part,
  LanguageModelV4Usage as Usage,
} from '@ai-sdk/provider'
import { createCallReader } from './chat-completions-calls.ts'
import { isChunk, isRecord } from './chat-completions-chunk.ts'
import type { Chunk, Delta } from './chat-completions-chunk.ts'

/** One answer of the chat completions protocol, from the data of its events to parts. */
export interface PartReader {
  take(data: string): void
  /** The bytes are at their end. */
  end(): void
  /** Nothing comes any more: it has said an error. */
  failed(): boolean
}

type Block = 'text' | 'reasoning'

/**
 * The parts of an event are said in the call that brings it. Whatever comes, what is said is sound: what was begun is ended,
 * the last part is a finish, and the one before it an error where the answer is not whole.
 */
export function createPartReader(emit: (part: Part) => void, mintId: () => string): PartReader {
  const calls = createCallReader(emit, mintId)
  let block: Block | null = null
  let begun = false
  let failed = false
  let refused = false
  let reason: string | null = null
  let usage: unknown

  const close = (): void => {
    if (block) emit({ type: block === 'text' ? 'text-end' : 'reasoning-end', id: block })
    block = null
  }

  const write = (kind: Block, delta: string): void => {
    if (block !== kind) {
      close()
      block = kind
      emit({ type: kind === 'text' ? 'text-start' : 'reasoning-start', id: kind })
    }
    emit({ type: kind === 'text' ? 'text-delta' : 'reasoning-delta', id: kind, delta })
  }

  const finish = (finishReason: FinishReason): void => {
    close()
    emit({ type: 'finish', finishReason, usage: usageOf(usage) })
  }

  const fail = (error: unknown): void => {
    failed = true
    emit({ type: 'error', error })
    finish({ unified: 'error', raw: undefined })
  }

  const takeDelta = ({ content, reasoning_content: thought, reasoning, refusal, tool_calls: pieces }: Delta): void => {
    const thinks = thought ?? reasoning
    if (thinks) write('reasoning', thinks)
    if (typeof content === 'string') {
      if (content !== '') write('text', content)
    } else if (content) {
      for (const [kind, text] of content.flatMap(textsOf)) write(kind, text)
    }
    if (typeof refusal === 'string' && refusal !== '') {
      refused = true
      write('text', refusal)
    }
    if (!pieces || pieces.length === 0) return
    if (block === 'reasoning') close()
    if (!pieces.every(calls.take)) fail(broken('The provider sent more tool calls than anybody makes.'))
  }

  return {
    failed: () => failed,
    take(data) {
      if (failed || data === '[DONE]') return
      const json = parse(data)
      if (json === undefined) return fail(broken('The provider sent what is no JSON.'))
      if (isRecord(json) && json['error']) return fail(errorOf(json['error']))
      if (!isChunk(json)) return fail(broken('The provider sent JSON that is not of its protocol.'))
      if (!begun) emit(metadataOf(json))
      begun = true
      usage = json.usage ?? usage
      const choice = json.choices[0]
      reason = choice?.finish_reason ?? reason
      if (choice?.delta) takeDelta(choice.delta)
    },
    end() {
      if (failed) return
      close()
      // Without one nobody knows what is missing: a call that was cut may be whole JSON and do something else.
      if (reason === null) return fail(broken('The provider ended its answer without a finish reason.'))
      if (!calls.end()) return fail(broken('The provider sent a tool call without a name.'))
      finish({ unified: unifiedOf(reason, refused), raw: reason })
    },
  }
}

/** Undefined for what is no JSON: the parser's own words repeat the text, which is content. */
function parse(data: string): unknown {
  try {
    return JSON.parse(data)
  } catch {
    return undefined
  }
}

/** Errors within a stream are passed on as they are. Some servers send no more than a text. */
function errorOf(error: unknown): unknown {
  return typeof error === 'string' ? { message: error } : error
}

function broken(message: string): Error {
  return new InvalidResponseDataError({ data: undefined, message })
}

function metadataOf({ id, model }: Chunk): Part {
  return { type: 'response-metadata', ...(typeof id === 'string' && { id }), ...(typeof model === 'string' && { modelId: model }) }
}

/** Parts of Mistral's models, whose thoughts are lists of texts. Others are left out. */
function textsOf(part: unknown): readonly (readonly [Block, string])[] {
  if (!isRecord(part)) return []
  if (part['type'] === 'text' && typeof part['text'] === 'string' && part['text'] !== '') return [['text', part['text']]]
  if (part['type'] !== 'thinking' || !Array.isArray(part['thinking'])) return []
  const thought = part['thinking'].flatMap(textsOf).map(([, text]) => text).join('')
  return thought === '' ? [] : [['reasoning', thought]]
}

function unifiedOf(reason: string, refused: boolean): FinishReason['unified'] {
  switch (reason) {
    case 'stop':
      return refused ? 'content-filter' : 'stop'
    case 'length':
      return 'length'
    case 'content_filter':
      return 'content-filter'
    case 'tool_calls':
    case 'function_call':
      return 'tool-calls'
    default:
      return 'other'
  }
}

/** What was not said is unknown, and not 0. */
function usageOf(usage: unknown): Usage {
  const input = count(usage, 'prompt_tokens')
  const output = count(usage, 'completion_tokens')
  const cached = count(detail(usage, 'prompt_tokens_details'), 'cached_tokens')
  const reasoning = count(detail(usage, 'completion_tokens_details'), 'reasoning_tokens')
  return {
    inputTokens: { total: input, noCache: rest(input, cached), cacheRead: cached, cacheWrite: undefined },
    outputTokens: { total: output, text: rest(output, reasoning), reasoning },
  }
}

function detail(usage: unknown, name: string): unknown {
  return isRecord(usage) ? usage[name] : undefined
}

function count(of: unknown, name: string): number | undefined {
  const tokens = detail(of, name)
  return typeof tokens === 'number' && tokens >= 0 ? tokens : undefined
}

function rest(all: number | undefined, part: number | undefined): number | undefined {
  return all === undefined || part === undefined ? undefined : Math.max(0, all - part)
}
