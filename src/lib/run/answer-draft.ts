import type { Chunk } from '../wire/chunk.ts'
import { partsOf } from '../wire/message-parts.ts'
import type { MessagePart } from '../wire/message-parts.ts'
import { createStepDraft } from './step-draft.ts'

const NOT_RUN = 'Not finished: the answer ended before the outcome of this call was known.'

/** An answer as it grows: its finished steps as parts, the running one as chunks. */
export interface AnswerDraft {
  /** Whether a step has begun and not ended. */
  open(): boolean
  add(chunk: Chunk): void
  /** The chunks that close whatever is open. */
  closing(): readonly Chunk[]
  /** Forgets the running step. */
  dropStep(): void
  /** The running step is over: its parts. */
  closeStep(): readonly MessagePart[]
  /** JSON text of the whole message, were these its last chunks. */
  messageWith(chunks: readonly Chunk[]): string
}

/** `before`: what an earlier owner committed. */
export function createAnswerDraft(before: readonly Chunk[]): AnswerDraft {
  const parts: MessagePart[] = []
  let step = createStepDraft()
  const closeStep = (): readonly MessagePart[] => {
    const finished = partsOf(step.chunks)
    parts.push(...finished)
    step = createStepDraft()
    return finished
  }
  for (const chunk of before) {
    step.add(chunk)
    if (chunk.type === 'finish-step') closeStep()
  }
  return {
    open: () => step.open(),
    add: (chunk) => step.add(chunk),
    closing: () => step.closing(NOT_RUN),
    dropStep() {
      step = createStepDraft()
    },
    closeStep,
    messageWith: (chunks) => JSON.stringify([...parts, ...partsOf([...step.chunks, ...chunks])]),
  }
}
