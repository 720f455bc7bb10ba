import { kindOf } from '../limits/file-kinds.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { takeOwnFiles } from '../store/file-rows.ts'
import type { OwnFile } from '../store/file-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { fileUrl } from '../wire/file-url.ts'
import type { FilePart, MessagePart } from '../wire/message-parts.ts'
import type { ChatCommand, UserMessage } from './chat-command.ts'

/** A message whose files were found: what is kept of them is what the server knows. */
export interface SpokenMessage extends Omit<UserMessage, 'files'> {
  readonly files: readonly OwnFile[]
}

export interface SpokenCommand extends Omit<ChatCommand, 'message'> {
  readonly message: SpokenMessage | null
}

/** Foreign, absent, sent in another thread: one answer. */
export const NO_SUCH_FILE: Refusal = refuse(
  'not_found',
  'A file of this message is not there: it was not uploaded here by you, was sent in another thread, or was not sent within a day. Upload it again.',
)

export const NO_IMAGES: Refusal = refuse('forbidden', 'This model takes no images. Name one that does in "model", or leave the images out.')

/** Finds the files of a message, and holds them until it is sent. */
export async function findFiles(
  sql: ScopedSql,
  context: ChatExecutionContext,
  message: UserMessage | null,
): Promise<{ readonly ok: true; readonly message: SpokenMessage | null } | Refusal> {
  if (!message) return { ok: true, message }
  const ids = [...new Set(message.files)]
  const found = ids.length === 0 ? [] : await takeOwnFiles(sql, { projectId: homeOf(context), userId: context.rows.userId }, ids)
  const files = ids.flatMap((id) => found.find((file) => file.id === id) ?? [])
  if (files.length < ids.length) return NO_SUCH_FILE
  const { imagesBytes: limit } = context.limits
  if (files.filter(isImage).reduce((sum, { bytes }) => sum + bytes, 0) > limit) {
    return refuse('too_large', `The images of a message have at most ${limit} bytes together. Send fewer, or smaller ones.`, { limit })
  }
  return { ok: true, message: { ...message, files } }
}

/** Whether one of its files was sent in another thread than this one; null: in any. */
export function namesSent({ files }: SpokenMessage, threadId: string | null): boolean {
  return files.some(({ thread_id: sent }) => sent !== null && sent !== threadId)
}

export function hasImages({ files }: SpokenMessage): boolean {
  return files.some(isImage)
}

/** The same of a message that is stored. */
export function holdsImages(parts: string): boolean {
  return (JSON.parse(parts) as readonly MessagePart[]).some((part) => part.type === 'file' && kindOf(part.mediaType) === 'image')
}

/** What is stored of a message: the same for the same words and files. */
export function partsText({ text, files }: Pick<SpokenMessage, 'text' | 'files'>): string {
  const attached = files.map(({ id, name, media_type: mediaType }): FilePart => ({ type: 'file', mediaType, filename: name, url: fileUrl(id) }))
  return JSON.stringify(text === '' && attached.length > 0 ? attached : [...attached, { type: 'text', text }])
}

function isImage({ media_type: mediaType }: OwnFile): boolean {
  return kindOf(mediaType) === 'image'
}
