import type {
  LanguageModelV4Message as Message,
  LanguageModelV4Prompt as Prompt,
  LanguageModelV4ToolResultPart as ToolResult,
} from '@ai-sdk/provider'
import type { Passage } from './offline-answer.ts'
import { keywords, type Keyword } from './offline-words.ts'

/** What a prompt asks, and what is already known about it. */
export interface OfflineQuestion {
  /** The last thing the user said. */
  readonly text: string
  /** What it is about: its own words, and those of the message before where it leans on that. */
  readonly about: readonly Keyword[]
  /** What tools answered since, in order. */
  readonly results: readonly ToolResult[]
  /** Documents that the system message carries. */
  readonly documents: readonly Passage[]
  /** Text files that the user attached, the newest message's first. */
  readonly files: readonly Passage[]
  /** Whether some of them came with the question itself. */
  readonly attached: boolean
  /** Calls made in the whole conversation: the next id must differ from each of theirs. */
  readonly callCount: number
}

/** A question longer than this is a text; its beginning has to do. */
const LONGEST_QUESTION = 4000
const MOST_KEYWORDS = 24

/** Reads a prompt. Everything but the last question and what followed it is background. */
export function readQuestion(prompt: Prompt): OfflineQuestion {
  const last = prompt.findLastIndex(({ role }) => role === 'user')
  const asked = prompt.slice(0, last + 1).flatMap(userText)
  const text = asked.at(-1) ?? ''
  return {
    text,
    about: leaningOn(text, asked.at(-2) ?? ''),
    results: prompt.slice(last + 1).flatMap(resultsOf),
    documents: prompt.flatMap((message) => (message.role === 'system' ? documentsOf(message.content) : [])),
    files: prompt.slice(0, last + 1).toReversed().flatMap(filesOf),
    attached: prompt.slice(last, last + 1).some((message) => filesOf(message).length > 0),
    callCount: prompt.flatMap(callsOf).length,
  }
}

const LEANS = /^\W*(?:and|but|so|then|what about|how about)\b|\b(?:it|its|they|them|their|he|she|him|his|her|this|that|these|those|there)\b/i

/** "And who owns it?" is about what the message before was about. */
function leaningOn(text: string, before: string): Keyword[] {
  const own = keywords(text)
  const leans = own.length === 0 || (own.length <= 3 && LEANS.test(text))
  if (!leans) return own.slice(0, MOST_KEYWORDS)
  const known = new Set(own.map(({ stem }) => stem))
  return [...own, ...keywords(before).filter(({ stem }) => !known.has(stem))].slice(0, MOST_KEYWORDS)
}

const FILE = /<file name="([^"]*)"[^>]*>\n([^]*?)\n<\/file>/g

function saidBy(message: Message): string {
  return message.role === 'user' ? message.content.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n') : ''
}

/** What was typed, without the files that came with it. */
function userText(message: Message): string[] {
  return message.role === 'user' ? [saidBy(message).replaceAll(FILE, '').trim().slice(0, LONGEST_QUESTION)] : []
}

function filesOf(message: Message): Passage[] {
  return [...saidBy(message).matchAll(FILE)].map(([, title = '', text = '']) => ({ source: null, title, text: unescaped(text) }))
}

function resultsOf(message: Message): ToolResult[] {
  if (message.role !== 'tool' && message.role !== 'assistant') return []
  return message.content.flatMap((part) => (part.type === 'tool-result' ? [part] : []))
}

function callsOf(message: Message): string[] {
  if (message.role !== 'assistant') return []
  return message.content.flatMap((part) => (part.type === 'tool-call' ? [part.toolCallId] : []))
}

function documentsOf(system: string): Passage[] {
  return [...system.matchAll(/<document\s([^>]*)>([^]*?)<\/document>/g)].flatMap(([, attributes = '', text = '']) => {
    const source = Number(/\bsource="(\d+)"/.exec(attributes)?.[1])
    const title = unescaped(/\btitle="([^"]*)"/.exec(attributes)?.[1] ?? '')
    return Number.isInteger(source) ? [{ source, title, text: unescaped(text) }] : []
  })
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}
