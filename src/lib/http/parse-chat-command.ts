import type { z } from 'zod'
import type { Limits } from '../limits/limits.ts'
import type { ChatCommand } from '../run/chat-command.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { fileIdOf } from '../wire/file-url.ts'
import type { Piece } from './capture.ts'
import { countedEnvelope, countedMessage, envelope } from './chat-schema.ts'
import { parseIdempotencyKey } from './idempotency-key.ts'
import { createKeptMembers } from './keep-members.ts'
import type { KeptMembers } from './keep-members.ts'
import { parsePiece } from './parse-piece.ts'
import { malformed, pointerOf } from './pointer.ts'
import type { Path } from './pointer.ts'
import { readBody } from './read-body.ts'

type Envelope = z.output<typeof envelope>

const ENVELOPE_NAMES = Object.keys(envelope.shape)
/** Bytes of a member of the envelope, far more than a good one has. */
const MEMBER_BYTES = 16_000

type Parsed = { readonly ok: true; readonly command: ChatCommand } | Refusal
type Head = Omit<ChatCommand, 'trigger' | 'message'>

/** Reads a chat request: the envelope, the last message, the key that makes it repeatable. Knows nothing of the target, so refuses alike for all. */
export async function parseChatCommand(request: Request, limits: Limits): Promise<Parsed> {
  const parsed = await parseCommand(request, limits)
  if (!parsed.ok) return parsed
  const keyed = parseIdempotencyKey(request.headers, 'POST /chat', parsed.command)
  if (!keyed.ok) return keyed
  return keyed.key ? { ok: true, command: { ...parsed.command, key: keyed.key } } : parsed
}

async function parseCommand(request: Request, limits: Limits): Promise<Parsed> {
  const { messageBytes, bodyBytes } = limits
  const members = { ...Object.fromEntries(ENVELOPE_NAMES.map((name) => [name, MEMBER_BYTES])), message: messageBytes }
  const kept = createKeptMembers({ members, list: { name: 'messages', maxBytes: messageBytes } })
  const refusal = await readBody(request, bodyBytes, kept)
  if (refusal) return refusal
  if (!kept.isObject()) return refuse('malformed', 'The body does not fit: send a JSON object.', { pointer: '' })
  const parsed = parseEnvelope(kept)
  if (!parsed.ok) return parsed
  const head = headOf(parsed.envelope)
  if (parsed.envelope.trigger === 'regenerate-message') return { ok: true, command: { ...head, trigger: 'regenerate', message: null } }
  return parseMessage(lastMessage(kept), limits, head)
}

function parseEnvelope(kept: KeptMembers): { readonly ok: true; readonly envelope: Envelope } | Refusal {
  const values: Record<string, unknown> = {}
  for (const name of ENVELOPE_NAMES) {
    const parsed = parsePiece(kept.member(name), [name])
    if (!parsed.ok) return parsed
    values[name] = parsed.value
  }
  const parsed = countedEnvelope.safeParse(values)
  return parsed.success ? { ok: true, envelope: parsed.data } : malformed(parsed.error, [])
}

function headOf({ id: thread, messageId, model, about, parentId, onActive }: Envelope): Head {
  return {
    thread: thread ?? null, messageId: messageId ?? null, model: model ?? null,
    ...(about?.length && { about }), ...(parentId && { parentId }), ...(onActive && { onActive }),
  }
}

interface Found {
  readonly piece: Piece | undefined
  readonly path: Path
}

/** `message`, or the last of `messages`. A null is no message. */
function lastMessage(kept: KeptMembers): Found {
  const piece = kept.member('message')
  if (piece && !(piece.ok && piece.text === 'null')) return { piece, path: ['message'] }
  const last = kept.last()
  return { piece: last?.piece, path: ['messages', (last?.count ?? 0) - 1] }
}

function parseMessage({ piece, path }: Found, limits: Limits, head: Head): Parsed {
  if (!piece) return refuse('malformed', 'Send the new user message as "message", or as the last of "messages".', { pointer: '' })
  const pointer = pointerOf(path)
  if (!piece.ok && piece.reason === 'too_large') {
    return refuse('too_large', `The message is larger than ${piece.limit} bytes.`, { pointer, limit: piece.limit })
  }
  const parsed = parsePiece(piece, path)
  if (!parsed.ok) return parsed
  const message = countedMessage.safeParse(parsed.value)
  if (!message.success) return malformed(message.error, path)
  const { parts } = message.data
  const text = parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
  const files = parts.flatMap((part) => (part.type === 'file' ? (fileIdOf(part.url) ?? []) : []))
  if (text.trim() === '' && files.length === 0) return refuse('malformed', 'The message is empty.', { pointer })
  if (text.length > limits.messageChars) {
    return refuse('too_large', `The message is longer than ${limits.messageChars} characters.`, { pointer, limit: limits.messageChars })
  }
  return { ok: true, command: { ...head, trigger: 'submit', message: { clientId: message.data.id ?? null, text, ...(files.length > 0 && { files }) } } }
}
