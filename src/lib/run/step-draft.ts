import type { Chunk } from '../wire/chunk.ts'

/** What of the running step is still open. */
export interface StepDraft {
  readonly chunks: readonly Chunk[]
  /** Whether a step has begun and not ended. */
  open(): boolean
  add(chunk: Chunk): void
  /** The chunks that close everything: blocks, calls, the step. Calls are settled with these words. */
  closing(why: string): readonly Chunk[]
}

/** Follows the chunks of one step, so that it can be ended properly wherever it is cut. */
export function createStepDraft(): StepDraft {
  const chunks: Chunk[] = []
  const blocks = new Map<string, 'text-end' | 'reasoning-end'>()
  const calls = new Map<string, { toolName: string; begun: boolean }>()
  let open = false
  return {
    chunks,
    open: () => open,
    add(chunk) {
      chunks.push(chunk)
      switch (chunk.type) {
        case 'start-step':
          open = true
          break
        case 'finish-step':
          open = false
          break
        case 'text-start':
          blocks.set(chunk.id, 'text-end')
          break
        case 'reasoning-start':
          blocks.set(chunk.id, 'reasoning-end')
          break
        case 'text-end':
        case 'reasoning-end':
          blocks.delete(chunk.id)
          break
        case 'tool-input-start':
          calls.set(chunk.toolCallId, { toolName: chunk.toolName, begun: true })
          break
        case 'tool-input-available':
          calls.set(chunk.toolCallId, { toolName: chunk.toolName, begun: false })
          break
        case 'tool-input-error':
        case 'tool-output-available':
        case 'tool-output-error':
          calls.delete(chunk.toolCallId)
          break
      }
    },
    closing(why) {
      const ends = [...blocks].map(([id, type]): Chunk => ({ type, id }))
      const settled = [...calls].map(([toolCallId, { toolName, begun }]): Chunk =>
        begun
          ? { type: 'tool-input-error', toolCallId, toolName, input: {}, errorText: why, dynamic: true }
          : { type: 'tool-output-error', toolCallId, errorText: why, dynamic: true },
      )
      return [...ends, ...settled, ...(open ? [{ type: 'finish-step' } as const] : [])]
    },
  }
}
