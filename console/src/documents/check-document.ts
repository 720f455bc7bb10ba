import type { DocumentText, MediaType } from '../api/document.ts'

export const MOST_TITLE_CHARS = 200
const MOST_CHARS = 1_000_000
/** Of the whole request. */
const MOST_BYTES = 2_000_000

const number = new Intl.NumberFormat()

/** Why the server would not take this; null: it would. Asked at each key, so what is costly is asked last. */
export function refusalOf({ title, body }: DocumentText): string | null {
  if (title.length > MOST_TITLE_CHARS) return `The title has more than ${MOST_TITLE_CHARS} characters. Shorten it.`
  if (body.length > MOST_CHARS) return `The text has ${number.format(body.length)} characters, and a document at most ${number.format(MOST_CHARS)}. Cut it into several documents.`
  if (body.includes('\0')) return 'The text holds a NUL character, so it is no plain text. Save it as UTF-8 text and choose it again.'
  return isTooHeavy(title, body) ? 'The text takes more than 2 MB. Cut it into several documents.' : null
}

/** A character takes at most six bytes as it is sent: only what is long is counted. */
function isTooHeavy(title: string, body: string): boolean {
  return (body.length + title.length) * 6 > MOST_BYTES && new TextEncoder().encode(JSON.stringify({ title, body, media_type: 'text/markdown' })).length > MOST_BYTES
}

export type ReadFile = { readonly ok: true; readonly text: DocumentText } | { readonly ok: false; readonly words: string }

const TAKEN = /\.(md|markdown|txt)$/i

export function isTaken(name: string): boolean {
  return TAKEN.test(name)
}

/** A file as a document; or why it is none, in words. */
export async function readFile(file: Pick<File, 'name' | 'size' | 'arrayBuffer'>): Promise<ReadFile> {
  if (!isTaken(file.name)) return refuse('It is neither Markdown (.md, .markdown) nor text (.txt).')
  if (file.size > MOST_BYTES) return refuse('It is larger than 2 MB. Cut it into several files.')
  const bytes = await file.arrayBuffer().catch(() => null)
  if (bytes === null) return refuse('It cannot be read any more. Choose it again.')
  const body = decode(bytes)
  if (body === null) return refuse('It is not UTF-8 text. Save it as UTF-8 and choose it again.')
  const plain = /\.txt$/i.test(file.name)
  const text: DocumentText = { title: (plain ? null : firstHeading(body)) ?? titleFrom(file.name), body, media_type: plain ? 'text/plain' : 'text/markdown' satisfies MediaType }
  const words = refusalOf(text)
  return words === null ? { ok: true, text } : refuse(words)
}

function refuse(words: string): ReadFile {
  return { ok: false, words }
}

function decode(bytes: ArrayBuffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null // a byte that no UTF-8 holds
  }
}

/** The first line "# …" that stands in no code. */
export function firstHeading(body: string): string | null {
  let fence: string | null = null
  for (const line of body.split('\n')) {
    const mark = /^ {0,3}(```|~~~)/.exec(line)?.[1]
    if (mark !== undefined && (fence === null || fence === mark)) fence = fence === null ? mark : null
    const heading = fence === null ? /^# +(.+?) *#*\s*$/.exec(line)?.[1] : undefined
    if (heading !== undefined) return oneLine(heading.replace(/\*\*|__|`/g, '')) || null
  }
  return null
}

function titleFrom(name: string): string {
  return oneLine(name.replace(TAKEN, '')) || 'Untitled'
}

function oneLine(text: string): string {
  return text.replace(/[\s\p{Cc}]+/gu, ' ').trim().slice(0, MOST_TITLE_CHARS).toWellFormed()
}
