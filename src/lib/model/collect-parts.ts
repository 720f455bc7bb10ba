import type {
  LanguageModelV4Content as Content,
  LanguageModelV4GenerateResult as GenerateResult,
  LanguageModelV4StreamPart as Part,
  SharedV4Warning as Warning,
} from '@ai-sdk/provider'

/** A streamed answer as a whole one. Throws what an error part holds. */
export async function collectParts(stream: ReadableStream<Part>): Promise<GenerateResult> {
  const content: Content[] = []
  let warnings: Warning[] = []
  let text = ''
  for await (const part of stream) {
    switch (part.type) {
      case 'stream-start':
        warnings = part.warnings
        break
      case 'text-start':
      case 'reasoning-start':
        text = ''
        break
      case 'text-delta':
      case 'reasoning-delta':
        text += part.delta
        break
      case 'text-end':
      case 'reasoning-end':
        content.push({ type: part.type === 'text-end' ? 'text' : 'reasoning', text })
        break
      case 'tool-call':
        content.push(part)
        break
      case 'error':
        throw part.error
      case 'finish':
        return { content, finishReason: part.finishReason, usage: part.usage, warnings }
    }
  }
  throw new Error('A model ended without a finish part.')
}
