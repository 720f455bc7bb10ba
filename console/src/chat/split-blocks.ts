/**
 * Markdown as its top-level blocks, whose texts joined by a blank line are the whole. While an answer arrives only the last one
 * changes, so only the last one is parsed again: a long answer would cost the square of its length.
 */
export function splitBlocks(markdown: string): readonly string[] {
  const blocks: string[] = []
  let block: string[] = []
  let fence: string | null = null
  let blank = false
  for (const line of markdown.split('\n')) {
    if (fence === null && blank && block.length > 0 && beginsBlock(line, block)) {
      blocks.push(block.join('\n').trimEnd())
      block = []
    }
    fence = fenceAfter(fence, line)
    blank = line.trim() === ''
    if (!blank || block.length > 0) block.push(line)
  }
  const rest = block.join('\n').trimEnd()
  return rest === '' ? blocks : [...blocks, rest]
}

const ITEM = /^ {0,3}([-*+]|\d{1,9}[.)])( |$)/

/** What is indented belongs to an item above it, and so does the next item of the list. */
function beginsBlock(line: string, before: readonly string[]): boolean {
  if (line.trim() === '' || /^( {2,}|\t)/.test(line)) return false
  return !(ITEM.test(line) && ITEM.test(before[0] ?? ''))
}

/** The fence that is open after this line; CommonMark, 4.5. */
function fenceAfter(open: string | null, line: string): string | null {
  const [, marks = '', rest = ''] = /^ *(`{3,}|~{3,})(.*)$/.exec(line) ?? []
  if (open === null) return marks === '' || (marks.startsWith('`') && rest.includes('`')) ? null : marks
  const closes = marks.startsWith(open) && rest.trim() === ''
  return closes ? null : open
}
