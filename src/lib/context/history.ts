import type { AssistantPart, CallResult, PromptMessage } from '../model/prompt.ts'
import type { BranchMessage } from './read-branch.ts'
import type { ProviderMetadata } from '../wire/chunk.ts'
import type { MessagePart, SettledCallPart } from '../wire/message-parts.ts'
import { estimateTokens } from './estimate-tokens.ts'
import type { ToldMessage } from './tell-files.ts'

const HIDDEN = '(This message is hidden: it holds what the person may not see.)'

/** Tokens of these messages, estimated from what is stored of them. */
export function tokensOf(rows: readonly BranchMessage[]): number {
  return rows.reduce((sum, row) => sum + estimateTokens(row.parts ?? HIDDEN), 0)
}

/** The newest of these messages that have at most this many tokens. Begins with a person's: a model refuses to be shown an answer first. */
export function cutHistory(rows: readonly BranchMessage[], tokens: number): readonly BranchMessage[] {
  let left = tokens
  const over = rows.findLastIndex((row) => (left -= tokensOf([row])) < 0)
  const kept = rows.slice(over + 1)
  const first = kept.findIndex((row) => row.role === 'user')
  return over < 0 ? rows : kept.slice(first < 0 ? kept.length : first)
}

/**
 * The stored branch as the model is told it, never the client's copy. A message that the reader may not see is left out
 * and marked, so that the model knows of the gap.
 */
export function historyPrompt(rows: readonly ToldMessage[]): readonly PromptMessage[] {
  return rows.flatMap(promptOf)
}

function promptOf(row: ToldMessage): readonly PromptMessage[] {
  const parts = row.parts === null ? null : (JSON.parse(row.parts) as readonly MessagePart[])
  if (row.role === 'user') return [questionPrompt(row, parts === null ? HIDDEN : textOf(parts))]
  return parts === null ? [{ role: 'assistant', parts: [{ type: 'text', text: HIDDEN }] }] : answerPrompt(parts)
}

/** Its files first: what is asked comes last, and is asked about them. */
function questionPrompt({ fileTexts = [], images = [] }: ToldMessage, words: string): PromptMessage {
  const text = [...fileTexts, words].filter((part) => part !== '').join('\n\n')
  return { role: 'user', text, ...(images.length > 0 && { images }) }
}

export function textOf(parts: readonly MessagePart[]): string {
  return parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
}

/** An answer's steps: what the model said and called, then what the calls answered, in call order. */
export function answerPrompt(parts: readonly MessagePart[]): readonly PromptMessage[] {
  const messages: PromptMessage[] = []
  for (const step of stepsOf(parts)) {
    const said = step.flatMap(assistantPart)
    const results = step.flatMap((part) => (part.type === 'dynamic-tool' ? [callResult(part)] : []))
    if (said.length > 0) messages.push({ role: 'assistant', parts: said })
    if (results.length > 0) messages.push({ role: 'tool', results })
  }
  return messages
}

function stepsOf(parts: readonly MessagePart[]): readonly (readonly MessagePart[])[] {
  const steps: MessagePart[][] = []
  for (const part of parts) {
    if (part.type === 'step-start' || steps.length === 0) steps.push([])
    if (part.type !== 'step-start') steps.at(-1)?.push(part)
  }
  return steps
}

function assistantPart(part: MessagePart): readonly AssistantPart[] {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      // A thought without words may hold what its provider wants back (encrypted, or redacted).
      return part.text === '' && !(part.type === 'reasoning' && part.providerMetadata) ? [] : [{ type: part.type, text: part.text, providerMetadata: part.providerMetadata }]
    case 'dynamic-tool':
      return [
        {
          type: 'call',
          callId: providerCallId(part),
          name: toolName(part),
          input: isRecord(part.input) ? part.input : {},
          providerMetadata: withoutOwn(part.callProviderMetadata),
        },
      ]
    default:
      return []
  }
}

function callResult(part: SettledCallPart): CallResult {
  return {
    callId: providerCallId(part),
    name: toolName(part),
    output: part.state === 'output-available' ? { type: 'json', value: part.output } : { type: 'error', text: part.errorText },
  }
}

/** The provider knows a call by the id it gave; everybody else by Ambit's, because providers repeat theirs. */
function providerCallId(part: SettledCallPart): string {
  const id = part.callProviderMetadata?.['ambit']?.['callId']
  return typeof id === 'string' ? id : part.toolCallId
}

/** A name that the model made up may be one that its provider does not take back. */
function toolName(part: SettledCallPart): string {
  return part.toolName.replaceAll(/[^a-zA-Z0-9_-]/g, '_').slice(0, 64) || 'unknown'
}

/** A model demands an object as arguments, also of a call whose arguments were none. */
function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withoutOwn(metadata: ProviderMetadata | undefined): ProviderMetadata | undefined {
  if (!metadata) return undefined
  const { ambit: _, ...others } = metadata
  return Object.keys(others).length > 0 ? others : undefined
}
