import type { Limits } from './limits.ts'

/** What a file can be: a text, which a model is told as words, or an image. */
export type FileKind = 'text' | 'image'

// No SVG: it is a program, and no browser or provider treats it as a picture alone.
const KINDS: Readonly<Record<string, FileKind>> = {
  'text/plain': 'text',
  'text/markdown': 'text',
  'text/csv': 'text',
  'application/json': 'text',
  'image/png': 'image',
  'image/jpeg': 'image',
  'image/webp': 'image',
  'image/gif': 'image',
}

/** The media types that are taken. */
export const FILE_TYPES: readonly string[] = Object.keys(KINDS)

/** Null for a media type that is not taken. */
export function kindOf(mediaType: string): FileKind | null {
  return Object.hasOwn(KINDS, mediaType) ? (KINDS[mediaType] ?? null) : null
}

/** The bytes that a file of this kind may have. */
export function mostBytes(kind: FileKind, { textFileBytes, imageFileBytes }: Pick<Limits, 'textFileBytes' | 'imageFileBytes'>): number {
  return kind === 'text' ? textFileBytes : imageFileBytes
}
