import type { AmbitMessage } from './ambit-message.ts'

export interface CitedSource {
  readonly id: string
  readonly title: string
  /** What the model was shown of it, where that is known: by these words its place in the document is found. */
  readonly words: string
}

type Parts = AmbitMessage['parts']

/** The sources that an answer names, by the number that stands for them in its text. */
export function citedSources(parts: Parts): ReadonlyMap<number, CitedSource> {
  const snippets = snippetsOf(parts)
  const sources = new Map<number, CitedSource>()
  for (const part of parts) {
    if (part.type !== 'source-document') continue
    const number = part.providerMetadata?.['ambit']?.['number']
    if (typeof number === 'number') sources.set(number, { id: part.sourceId, title: part.title, words: snippets.get(part.sourceId) ?? '' })
  }
  return new Map([...sources].sort(([one], [other]) => one - other))
}

const MOST_WORDS = 300

/** The sentence that ends in this citation. */
export function wordsBefore(text: string, number: number): string {
  const at = text.indexOf(`[${number}]`)
  if (at < 0) return ''
  const before = text.slice(0, at).replace(/\[\d{1,4}\]/g, ' ').trimEnd()
  const begin = Math.max(before.lastIndexOf('\n'), ...[...before.slice(0, -1).matchAll(/[.!?]\s/g)].map(({ index }) => index + 1))
  return before.slice(begin + 1).trim().slice(-MOST_WORDS)
}

/** By document, what the search showed of it. Outputs of tools are whatever they are: nothing but texts is taken. */
function snippetsOf(parts: Parts): ReadonlyMap<string, string> {
  const snippets = new Map<string, string>()
  for (const part of parts) {
    if (part.type !== 'dynamic-tool' || part.state !== 'output-available' || !isObject(part.output)) continue
    const { results } = part.output
    for (const result of Array.isArray(results) ? (results as unknown[]) : []) {
      if (isObject(result) && typeof result['id'] === 'string' && typeof result['snippet'] === 'string') snippets.set(result['id'], result['snippet'].slice(0, MOST_WORDS))
    }
  }
  return snippets
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
