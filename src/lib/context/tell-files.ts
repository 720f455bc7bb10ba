import { kindOf } from '../limits/file-kinds.ts'
import type { PromptImage } from '../model/prompt.ts'
import type { Demand } from './allot-tokens.ts'
import type { Attachment } from './attachments.ts'
import { cutText, estimateTokens } from './estimate-tokens.ts'
import { attribute } from './fence.ts'
import type { CutReason, ManifestEntry, SliceScope } from './manifest.ts'
import type { BranchMessage } from './read-branch.ts'

/** A message as the model is told it. */
export interface ToldMessage extends BranchMessage {
  /** Blocks and lines that stand for its files, in their order. */
  readonly fileTexts?: readonly string[]
  readonly images?: readonly PromptImage[]
}

export interface ToldFile {
  readonly text: string | null
  readonly image: PromptImage | null
  readonly entry: ManifestEntry
}

const REST = '\n(The rest is left out.)'

/** What a file wants of the budget: what was not read, nothing. Its name is paid for with its message. */
export function fileDemand(file: Attachment, { texts, images }: { readonly texts: number; readonly images: number }): Demand {
  if (isImage(file)) return { tokens: file.image ? file.tokens : 0, priority: images }
  return { tokens: file.text === null ? 0 : file.tokens, priority: texts }
}

/** A file within so many tokens: an image whole or by its name, a text as a block that nothing in it can close. */
export function tellFile(file: Attachment, allotted: number, scope: SliceScope): ToldFile {
  const { id, name, mediaType, tokens, text, image, whole } = file
  const entry = { source: isImage(file) ? 'image' : 'file', scope, tokens, about: { type: 'file', id } } as const
  const drop = (line: string, missing: CutReason): ToldFile => {
    const reason = tokens === 0 ? 'not_found' : missing
    return { text: line, image: null, entry: { ...entry, told: 0, outcome: 'dropped', reason } }
  }
  if (isImage(file)) {
    if (!image || allotted < tokens) return drop(`[image "${attribute(name)}"]`, image ? 'budget' : 'limit')
    return { text: null, image: { mediaType, bytes: image }, entry: { ...entry, told: tokens, outcome: 'kept', reason: null } }
  }
  if (text !== null && whole && allotted >= tokens) return { text: blockOf(file, text), image: null, entry: { ...entry, told: tokens, outcome: 'kept', reason: null } }
  const start = text === null ? '' : cutText(text, allotted - estimateTokens(REST))
  if (start === '') return drop(`[file "${attribute(name)}": left out]`, 'budget')
  return { text: blockOf(file, start + REST), image: null, entry: { ...entry, told: estimateTokens(start + REST), outcome: 'cut', reason: 'budget' } }
}

export function withFiles(message: BranchMessage, files: readonly ToldFile[]): ToldMessage {
  if (files.length === 0) return message
  return { ...message, fileTexts: files.flatMap(({ text }) => text ?? []), images: files.flatMap(({ image }) => image ?? []) }
}

function blockOf({ name, mediaType }: Attachment, text: string): string {
  return `<file name="${attribute(name)}" type="${mediaType}">\n${text}\n</file>`
}

function isImage({ mediaType }: Attachment): boolean {
  return kindOf(mediaType) === 'image'
}
