import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'

/** Null where the body says that it is JSON, in UTF-8, as it stands. What is compressed is never inflated: it may be a bomb. */
export function refuseMediaType(headers: Headers): Refusal | null {
  if (!isJson(headers.get('content-type') ?? '')) {
    return refuse('unsupported_media_type', 'Send the body as JSON in UTF-8, with "content-type: application/json".')
  }
  const encoding = (headers.get('content-encoding') ?? '').trim().toLowerCase()
  if (encoding === '' || encoding === 'identity') return null
  return refuse('unsupported_media_type', 'Send the body as it is, without a "content-encoding".')
}

function isJson(contentType: string): boolean {
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase())
  return type === 'application/json' && parameters.every((part) => !part.startsWith('charset') || /^charset="?utf-?8"?$/.test(part))
}
