import type { CallRow } from '../store/call-rows.ts'
import type { Chunk } from '../wire/chunk.ts'
import { partsOf } from '../wire/message-parts.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import { takenCalls } from './standing-call.ts'
import type { StandingCall } from './standing-call.ts'

/** The second part of a step: the model has spoken, and what it called is claimed. */
export interface OpenStep {
  readonly number: number
  readonly text: string
  /** Calls of any kind. */
  readonly called: number
  /** Those that are not settled. */
  readonly calls: readonly StandingCall[]
}

/** How far a run had come when its owner took it: nothing, for one that was just opened. */
export interface Resumption {
  /** The parts of each finished step. */
  readonly steps: readonly (readonly MessagePart[])[]
  readonly open: OpenStep | null
}

export const FROM_THE_START: Resumption = { steps: [], open: null }

/** Takes the committed chunks of a run apart by steps. The last one is open where it has begun and not ended: only its calls are left to do. */
export function splitSteps(chunks: readonly Chunk[]): { readonly steps: readonly (readonly MessagePart[])[]; readonly rest: readonly Chunk[] } {
  const steps: (readonly MessagePart[])[] = []
  let rest: Chunk[] = []
  for (const chunk of chunks) {
    rest.push(chunk)
    if (chunk.type !== 'finish-step') continue
    steps.push(partsOf(rest))
    rest = []
  }
  return { steps, rest }
}

/** `calls` are those of the step after the last finished one. */
export function resumptionOf(chunks: readonly Chunk[], calls: readonly CallRow[]): Resumption {
  const { steps, rest } = splitSteps(chunks)
  if (!rest.some(({ type }) => type === 'start-step')) return { steps, open: null }
  const settled = new Set(rest.flatMap((chunk) => (chunk.type === 'tool-output-available' || chunk.type === 'tool-output-error' ? [chunk.toolCallId] : [])))
  return {
    steps,
    open: {
      number: steps.length + 1,
      text: rest.flatMap((chunk) => (chunk.type === 'text-delta' ? [chunk.delta] : [])).join(''),
      called: partsOf(rest).filter(({ type }) => type === 'dynamic-tool').length,
      calls: takenCalls(calls.filter(({ id }) => !settled.has(id))),
    },
  }
}
