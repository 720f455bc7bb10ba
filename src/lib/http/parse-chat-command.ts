import { z } from 'zod'
import { isId } from '../directory/principal.ts'
import type { Limits } from '../limits/limits.ts'
import type { ChatCommand } from '../run/chat-command.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { malformed, pointerOf } from './parse-body.ts'
import { readJson } from './read-json.ts'

const id = z.string().refine(isId, 'must be 1 to 128 of A-Z a-z 0-9 _ . : -')

const userMessage = z.object({
  id: id.nullish(),
  role: z.literal('user', 'the last message must be a user message: no answer is pending on an approval'),
  parts: z.array(z.object({ type: z.literal('text', 'only text parts are taken'), text: z.string() })).min(1).max(50),
})

/** What `useChat` sends. The history in `messages` is only counted past: the stored one is the authority. */
const envelope = z.object({
  id: id.nullish(),
  messages: z.array(z.unknown()).nullish(),
  message: z.unknown().optional(),
  trigger: z.enum(['submit-message', 'regenerate-message']).nullish(),
  messageId: id.nullish(),
  model: z.string().min(1).max(256).nullish(),
})

type Parsed = { readonly ok: true; readonly command: ChatCommand } | Refusal

/** Reads a chat request: the envelope, and the last message. Knows nothing of the target, so refuses alike for all. */
export async function parseChatCommand(request: Request, limits: Limits): Promise<Parsed> {
  const body = await readJson(request, limits.bodyBytes)
  if (!body.ok) return body
  const parsed = envelope.safeParse(body.value)
  if (!parsed.success) return malformed(parsed.error, [])
  const { data } = parsed
  const frame = { thread: data.id ?? null, messageId: data.messageId ?? null, model: data.model ?? null }
  if (data.trigger === 'regenerate-message') return { ok: true, command: { ...frame, trigger: 'regenerate', message: null } }
  const last = data.message ?? data.messages?.at(-1)
  if (last === undefined) return refuse('malformed', 'Send the new user message as "message", or as the last of "messages".', { pointer: '' })
  const path = data.message === undefined ? ['messages', (data.messages?.length ?? 0) - 1] : ['message']
  return parseMessage(last, path, limits, frame)
}

function parseMessage(last: unknown, path: readonly PropertyKey[], limits: Limits, frame: Pick<ChatCommand, 'thread' | 'messageId' | 'model'>): Parsed {
  if (Buffer.byteLength(JSON.stringify(last) ?? '') > limits.messageBytes) {
    return refuse('too_large', `The message is larger than ${limits.messageBytes} bytes.`, { limit: limits.messageBytes })
  }
  const message = userMessage.safeParse(last)
  if (!message.success) return malformed(message.error, path)
  const text = message.data.parts.map((part) => part.text).join('\n')
  if (text.trim() === '') return refuse('malformed', 'The message is empty.', { pointer: pointerOf(path) })
  if (text.length > limits.messageChars) {
    return refuse('too_large', `The message is longer than ${limits.messageChars} characters.`, { limit: limits.messageChars })
  }
  return { ok: true, command: { ...frame, trigger: 'submit', message: { clientId: message.data.id ?? null, text } } }
}
