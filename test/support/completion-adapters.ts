import type { LanguageModelV4, LanguageModelV4CallOptions as CallOptions, LanguageModelV4StreamPart as Part } from '@ai-sdk/provider'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { chatCompletionsModel } from '../../src/lib/model/chat-completions.ts'
import type { ProviderAnswer } from '../../src/lib/model/provider-connection.ts'

// Two adapters of the chat completions protocol on the same bytes: Ambit's, and the package whose place it has taken.

export const ASKED: CallOptions = { prompt: [{ role: 'user', content: [{ type: 'text', text: 'Hello?' }] }] }

/** What one call of a model was told, and what it said. */
export interface Heard {
  readonly parts: readonly Part[]
  readonly body: unknown
}

/** `pieces` are the answer, read by read. */
export async function askOwn(pieces: readonly Uint8Array[], options: CallOptions = ASKED): Promise<Heard> {
  let body: unknown
  const model = chatCompletionsModel('x', {
    baseURL: 'http://provider.test/v1',
    connection: async (request) => {
      body = JSON.parse(String(request.body))
      return answerOf(pieces)
    },
  })
  return { parts: await partsOf(model, options), body }
}

export async function askPackage(pieces: readonly Uint8Array[], options: CallOptions = ASKED): Promise<Heard> {
  let body: unknown
  const provider = createOpenAICompatible({
    name: 'openai-compatible',
    includeUsage: true,
    baseURL: 'http://provider.test/v1',
    fetch: async (_, init) => {
      body = JSON.parse(String(init?.body))
      return new Response(ReadableStream.from(pieces), { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  return { parts: await partsOf(provider('x'), options), body }
}

function answerOf(pieces: readonly Uint8Array[]): ProviderAnswer {
  const left = pieces.values()
  return {
    status: 200,
    headers: { 'content-type': 'text/event-stream' },
    read: async () => left.next().value ?? null,
    words: async () => '',
    close: () => {},
  }
}

async function partsOf(model: LanguageModelV4, options: CallOptions): Promise<readonly Part[]> {
  const { stream } = await model.doStream(options)
  const parts: Part[] = []
  for await (const part of stream) parts.push(part)
  return parts
}

/**
 * Parts without what no reader goes by: what an adapter minted itself is `new 1`, `new 2`; what a provider attached to the
 * whole answer, and what comes after an error, are left out.
 */
export function comparable(parts: readonly Part[], wire: string): readonly unknown[] {
  const minted = new Map<string, string>()
  const idOf = (id: string): string => {
    const block = id === 'txt-0' || id === 'text' ? 'text' : id.startsWith('reasoning') ? 'reasoning' : null
    if (block !== null || wire.includes(JSON.stringify(id).slice(1, -1))) return block ?? id
    const known = minted.get(id) ?? `new ${minted.size + 1}`
    minted.set(id, known)
    return known
  }
  const end = parts.findIndex((part) => part.type === 'error')
  const heard = end < 0 ? parts : parts.slice(0, end + 1)
  return heard.flatMap((part): unknown[] => {
    switch (part.type) {
      case 'response-metadata':
        return []
      case 'error':
        return [{ type: 'error' }]
      case 'tool-input-delta':
        return part.delta === '' ? [] : [{ ...part, id: idOf(part.id) }]
      case 'tool-call':
        return [{ ...part, toolCallId: idOf(part.toolCallId) }]
      case 'finish':
        return [{ type: 'finish', finishReason: part.finishReason, usage: { inputTokens: part.usage.inputTokens, outputTokens: part.usage.outputTokens } }]
      default:
        return 'id' in part && part.id !== undefined ? [{ ...part, id: idOf(part.id) }] : [part]
    }
  })
}

/** As one read; with `at`, cut there. */
export function cut(wire: string, ...at: readonly number[]): readonly Uint8Array[] {
  const bytes = Buffer.from(wire)
  const cuts = [0, ...at.toSorted((a, b) => a - b), bytes.length]
  return cuts.slice(1).map((end, index) => bytes.subarray(cuts[index], end)).filter((piece) => piece.length > 0)
}
