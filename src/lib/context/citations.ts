import type { Chunk } from '../wire/chunk.ts'
import type { Source } from '../tools/bound-tool.ts'

/** The sources that a run has come across, numbered in the order in which the model met them. */
export interface Citations {
  /** The number of this source; a new one gets the next. */
  cite(source: Source): number
  /** The sources whose `[n]` stands in this text and that were not named before, as chunks for the reader. */
  named(text: string): readonly Chunk[]
}

const MARK = /\[(\d{1,4})\]/g

export function createCitations(): Citations {
  const sources: Source[] = []
  const numbers = new Map<string, number>()
  const told = new Set<number>()
  return {
    cite(source) {
      const key = `${source.projectId}/${source.id}`
      const known = numbers.get(key)
      if (known !== undefined) return known
      sources.push(source)
      numbers.set(key, sources.length)
      return sources.length
    },
    named(text) {
      const chunks: Chunk[] = []
      for (const [, digits] of text.matchAll(MARK)) {
        const number = Number(digits)
        const source = sources[number - 1]
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
