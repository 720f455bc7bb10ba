const DEFINITION = /^ {0,3}\[([^[\]^][^[\]]{0,200})\]:[ \t]*\S/
const LABEL = /\[([^[\]^][^[\]]{0,200})\]/g

/**
 * Blocks, each with the definitions of the links that it names (`[text][1]`, and somewhere `[1]: https://…`): a block is read alone, and
 * definitions mostly stand at the end. CommonMark, 4.7: of two the first one holds. Footnotes stay where they are.
 */
export function withDefinitions(blocks: readonly string[]): readonly string[] {
  const definitions = definitionsIn(blocks)
  if (definitions.size === 0) return blocks
  return blocks.map((block) => {
    if (isCode(block)) return block
    const named = new Set([...block.matchAll(LABEL)].flatMap(([, label = '']) => definitions.get(normalized(label)) ?? []))
    const missing = [...named].filter((line) => !block.includes(line))
    return missing.length === 0 ? block : `${block}\n\n${missing.join('\n')}`
  })
}

function definitionsIn(blocks: readonly string[]): ReadonlyMap<string, string> {
  const definitions = new Map<string, string>()
  for (const line of blocks.filter((block) => !isCode(block)).flatMap((block) => block.split('\n'))) {
    const label = DEFINITION.exec(line)?.[1]
    if (label !== undefined && !definitions.has(normalized(label))) definitions.set(normalized(label), line)
  }
  return definitions
}

function isCode(block: string): boolean {
  return /^ {0,3}(`{3}|~{3})/.test(block)
}

function normalized(label: string): string {
  return label.trim().replaceAll(/\s+/g, ' ').toLowerCase()
}
