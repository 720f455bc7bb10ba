import type { BranchMessage } from './read-branch.ts'
import type { Source } from '../tools/bound-tool.ts'
import type { Chunk } from '../wire/chunk.ts'
import type { MessagePart } from '../wire/message-parts.ts'

/** The sources that the model has come across in a branch, numbered in the order in which it met them. */
export interface Citations {
  /** The number of this source; a new one gets the next. */
  cite(source: Source): number
  /** The sources whose `[n]` stands in this text and that were not named before in this answer, as chunks for the reader. */
  named(text: string): readonly Chunk[]
}

const MARK = /\[(\d{1,4})\]/g

/**
 * Goes on from the numbers that the history carries, and what this answer has `said` already: a second run that began at 1
 * again would cite another document. Knows only what the model is shown of it: a number that it makes up must name nothing
 * that this run has not read.
 */
export function createCitations(history: readonly BranchMessage[], shown: readonly BranchMessage[], said: readonly MessagePart[] = []): Citations {
  const own = numberedSources(said)
  const sources = new Map<number, Source>([...shown.flatMap(sourcesOf), ...own])
  const numbers = new Map([...sources].map(([number, { id }]) => [id, number]))
  const told = new Set<number>(numberedSources(said.filter(({ type }) => type === 'source-document')).map(([number]) => number))
  let last = Math.max(0, ...[...history.flatMap(sourcesOf), ...own].map(([number]) => number))
  return {
    cite(source) {
      const known = numbers.get(source.id)
      if (known !== undefined) return known
      last += 1
      sources.set(last, source)
      numbers.set(source.id, last)
      return last
    },
    named(text) {
      const chunks: Chunk[] = []
      for (const [, digits] of text.matchAll(MARK)) {
        const number = Number(digits)
        const source = sources.get(number)
        if (!source || told.has(number)) continue
        told.add(number)
        chunks.push(sourceChunk(source, number))
      }
      return chunks
    },
  }
}

function sourceChunk({ id, title, mediaType }: Source, number: number): Chunk {
  return { type: 'source-document', sourceId: id, mediaType, title, providerMetadata: { ambit: { number } } }
}

/** The sources that an answer named, and those in the outputs of Ambit's own tools, as `tools/document-tools.ts` numbers them. */
function numberedSources(parts: readonly MessagePart[]): readonly (readonly [number, Source])[] {
  return parts.flatMap((part) => {
    if (part.type === 'source-document') {
      const number = part.providerMetadata?.['ambit']?.['number']
      const { sourceId: id, title, mediaType } = part
      return typeof number === 'number' ? [[number, { id, title, mediaType }] as const] : []
    }
    if (part.type !== 'dynamic-tool' || part.state !== 'output-available' || !OWN_TOOLS.has(part.toolName)) return []
    const output = part.output as { readonly results?: readonly Numbered[] } & Numbered
    return (output.results ?? [output]).map(({ source, id, title, mediaType }) => [source, { id, title, mediaType }] as const)
  })
}

function sourcesOf({ parts }: BranchMessage): readonly (readonly [number, Source])[] {
  return parts === null ? [] : numberedSources(JSON.parse(parts) as readonly MessagePart[])
}

type Numbered = Source & { readonly source: number }

const OWN_TOOLS = new Set(['search_documents', 'read_document'])
