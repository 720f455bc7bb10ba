import type { Range } from '../chat/rehype-mark.ts'

/** What is looked for is anybody's text: of more than this the beginning will do. */
const MOST_ASKED = 2_000

interface Sentence extends Range {
  /** How many different words it has. */
  readonly words: number
  /** Those of them that are looked for. */
  readonly hits: ReadonlySet<string>
}

/**
 * Where in a document the words of a passage come from: the sentence that shares most with them, where rare words count more, and those
 * beside it that are made of the same words. Null: nothing shares enough. Every step is linear in the document, a megabyte takes a fifth of a second.
 */
export function findPassage(text: string, words: string): Range | null {
  const asked = new Set(wordsOf(words.slice(0, MOST_ASKED)))
  const sentences = splitSentences(text).map((range) => sentenceOf(text, range, asked)).filter((sentence) => sentence.words > 0)
  const weights = weigh(asked, sentences)
  let best = -1
  let most = 0
  for (const [at, sentence] of sentences.entries()) {
    const score = weightOf(sentence.hits, weights) * (0.8 + 0.2 * density(sentence))
    if (score > most) [best, most] = [at, score]
  }
  const found = sentences[best]
  return found && isEnough(found, asked, weights) ? widen(sentences, best, words.length) : null
}

const FEW_HITS = 3
const ENOUGH_SHARE = 0.25
const ENOUGH_DENSITY = 0.6

/** A good part of what is looked for, as of a sentence that says it in other words; or most of the sentence, as of a snippet of many. */
function isEnough(sentence: Sentence, asked: ReadonlySet<string>, weights: ReadonlyMap<string, number>): boolean {
  if (sentence.hits.size < Math.min(FEW_HITS, asked.size)) return false
  return weightOf(sentence.hits, weights) >= ENOUGH_SHARE * weightOf(asked, weights) || density(sentence) >= ENOUGH_DENSITY
}

/** With the sentences before and after that are of the passage, too. No longer than what is looked for could be. */
function widen(sentences: readonly Sentence[], at: number, chars: number): Range {
  let [first, last] = [at, at]
  const isOf = (index: number) => (sentences[index] ? density(sentences[index]) >= ENOUGH_DENSITY : false)
  const rangeOf = (from: number, to: number): Range => ({ start: sentences[from]?.start ?? 0, end: sentences[to]?.end ?? 0 })
  const fits = (from: number, to: number) => rangeOf(from, to).end - rangeOf(from, to).start <= 1.5 * chars
  while (isOf(first - 1) && fits(first - 1, last)) first -= 1
  while (isOf(last + 1) && fits(first, last + 1)) last += 1
  return rangeOf(first, last)
}

/** A word that many sentences have tells little of where one is. */
function weigh(asked: ReadonlySet<string>, sentences: readonly Sentence[]): ReadonlyMap<string, number> {
  const holding = new Map<string, number>()
  for (const { hits } of sentences) for (const word of hits) holding.set(word, (holding.get(word) ?? 0) + 1)
  return new Map([...asked].map((word) => [word, Math.log(1 + sentences.length / (1 + (holding.get(word) ?? 0)))]))
}

function weightOf(words: ReadonlySet<string>, weights: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const word of words) sum += weights.get(word) ?? 0
  return sum
}

function density({ hits, words }: Sentence): number {
  return hits.size / words
}

function sentenceOf(text: string, { start, end }: Range, asked: ReadonlySet<string>): Sentence {
  const words = new Set(wordsOf(text.slice(start, end)))
  return { start, end, words: words.size, hits: new Set([...words].filter((word) => asked.has(word))) }
}

// Scripts that put no space between words are compared sign by sign.
const WORD = /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]|[\p{L}\p{M}\p{N}]+/gu

/** Without case, punctuation and the marks of Markdown. */
function wordsOf(text: string): readonly string[] {
  return text.normalize('NFKC').toLowerCase().match(WORD) ?? []
}

/** A heading, an item, a row of a table, a quotation: no sentence goes on into it. */
const BEGINS = /^\s*(?:[-*+]\s|\d{1,9}[.)]\s|#{1,6}\s|\||>|$)/
const HEADING = /^\s*#{1,6}\s/
const SENTENCE_END = /[.!?]["'”’)\]*_]*\s+|[。！？]/g

/** Each line that begins something, and each sentence of a paragraph, however its lines are broken. */
function splitSentences(text: string): readonly Range[] {
  const ranges: Range[] = []
  let start = 0
  let at = 0
  let closed = true
  for (const line of text.split('\n')) {
    if (closed || BEGINS.test(line)) {
      cut(text, { start, end: at }, ranges)
      start = at
    }
    closed = HEADING.test(line)
    at += line.length + 1
  }
  cut(text, { start, end: text.length }, ranges)
  return ranges
}

function cut(text: string, { start, end }: Range, ranges: Range[]): void {
  const block = text.slice(start, end)
  let from = 0
  for (const { index, 0: sign } of block.matchAll(SENTENCE_END)) {
    push(text, { start: start + from, end: start + index + sign.length }, ranges)
    from = index + sign.length
  }
  push(text, { start: start + from, end }, ranges)
}

function push(text: string, { start, end }: Range, ranges: Range[]): void {
  const said = text.slice(start, end)
  const trimmed = said.trim()
  if (trimmed !== '') ranges.push({ start: start + said.indexOf(trimmed), end: start + said.indexOf(trimmed) + trimmed.length })
}
