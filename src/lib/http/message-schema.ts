import { z } from 'zod'
import { documented, time } from './operation.ts'
import { runState } from './run-schema.ts'

const providerMetadata = z.record(z.string(), z.record(z.string(), z.unknown()))
const call = {
  type: z.literal('dynamic-tool'), toolName: z.string(), toolCallId: z.string(), input: z.unknown(), callProviderMetadata: providerMetadata.optional(),
}

/** `wire/message-parts.ts` as it is sent. */
const part = z
  .union([
    z.object({ type: z.literal('step-start') }),
    z.object({ type: z.enum(['text', 'reasoning']), text: z.string(), state: z.literal('done').optional(), providerMetadata: providerMetadata.optional() }),
    z.object({ type: z.literal('source-url'), sourceId: z.string(), url: z.string(), title: z.string().optional(), providerMetadata: providerMetadata.optional() }),
    z.object({ type: z.literal('source-document'), sourceId: z.string(), mediaType: z.string(), title: z.string(), providerMetadata: providerMetadata.optional() }),
    z.object({ type: z.literal('file'), mediaType: z.string(), filename: z.string(), url: z.string().describe('The path at which it is read.') }),
    z.object({ ...call, state: z.literal('output-available'), output: z.unknown() }),
    z.object({ ...call, state: z.literal('output-error'), errorText: z.string() }),
  ])
  .register(documented, { id: 'MessagePart' })

const facts = z.object({
  id: z.string().describe('The server\'s id; that of the message is the author\'s own, where he gave one.'),
  number: z.int(),
  parent_id: z.string().nullable(),
  siblings: z.array(z.string()).describe('The messages that stand in this place, itself included, in the order in which they were said: edits of a question, answers to one.'),
  author_id: z.string(),
  author_name: z.string().nullable().describe('What the author was called when it was asked, where the credential said it.'),
  created_at: time,
  hidden: z.boolean().describe('Whether its parts are not this reader\'s to see.'),
  run: z.object({ id: z.string(), state: runState, error_code: z.string().nullable() }).nullable().describe('The run that answers in it.'),
})

/** A `UIMessage` of the AI SDK. */
export const messageSchema = z
  .object({ id: z.string(), role: z.enum(['user', 'assistant']), parts: z.array(part).readonly(), metadata: z.object({ ambit: facts }) })
  .register(documented, { id: 'Message' })

export type Message = z.output<typeof messageSchema>
