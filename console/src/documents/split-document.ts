import type { Range } from '../chat/rehype-mark.ts'
import { splitBlocks } from '../chat/split-blocks.ts'

export interface DocumentPiece extends Range {
  /** Too long to be read as Markdown, or no Markdown at all. */
  readonly plain: boolean
}

/** Pieces of about this length are drawn as one. */
const PIECE_CHARS = 2_000
/** A block that is longer is no prose, and to parse it could take seconds. */
const MOST_BLOCK = 20_000

/** A document as pieces that can be drawn one without the other. */
export function splitDocument(body: string, mediaType: string): readonly DocumentPiece[] {
  const markdown = mediaType === 'text/markdown'
  const pieces: DocumentPiece[] = []
  for (const block of locate(body, markdown ? splitBlocks(body) : body.split(/\n\s*\n/))) {
    const plain = !markdown || block.end - block.start > MOST_BLOCK
    const last = pieces.at(-1)
    if (last && last.plain === plain && block.end - last.start <= PIECE_CHARS) pieces[pieces.length - 1] = { ...last, end: block.end }
    else pieces.push(...(plain ? cut(body, block) : [block]).map((range) => ({ ...range, plain })))
  }
  return pieces
}

function locate(body: string, blocks: readonly string[]): readonly Range[] {
  let at = 0
  return blocks.filter((block) => block.trim() !== '').map((block) => {
    const start = body.indexOf(block, at)
    at = start + block.length
    return { start, end: at }
  })
}

/** Where a line or at least a word ends, if there is such a place. */
function cut(body: string, { start, end }: Range): readonly Range[] {
  const pieces: Range[] = []
  let from = start
  while (end - from > PIECE_CHARS) {
    const piece = body.slice(from, from + PIECE_CHARS)
    const at = Math.max(piece.lastIndexOf('\n'), piece.lastIndexOf(' ')) + 1
    const length = at > 0 ? at : wholeSigns(piece)
    pieces.push({ start: from, end: from + length })
    from += length
  }
  return [...pieces, { start: from, end }]
}

/** Not between the two halves of one sign. */
function wholeSigns(piece: string): number {
  return /[\uD800-\uDBFF]$/.test(piece) ? piece.length - 1 : piece.length
}
