import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { convertToModelMessages, pipeUIMessageStreamToResponse, streamText, toUIMessageStream } from 'ai'
import type { UIMessage } from 'ai'
import { json } from 'node:stream/consumers'
import { given } from '../parent.ts'
import { serve } from './serve.ts'

// C, `streamText` as the AI SDK's documentation has it: no users, no storage, the client's history as it comes.

const { upstream } = given<{ upstream: string }>()
const model = createOpenAICompatible({ name: 'bench', baseURL: upstream, includeUsage: true })('bench')

await serve(async (request, response) => {
  const { messages } = (await json(request)) as { messages: UIMessage[] }
  const result = streamText({ model, messages: await convertToModelMessages(messages) })
  await pipeUIMessageStreamToResponse({ response, stream: toUIMessageStream({ stream: result.stream }) })
})
