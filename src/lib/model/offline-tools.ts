import type { JSONObject, LanguageModelV4FunctionTool as FunctionTool } from '@ai-sdk/provider'
import { keywords, spoken, stems } from './offline-words.ts'

/** A call the model wants made. */
export interface OfflineCall {
  readonly toolName: string
  readonly input: JSONObject
}

/** As much of JSON Schema as arguments can be filled from. */
interface Schema {
  readonly type?: string | readonly string[] | undefined
  readonly const?: unknown
  readonly enum?: readonly unknown[] | undefined
  readonly properties?: Readonly<Record<string, Schema | boolean>> | undefined
  readonly required?: readonly string[] | undefined
}

/** What an argument can be: no lists and no objects. */
type Scalar = string | number | boolean

/** First words of a tool that looks things up. Any other may act, and a question is no order to act. */
const LOOKS_UP = /^(?:get|list|find|fetch|show|read|look|lookup|search|count|check|query|describe|returns?|tells?|what|which|who|how|the|all|current)\b/i

const ASKS = /^\W*(?:what|which|who|whose|whom|when|where|why|how|is|are|was|were|does|do|did|has|have|should|may)\b/i

/**
 * The tool whose name, description and arguments speak of what is asked, with its arguments filled from the question;
 * undefined where none fits better than `rival`, the document search.
 */
export function chooseTool(question: string, tools: readonly FunctionTool[], rival: FunctionTool | undefined): OfflineCall | undefined {
  const atLeast = rival === undefined ? 0 : fitOf(rival, question)
  const ranked = tools
    .map((tool) => ({ tool, fit: fitOf(tool, question) }))
    .filter(({ tool, fit }) => fit > atLeast && mayBeMeant(tool, question))
    .sort((a, b) => b.fit - a.fit)
  for (const { tool } of ranked) {
    const input = fillArguments(tool.inputSchema, question, vocabularyOf(tool))
    if (input !== undefined) return { toolName: tool.name, input }
  }
  return undefined
}

/**
 * How well a tool's words meet the question's; 0 where the words it does not know outweigh, or could be no argument of it. Words with a digit
 * are arguments, not subjects.
 */
function fitOf(tool: FunctionTool, question: string): number {
  const asked = [...stems(question)].filter((stem) => !/\d/.test(stem))
  const known = vocabularyOf(tool)
  const named = stems(spoken(tool.name).replace(LOOKS_UP, ''))
  const met = asked.filter((stem) => known.has(stem)).length
  const metInName = asked.filter((stem) => named.has(stem)).length
  const isNamed = metInName > 0 && metInName === named.size && takesText(tool.inputSchema)
  const isSpokenOf = takesAny(tool.inputSchema) ? met * 2 > asked.length : met === asked.length
  return isNamed || isSpokenOf ? met + metInName : 0
}

function mayBeMeant(tool: FunctionTool, question: string): boolean {
  const name = spoken(tool.name)
  const description = tool.description ?? ''
  if (LOOKS_UP.test(name) || LOOKS_UP.test(description)) return true
  const told = new Set(wordsOf(question))
  return !ASKS.test(question) && [name, description].some((text) => told.has(wordsOf(text)[0] ?? ''))
}

function vocabularyOf(tool: FunctionTool): Set<string> {
  const schema: Schema = tool.inputSchema
  const properties = Object.entries(schema.properties ?? {})
  const members = properties.flatMap(([, property]) => (typeof property === 'object' ? (property.enum ?? []) : []))
  const names = [tool.name, ...properties.map(([name]) => name), ...members.map(String)]
  return stems([...names.map(spoken), tool.description ?? ''].join(' '))
}

const takesAny = ({ properties = {} }: Schema): boolean => Object.keys(properties).length > 0

/** "What is the weather in New York?": the words that get_weather does not know are what it takes. */
const takesText = (schema: Schema): boolean => textArguments(schema).length > 0

/** The arguments that any words can be: no choice, no number, no id. */
function textArguments({ properties = {} }: Schema): string[] {
  return Object.entries(properties).flatMap(([name, property]) =>
    typeof property === 'object' && typesOf(property).includes('string') && property.enum === undefined && !ID.test(name) ? [name] : [],
  )
}

const ID = /(?:^|[_-])(?:id|key|no|number|ref|code)$|(?:Id|Key|No|Number|Ref|Code)$/

/** What a question holds that can be an argument. A literal is given to one argument only, so `take` removes it. */
interface Literals {
  readonly quoted: string[]
  readonly names: string[]
  readonly numbers: string[]
  readonly phrase: string[]
}

/** Arguments found in the question, required ones first; undefined where a required one is not in it. */
export function fillArguments(schema: Schema, question: string, vocabulary: ReadonlySet<string>): JSONObject | undefined {
  const required = new Set(schema.required)
  const properties = Object.entries(schema.properties ?? {}).sort(([a], [b]) => Number(required.has(b)) - Number(required.has(a)))
  const literals = literalsOf(question, vocabulary)
  const texts = textArguments(schema)
  const input: JSONObject = {}
  for (const [name, property] of properties) {
    const takesPhrase = required.has(name) || (texts.length === 1 && texts[0] === name)
    const value = typeof property === 'object' ? fill(name, property, takesPhrase, question, literals) : undefined
    if (value !== undefined) input[name] = value
    else if (required.has(name)) return undefined
  }
  return input
}

function fill(name: string, schema: Schema, takesPhrase: boolean, question: string, literals: Literals): Scalar | undefined {
  if (isScalar(schema.const)) return schema.const
  if (schema.enum !== undefined) return mentioned(schema.enum, question)
  const types = typesOf(schema)
  if (types.includes('number') || types.includes('integer')) return asNumber(literals.numbers, types.includes('integer'))
  if (!types.includes('string')) return undefined
  const { quoted, names, numbers, phrase } = literals
  if (ID.test(name)) return take(names, numbers, quoted)
  return takesPhrase ? take(quoted, phrase, names, numbers) : take(quoted)
}

function literalsOf(question: string, vocabulary: ReadonlySet<string>): Literals {
  const quoted = [...question.matchAll(/["“”`]([^"“”`]+)["“”`]|(?<!\w)'([^']+)'(?!\w)/g)].map((match) => match[1] ?? match[2] ?? '')
  const rest = quoted.reduce((text, literal) => text.replace(literal, ' '), question)
  const tokens = rest.match(/[\w@#][\w@.:+-]*[\w]|\d/g) ?? []
  const isNumber = (token: string) => /^#?\d+(?:\.\d+)?$/.test(token)
  return {
    quoted,
    names: tokens.filter((token) => /\d|@/.test(token) && !isNumber(token)),
    numbers: tokens.filter(isNumber).map((token) => token.replace('#', '')),
    phrase: phraseOf(rest, vocabulary),
  }
}

/** What is left of the question between the first and the last word that the tool does not itself use: "Paris on Sunday". */
function phraseOf(question: string, vocabulary: ReadonlySet<string>): string[] {
  const left = keywords(question).filter(({ stem }) => !vocabulary.has(stem))
  const [first, last] = [left[0], left.at(-1)]
  return first === undefined || last === undefined ? [] : [question.slice(first.at, last.at + last.word.length)]
}

function mentioned(members: readonly unknown[], question: string): Scalar | undefined {
  const asked = new Set([...wordsOf(question), ...stems(question)])
  return members.filter(isScalar).find((member) => wordsOf(spoken(String(member))).every((word) => [word, ...stems(word)].some((form) => asked.has(form))))
}

function asNumber(numbers: string[], whole: boolean): number | undefined {
  const at = numbers.findIndex((number) => !whole || Number.isInteger(Number(number)))
  return at < 0 ? undefined : Number(numbers.splice(at, 1)[0])
}

function take(...lists: string[][]): string | undefined {
  return lists.find((list) => list.length > 0)?.shift()
}

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

function typesOf({ type = [] }: Schema): readonly string[] {
  return typeof type === 'string' ? [type] : type
}

const isScalar = (value: unknown): value is Scalar => ['string', 'number', 'boolean'].includes(typeof value)
