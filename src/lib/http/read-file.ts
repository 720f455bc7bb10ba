import { isUtf8 } from 'node:buffer'
import { FILE_TYPES, kindOf, mostBytes } from '../limits/file-kinds.ts'
import type { Limits } from '../limits/limits.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { readBytes } from './read-bytes.ts'

/** A file as it was sent, and what was found true of it. */
export interface FileBody {
  readonly ok: true
  /** One of `FILE_TYPES`, without parameters. */
  readonly mediaType: string
  readonly content: Uint8Array
}

const ACCEPT = FILE_TYPES.join(', ')

/** What images begin with. Whatever else they may hold, a browser and a provider read them as these. */
const SIGNATURES: Readonly<Record<string, (start: string) => boolean>> = {
  'image/png': (start) => start.startsWith('\x89PNG\r\n\x1a\n'),
  'image/jpeg': (start) => start.startsWith('\xff\xd8\xff'),
  'image/gif': (start) => start.startsWith('GIF87a') || start.startsWith('GIF89a'),
  'image/webp': (start) => start.startsWith('RIFF') && start.startsWith('WEBP', 8),
}
const SIGNATURE_BYTES = 12

/** Reads a file of a kind that is taken, and never more than that may have. */
export async function readFile(request: Request, limits: Limits): Promise<FileBody | Refusal> {
  const mediaType = mediaTypeOf(request.headers)
  const kind = mediaType === null ? null : kindOf(mediaType)
  if (mediaType === null || !kind || isEncoded(request.headers)) {
    return refuse('unsupported_media_type', `Send a file as it is, uncompressed, with one of these as its "content-type" (text in UTF-8): ${ACCEPT}.`, { accept: ACCEPT })
  }
  const limit = mostBytes(kind, limits)
  const read = await readBytes(request, limit)
  if (read === 'broken') return refuse('malformed', 'The file broke off before its end. Send it again.')
  if (read === 'too_large') return refuse('too_large', `The file is larger than ${limit} bytes, the most for ${mediaType}.`, { limit })
  const fault = faultOf(mediaType, read)
  return fault === null ? { ok: true, mediaType, content: read } : refuse('malformed', fault)
}

function faultOf(mediaType: string, content: Uint8Array): string | null {
  if (content.length === 0) return 'The file is empty. Send one that holds something.'
  const isOne = SIGNATURES[mediaType]
  if (isOne) return isOne(Buffer.from(content.subarray(0, SIGNATURE_BYTES)).toString('latin1')) ? null : `The file is no ${mediaType}: send it with the "content-type" that it is of.`
  return isUtf8(content) && !content.includes(0) ? null : 'The file is no text in UTF-8. Save it as UTF-8, without NUL characters, and send it again.'
}

/** Null where a text is said to be in something else than UTF-8. */
function mediaTypeOf(headers: Headers): string | null {
  const [type = '', ...parameters] = (headers.get('content-type') ?? '').split(';').map((part) => part.trim().toLowerCase())
  return parameters.every((part) => !part.startsWith('charset') || /^charset="?utf-?8"?$/.test(part)) ? type : null
}

function isEncoded(headers: Headers): boolean {
  return !['', 'identity'].includes((headers.get('content-encoding') ?? '').trim().toLowerCase())
}
