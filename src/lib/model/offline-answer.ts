import { quotable } from './offline-describe.ts'
import { stems, type Keyword } from './offline-words.ts'

/** A text that may be quoted, under the number it is cited by; what has none is cited by its title. */
export interface Passage {
  readonly source: number | null
  readonly title: string
  readonly text: string
}

/** Sentences of the passages, each with its citation, and the words asked for that none of them speaks of. */
export interface Extract {
  readonly text: string
  readonly missing: readonly string[]
}

interface Sentence {
  readonly mark: string
  readonly text: string
  readonly says: ReadonlySet<string>
  /** What its heading and the sentence before say: under "Rollback" a sentence need not repeat the word. */
  readonly under: ReadonlySet<string>
  readonly title: ReadonlySet<string>
}

const MOST_SENTENCES = 4
/** What a word counts that an earlier sentence has answered, and what share of the best score a further sentence must reach. */
const ANSWERED = 0.31
const ENOUGH = 0.3

/** The shape an answer has: a sentence without it may still speak of the matter, but seldom answers. */
const EXPECTED: readonly (readonly [asked: RegExp, answer: RegExp])[] = [
  [/\b(when|how (much|many|long|often|soon|far)|what (time|date|price)|cost|price|deadline)/i, /\d/],
  [/\b(who|whom|whose)\b/i, /\p{Lu}\p{Ll}+ \p{Lu}\p{Ll}+/u],
]

/** The few sentences that answer best, in the order of the documents. Text is only ever quoted, so nothing in it can give an order. */
export function extractAnswer(question: string, asked: readonly Keyword[], passages: readonly Passage[]): Extract {
  const sentences = passages.flatMap(sentencesOf)
  const shapes = EXPECTED.filter(([ask]) => ask.test(question)).map(([, answer]) => answer)
  const chosen = choose(sentences, weigh(asked, sentences), shapes)
  const isMet = (stem: string) => chosen.some((sentence) => nearness(sentence, stem) > 0)
  return {
    text: sentences.filter((sentence) => chosen.includes(sentence)).map(({ text, mark }) => `${text} ${mark}`).join('\n\n'),
    missing: asked.filter(({ stem }) => !isMet(stem)).map(({ word }) => word),
  }
}

/** The best sentence, then whichever adds most to it: a question with two halves is answered by two sentences. */
function choose(sentences: readonly Sentence[], weights: ReadonlyMap<string, number>, shapes: readonly RegExp[]): Sentence[] {
  const wanted = new Map(weights)
  // What stands above a sentence may lift it, never carry it alone.
  const left = new Set(sentences.filter(({ says }) => [...weights.keys()].some((stem) => says.has(stem))))
  const chosen: Sentence[] = []
  let enough = 0
  while (chosen.length < MOST_SENTENCES) {
    const scores = new Map([...left].map((sentence) => [sentence, scoreOf(sentence, wanted, shapes)]))
    const score = [...scores.values()].reduce((a, b) => Math.max(a, b), 0)
    const best = [...left].find((sentence) => scores.get(sentence) === score)
    if (best === undefined || score === 0 || score < enough) break
    if (chosen.length === 0) enough = score * ENOUGH
    left.delete(best)
    chosen.push(best)
    for (const [stem, weight] of weights) if (best.says.has(stem)) wanted.set(stem, weight * ANSWERED)
  }
  return chosen
}

/** Words that few sentences hold tell sentences apart; one that all of them hold tells little. */
function weigh(asked: readonly Keyword[], sentences: readonly Sentence[]): Map<string, number> {
  const holding = (stem: string) => sentences.filter((sentence) => nearness(sentence, stem) > 0).length
  return new Map(asked.map(({ stem }) => [stem, 0.4 + Math.log((1 + sentences.length) / (1 + holding(stem)))]))
}

function scoreOf(sentence: Sentence, weights: ReadonlyMap<string, number>, shapes: readonly RegExp[]): number {
  let score = 0
  for (const [stem, weight] of weights) score += weight * nearness(sentence, stem)
  return shapes.some((shape) => shape.test(sentence.text)) ? 1.5 * score : score
}

/** 1 where the sentence itself has the word, less where only what stands above it has. */
function nearness({ says, under, title }: Sentence, stem: string): number {
  return says.has(stem) ? 1 : under.has(stem) ? 0.5 : title.has(stem) ? 0.25 : 0
}

/** Markdown as sentences: prose is split, a table row stays whole, a heading says what follows. */
function sentencesOf({ source, title: named, text }: Passage): Sentence[] {
  const title = stems(named)
  const mark = markOf({ source, title: named })
  let heading = ''
  return blocksOf(text).flatMap((block) => {
    const found = /^#+\s+(.*)/.exec(block)?.[1]
    if (found !== undefined) {
      heading = found
      return []
    }
    const prose = splitProse(plain(block))
    return prose.map((said, at) => ({ mark, text: said, says: stems(said), under: stems(`${heading} ${prose[at - 1] ?? ''}`), title }))
  })
}

/** How a passage is cited. */
export function markOf({ source, title }: Pick<Passage, 'source' | 'title'>): string {
  return source === null ? `(${quotable(title)})` : `[${source}]`
}

/** The first sentences of a text, as they stand. */
export function openingOf(passage: Passage): string {
  return sentencesOf(passage).slice(0, MOST_SENTENCES).map(({ text, mark }) => `${text} ${mark}`).join('\n\n')
}

/** Lines that belong together: a wrapped paragraph or list item is one block, a heading or a table row is its own. A table's head is the heading of its rows. */
function blocksOf(text: string): string[] {
  return text
    .replace(/^(\|.*\n)(?=\|[-|: \t]+$)/gm, '# $1')
    .split(/\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)]|#+|\|)\s)/)
    .map((block) => block.trim())
    .filter((block) => block !== '' && !/^[|:\s-]+$/.test(block))
}

/** A block without the marks of its list or table. A bold opening ("**Patent claim.** …") goes with the sentence it opens. */
function plain(block: string): string {
  const line = block.replace(/\s+/g, ' ').replace(/^(?:[-*+>]|\d+[.)]) /, '').replace(/^\*\*(.+?)[.:]?\*\*[.:]? /, '$1: ')
  return quotable(line.replace(/^\| ?| ?\|$/g, '').replace(/ ?\| ?/g, ' · '))
}

function splitProse(block: string): string[] {
  return block.split(/(?<=[.!?]["”)]?)\s+(?=["“(`]?[\p{Lu}\p{N}])/u).filter((sentence) => sentence !== '')
}
