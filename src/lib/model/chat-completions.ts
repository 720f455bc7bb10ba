import { STATUS_CODES } from 'node:http'
import { APICallError } from '@ai-sdk/provider'
import type { LanguageModelV4, LanguageModelV4CallOptions as CallOptions, LanguageModelV4StreamPart as Part } from '@ai-sdk/provider'
import { isRecord } from './chat-completions-chunk.ts'
import { createPartReader } from './chat-completions-parts.ts'
import { requestBody, warningsOf } from './chat-completions-request.ts'
import { collectParts } from './collect-parts.ts'
import { createEventReader } from './event-lines.ts'
import type { ProviderAnswer, ProviderConnection } from './provider-connection.ts'

/** Where a server of the chat completions protocol is. */
export interface ChatCompletions {
  readonly baseURL: string
  /** Absent where it asks for none. */
  readonly apiKey?: string
  readonly connection: ProviderConnection
}

/**
 * A model behind the chat completions protocol, the wire of local and self-hosted models. Spoken by hand, because most of
 * what a token costs is here (decisions/0005): between the socket and the parts is one stream, and an event is parsed once.
 * It asks for what Ambit asks for, texts and tools; what it cannot say is an error or a warning.
 */
export function chatCompletionsModel(modelId: string, server: ChatCompletions): LanguageModelV4 {
  const url = addressOf(server.baseURL)
  const credential = server.apiKey !== undefined && { authorization: `Bearer ${server.apiKey}` }
  const headers = { 'content-type': 'application/json', 'user-agent': 'ambit', ...credential }
  const doStream: LanguageModelV4['doStream'] = async (options) => {
    const body = JSON.stringify(requestBody(modelId, options))
    const answer = await server.connection({ url, method: 'POST', headers, body, signal: options.abortSignal ?? null })
    await demandEvents(answer, { url, modelId })
    return { stream: partsOf(answer, options) }
  }
  return {
    specificationVersion: 'v4',
    provider: 'openai-compatible',
    modelId,
    supportedUrls: {},
    doStream,
    doGenerate: async (options) => collectParts((await doStream(options)).stream),
  }
}

/** A query stays one: some gateways want their version there. */
function addressOf(baseURL: string): URL {
  const url = new URL(baseURL)
  url.pathname = `${url.pathname.replace(/\/$/, '')}/chat/completions`
  return url
}

/** All parts that a read brings are said before the next one. Whoever cancels closes the connection, and so does an error. */
function partsOf(answer: ProviderAnswer, options: CallOptions): ReadableStream<Part> {
  let pull: () => Promise<void>
  return new ReadableStream<Part>(
    {
      start(controller) {
        controller.enqueue({ type: 'stream-start', warnings: warningsOf(options) })
        pull = createPull(answer, options, controller)
      },
      pull: () => pull(),
      cancel: () => answer.close(),
    },
    { highWaterMark: 0 },
  )
}

function createPull(answer: ProviderAnswer, { prompt }: CallOptions, controller: ReadableStreamDefaultController<Part>): () => Promise<void> {
  let said = false
  const say = (part: Part): void => {
    said = true
    controller.enqueue(part)
  }
  const parts = createPartReader(say, createIds(prompt))
  const events = createEventReader(parts.take)
  return async () => {
    said = false
    for (;;) {
      const bytes = await answer.read()
      if (bytes) events.take(bytes)
      else parts.end()
      if (!bytes || parts.failed()) {
        answer.close()
        return controller.close()
      }
      if (said) return // and not before: a pull that brings no part is not made again
    }
  }
}

/** Ids that are new in the conversation, for calls without one. No chance in it: the same prompt and answer have the same ids. */
function createIds(prompt: CallOptions['prompt']): () => string {
  let count = 0
  let taken: ReadonlySet<string> | undefined
  return () => {
    taken ??= new Set(prompt.flatMap(callIdsIn))
    do count += 1
    while (taken.has(`call_${count}`))
    return `call_${count}`
  }
}

function callIdsIn({ role, content }: CallOptions['prompt'][number]): readonly string[] {
  return role === 'assistant' ? content.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : [])) : []
}

const EXCERPT = 2_000

/** Throws where the answer is a refusal, or no stream of events: a page of some proxy, or a server that does not stream. */
async function demandEvents(answer: ProviderAnswer, { url, modelId }: { readonly url: URL; readonly modelId: string }): Promise<void> {
  const { status, headers } = answer
  const type = headers['content-type'] ?? EVENTS
  if (status < 400 && type.toLowerCase().startsWith(EVENTS)) return
  const body = await answer.words()
  throw new APICallError({
    message: wordsIn(body) ?? (status < 400 ? noEvents(type) : (STATUS_CODES[status] ?? `Status ${status}`)),
    url: url.href,
    requestBodyValues: { model: modelId }, // and nothing of what was asked
    statusCode: status,
    responseHeaders: headers,
    responseBody: body.slice(0, EXCERPT),
  })
}

const EVENTS = 'text/event-stream'

function noEvents(type: string): string {
  return `The provider answered ${type.slice(0, 100)}, and not a stream of events. Its base URL must be the address of its API.`
}

/** What a server says of its error. Any other text may be content, or a page. */
function wordsIn(body: string): string | null {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return null // a page, or cut
  }
  if (!isRecord(json)) return null
  const { error, message, detail } = json
  const words = [isRecord(error) ? error['message'] : error, message, detail].find((one) => typeof one === 'string' && one !== '')
  return typeof words === 'string' ? words : null
}
