import { kindOf } from '../limits/file-kinds.ts'
import { listFiles, readFiles } from '../store/file-rows.ts'
import type { FileFacts } from '../store/file-rows.ts'
import type { ScopedSql } from '../store/handles.ts'
import { fileIdOf } from '../wire/file-url.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import { IMAGE_TOKENS, estimateTokens, tokensOfBytes } from './estimate-tokens.ts'
import { fenced } from './fence.ts'

/** A file of a message, as far as it was read. */
export interface Attachment {
  readonly id: string
  readonly name: string
  readonly mediaType: string
  /** Of the whole, estimated; 0 where it is not there any more, or not for this reader. */
  readonly tokens: number
  /** The beginning of a text, fit for a block; null: it is none, or there was no room to read it. */
  readonly text: string | null
  /** Whether that is all of it. */
  readonly whole: boolean
  /** The bytes of an image; null: it is none, or is not shown. */
  readonly image: Uint8Array | null
}

/** How much of the files of a branch is read. */
export interface FileBounds {
  /** Of all texts. */
  readonly textBytes: number
  /** Of all images. */
  readonly imagesBytes: number
  /** Images of messages before the last; null: no images at all. */
  readonly historyImages: number | null
}

/** The files of these messages, oldest first, each with its message's. What is newest is read first, and the last message's images in any case. */
export async function readAttachments(
  sql: ScopedSql,
  projectId: string,
  messages: readonly (string | null)[],
  bounds: FileBounds,
): Promise<readonly (readonly Attachment[])[]> {
  const named = messages.map(namedFiles)
  const ids = [...new Set(named.flat().map(({ id }) => id))]
  if (ids.length === 0) return named.map(() => [])
  const facts = new Map((await listFiles(sql, projectId, ids)).map((file) => [file.id, file]))
  const sized = named.map((files) => files.flatMap(({ id }) => facts.get(id) ?? []))
  const contents = await readFiles(sql, projectId, wantedBytes(sized, bounds))
  return named.map((files) => files.map((file) => attachmentOf(file, facts.get(file.id)?.bytes ?? 0, contents.get(file.id) ?? null)))
}

type Named = Pick<Attachment, 'id' | 'name' | 'mediaType'>

function attachmentOf(file: Named, bytes: number, content: Uint8Array | null): Attachment {
  if (kindOf(file.mediaType) === 'image') return { ...file, tokens: bytes > 0 ? IMAGE_TOKENS : 0, text: null, whole: content !== null, image: content }
  // `stream` holds a character back that the reading ended in.
  const text = content && fenced(new TextDecoder().decode(content, { stream: true }))
  const whole = content?.length === bytes
  return { ...file, tokens: text !== null && whole ? estimateTokens(text) : tokensOfBytes(bytes), text, whole, image: null }
}

function namedFiles(parts: string | null): readonly Named[] {
  if (!parts?.includes('"type":"file"')) return []
  return (JSON.parse(parts) as readonly MessagePart[]).flatMap((part) => {
    const id = part.type === 'file' ? fileIdOf(part.url) : null
    return part.type === 'file' && id !== null ? [{ id, name: part.filename, mediaType: part.mediaType }] : []
  })
}

/** Of which files how many bytes are read. */
function wantedBytes(messages: readonly (readonly FileFacts[])[], { textBytes, imagesBytes, historyImages }: FileBounds): ReadonlyMap<string, number> {
  const wanted = new Map<string, number>()
  let [texts, images, imagesLeft] = [textBytes, imagesBytes, Infinity]
  for (const files of messages.toReversed()) {
    for (const { id, media_type: mediaType, bytes } of files) {
      if (wanted.has(id)) continue
      if (kindOf(mediaType) === 'text') {
        const most = Math.min(bytes, texts)
        texts -= most
        if (most > 0) wanted.set(id, most)
      } else if (historyImages !== null && imagesLeft > 0 && bytes <= images) {
        images -= bytes
        imagesLeft -= 1
        wanted.set(id, bytes)
      }
    }
    imagesLeft = Math.min(imagesLeft, historyImages ?? 0)
  }
  return wanted
}
