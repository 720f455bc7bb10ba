import type { AssistantPart, CallResult, PromptMessage } from '../model/prompt.ts'
import type { BranchMessage } from './read-branch.ts'
import type { ProviderMetadata } from '../wire/chunk.ts'
import type { MessagePart, SettledCallPart } from '../wire/message-parts.ts'

const HIDDEN = '(This message is hidden: it holds what the person may not see.)'

/** The history as the model is told it, and the projects that it was drawn from: who reads the answer reads them too. */
export interface History {
  readonly messages: readonly PromptMessage[]
  readonly reads: readonly string[]
}

/**
 * The stored branch as the model is told it: newest messages first until the characters are used up, never the
 * client's copy. A message that the reader may not see is left out and marked, so that the model knows of the gap.
 */
export function historyPrompt(rows: readonly BranchMessage[], maxChars: number): History {
  const kept: BranchMessage[] = []
  let chars = 0
  for (const row of rows.toReversed()) {
    chars += row.parts?.length ?? HIDDEN.length
    if (chars > maxChars && kept.length > 0) break
    kept.unshift(row)
  }
  return { messages: kept.flatMap(promptOf), reads: [...new Set(kept.flatMap((row) => row.reads))] }
}

function promptOf(row: BranchMessage): readonly PromptMessage[] {
  const parts = row.parts === null ? null : (JSON.parse(row.parts) as readonly MessagePart[])
  if (row.role === 'user') return [{ role: 'user', text: parts === null ? HIDDEN : textOf(parts) }]
  return parts === null ? [{ role: 'assistant', parts: [{ type: 'text', text: HIDDEN }] }] : answerPrompt(parts)
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
      return part.text === '' ? [] : [{ type: part.type, text: part.text, providerMetadata: part.providerMetadata }]
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
