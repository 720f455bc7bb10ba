import type {
  LanguageModelV4CallOptions as CallOptions,
  LanguageModelV4FunctionTool as FunctionTool,
  LanguageModelV4ToolResultPart as ToolResult,
} from '@ai-sdk/provider'
import { z } from 'zod'
import { extractAnswer, openingOf, type Extract, type Passage } from './offline-answer.ts'
import { clip, describeValue } from './offline-describe.ts'
import { readQuestion, type OfflineQuestion } from './offline-question.ts'
import { chooseTool, type OfflineCall } from './offline-tools.ts'
import { stems } from './offline-words.ts'

/** What the model does next: it speaks, or it calls, never both. `callCount` is how many calls came before. */
export type OfflineTurn = { readonly say: string } | { readonly calls: readonly OfflineCall[]; readonly callCount: number }

const SEARCH = 'search_documents'
const READ = 'read_document'
const PROJECTS = 'list_projects'

const hit = z.object({ source: z.number(), id: z.string(), title: z.string(), snippet: z.string() })
const searchOutput = z.object({ results: z.array(hit) })
const readOutput = z.object({ source: z.number(), id: z.string(), title: z.string(), text: z.string(), nextOffset: z.number().optional() })
const projectsOutput = z.object({ projects: z.array(z.object({ name: z.string(), about: z.string().nullish() })) })

type Hit = z.infer<typeof hit>
type Tools = ReadonlyMap<string, FunctionTool>

/** A long document is read on while its text does not answer, but not for ever: a step costs the caller. */
const MOST_READS = 4

/**
 * Decides from the prompt alone, so the same prompt gets the same turn:
 *
 *     question ┬ a file speaks of it ─────────────────────> say the sentences that answer
 *              ├ small talk ──────────────────────────────> say what this is
 *              ├ a tool speaks of it ──> call ────────────> say its output
 *              ├ search is offered ────> search ─> read ──> say the sentences that answer
 *              └ otherwise ───────────────────────────────> say what the system's documents hold
 */
export function planOfflineTurn(options: CallOptions): OfflineTurn {
  const question = readQuestion(options.prompt)
  const tools = offeredIn(options)
  return question.results.length === 0 ? begin(question, tools) : proceed(question, tools)
}

function offeredIn({ tools = [], toolChoice }: CallOptions): Tools {
  const callable = tools.filter((tool) => tool.type === 'function')
  if (toolChoice?.type === 'none') return new Map()
  const allowed = toolChoice?.type === 'tool' ? callable.filter(({ name }) => name === toolChoice.toolName) : callable
  return new Map(allowed.map((tool) => [tool.name, tool]))
}

function begin(question: OfflineQuestion, tools: Tools): OfflineTurn {
  const told = fromFiles(question)
  if (told !== undefined) return { say: told }
  if (isSmallTalk(question.text) || question.about.length === 0) return { say: introduction(question.text) }
  const search = tools.get(SEARCH)
  const others = [...tools.values()].filter(({ name }) => name !== SEARCH && name !== READ)
  const call = chooseTool(question.text, others, search)
  if (call !== undefined) return calling(question, [call])
  if (search === undefined) return { say: fromDocuments(question) ?? nothingToAnswerFrom(tools) }
  return calling(question, [{ toolName: SEARCH, input: { query: question.about.map(({ word }) => word).join(' ') } }])
}

function proceed(question: OfflineQuestion, tools: Tools): OfflineTurn {
  const reads = outputsOf(question, READ, readOutput)
  if (reads.length > 0) return answerOrReadOn(question, tools, reads)
  const failure = question.results.map(failureOf).find((told) => told !== undefined)
  if (failure !== undefined) return { say: failure }
  const searches = outputsOf(question, SEARCH, searchOutput)
  if (searches.length > 0) return readOrGiveUp(question, tools, searches.flatMap(({ results }) => results))
  const listed = outputsOf(question, PROJECTS, projectsOutput).flatMap(({ projects }) => projects)
  if (listed.length > 0) return { say: ['These are the projects here:', ...listed.map(projectLine)].join('\n') }
  return { say: question.results.map(describeResult).join('\n\n') }
}

function calling({ callCount }: OfflineQuestion, calls: readonly OfflineCall[]): OfflineTurn {
  return { calls, callCount }
}

/** The best document, and the next one too where it is nearly as close to what is asked. */
function readOrGiveUp(question: OfflineQuestion, tools: Tools, hits: readonly Hit[]): OfflineTurn {
  const [best, ...rest] = hits
  if (best === undefined) return { say: fromDocuments(question) ?? nothingFound(question) }
  if (!tools.has(READ)) return { say: answered(question, extract(question, hits.map(asPassage)), hits) }
  const closeness = ({ title, snippet }: Hit) => question.about.filter(({ stem }) => stems(`${title} ${snippet}`).has(stem)).length
  const second = rest.find((other) => other.id !== best.id && closeness(other) * 2 > closeness(best))
  const chosen = second === undefined ? [best] : [best, second]
  return calling(question, chosen.map(({ id }) => ({ toolName: READ, input: { id } })))
}

function answerOrReadOn(question: OfflineQuestion, tools: Tools, reads: readonly z.infer<typeof readOutput>[]): OfflineTurn {
  const answer = extract(question, reads)
  const last = new Map(reads.map((read) => [read.id, read]))
  const unfinished = [...last.values()].find(({ nextOffset }) => nextOffset !== undefined)
  if (speaksOf(question, answer) || unfinished?.nextOffset === undefined || reads.length >= MOST_READS || !tools.has(READ)) {
    return { say: answered(question, answer, reads) }
  }
  return calling(question, [{ toolName: READ, input: { id: unfinished.id, offset: unfinished.nextOffset } }])
}

function extract({ text, about }: OfflineQuestion, passages: readonly Passage[]): Extract {
  return extractAnswer(text, about, passages)
}

function speaksOf({ about }: OfflineQuestion, { missing }: Extract): boolean {
  return missing.length * 2 <= about.length
}

function answered(question: OfflineQuestion, answer: Extract, passages: readonly Pick<Passage, 'source' | 'title'>[]): string {
  if (answer.text === '') {
    const titles = new Set(passages.map(({ source, title }) => `${clip(title)} [${source}]`))
    return `No sentence answers this in what comes closest: ${[...titles].join(', ')}.`
  }
  if (speaksOf(question, answer)) return answer.text
  const missing = answer.missing.map((word) => `"${clip(word)}"`).join(', ')
  return `What I read does not speak of ${missing}. This comes closest:\n\n${answer.text}`
}

function asPassage({ source, title, snippet }: Hit): Passage {
  return { source, title, text: snippet }
}

const OF_THE_FILE = /\b(?:file|attach|summar|content|text|image)/i

/** What the attached files say of it; where nothing else is asked than what they are, how each of them begins. */
function fromFiles(question: OfflineQuestion): string | undefined {
  const { files, attached, about, text } = question
  if (files.length === 0) return undefined
  const answer = extract(question, files)
  // Of a file that came with an earlier question, only what speaks of all that is asked: the documents may know better.
  const speaks = attached ? speaksOf(question, answer) : answer.missing.length === 0
  if (about.length > 0 && answer.text !== '' && speaks) return answer.text
  return attached && (about.length === 0 || OF_THE_FILE.test(text)) ? files.map(openingOf).join('\n\n') : undefined
}

function fromDocuments(question: OfflineQuestion): string | undefined {
  return extract(question, question.documents).text || undefined
}

function nothingFound({ about }: OfflineQuestion): string {
  const words = clip(about.map(({ word }) => word).join(' '))
  return `I found nothing in this scope about "${words}". Try to rephrase it: I only find words that the documents use.`
}

function nothingToAnswerFrom(tools: Tools): string {
  return tools.size === 0
    ? 'I have nothing to answer from: no tools and no documents were given to me here.'
    : `I have no documents to answer from, and none of the tools here fits the question: ${[...tools.keys()].join(', ')}.`
}

const PHRASES = [
  'hi|hello|hey|there|ambit|good (?:morning|afternoon|evening|day)',
  '(?:many )?thanks?|thank you|(?:very|so) much|cheers',
  'help|please|(?:who|what) are you|what (?:can|do) you do|how do you work',
]
const SMALL_TALK = new RegExp(`^(?:\\W*(?:${PHRASES.join('|')})\\b)+\\W*$`, 'i')

function isSmallTalk(text: string): boolean {
  return text.length < 200 && SMALL_TALK.test(text)
}

function introduction(text: string): string {
  const thanks = /\b(?:thanks?|cheers)\b/i.test(text) ? 'You are welcome. ' : ''
  return (
    `${thanks}I am the offline model: no network and no understanding. I look for what you ask in the documents of this scope and quote the ` +
    'sentences that answer it, each with its source. For a model that can reason, set `AMBIT_MODEL`, for example to `openai:<id>`.'
  )
}

/** The outputs of one tool that have the shape it promises. */
function outputsOf<T>({ results }: OfflineQuestion, toolName: string, shape: z.ZodType<T>): T[] {
  return results.flatMap(({ toolName: name, output }) => {
    if (name !== toolName || output.type !== 'json') return []
    const parsed = shape.safeParse(output.value)
    return parsed.success ? [parsed.data] : []
  })
}

function failureOf({ toolName, output }: ToolResult): string | undefined {
  if (output.type === 'execution-denied') return `\`${toolName}\` was not run: ${clip(output.reason ?? 'it was not allowed')}.`
  if (output.type === 'error-text') return `\`${toolName}\` failed: ${clip(output.value)}`
  if (output.type === 'error-json') return `\`${toolName}\` failed: ${clip(JSON.stringify(output.value))}`
  return undefined
}

function describeResult({ toolName, output }: ToolResult): string {
  if (output.type === 'json') return `\`${toolName}\` answered:\n\n${describeValue(output.value)}`
  if (output.type === 'text') return `\`${toolName}\` answered: ${clip(output.value, 1500)}`
  return `\`${toolName}\` answered with something that I cannot read.`
}

function projectLine({ name, about }: { name: string; about?: string | null | undefined }): string {
  return about ? `- **${clip(name)}**: ${clip(about)}` : `- **${clip(name)}**`
}
