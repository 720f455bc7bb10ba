import type { Chunk, ProviderMetadata } from './chunk.ts'

interface Provided {
  readonly providerMetadata?: ProviderMetadata
}

interface CallPart {
  readonly type: 'dynamic-tool'
  readonly toolName: string
  readonly toolCallId: string
  readonly input: unknown
  readonly callProviderMetadata?: ProviderMetadata
}

/** A call that has ended: with an output, or with words on why there is none. */
export type SettledCallPart =
  | (CallPart & { readonly state: 'output-available'; readonly output: unknown })
  | (CallPart & { readonly state: 'output-error'; readonly errorText: string })

/** A file that a person attached: what the server knows of it, never what the client said. Its url is `ambit-file:<id>` where it is stored. */
export interface FilePart {
  readonly type: 'file'
  readonly mediaType: string
  readonly filename: string
  readonly url: string
}

/** The parts of a UI message (ai 7, `UIMessage['parts']`) that Ambit stores: what a client holds after the same chunks. */
export type MessagePart =
  | { readonly type: 'step-start' }
  | ({ readonly type: 'text' | 'reasoning'; readonly text: string; readonly state?: 'done' } & Provided)
  | ({ readonly type: 'source-url'; readonly sourceId: string; readonly url: string; readonly title?: string } & Provided)
  | ({ readonly type: 'source-document'; readonly sourceId: string; readonly mediaType: string; readonly title: string } & Provided)
  | FilePart
  | SettledCallPart

interface OpenText {
  type: 'text' | 'reasoning'
  deltas: string[]
  providerMetadata: ProviderMetadata | undefined
}

/**
 * What the chunks of whole steps (every block closed, every call settled) amount to as message parts, in the order in
 * which a client would show them. Done once per step; no work per token but keeping the delta.
 */
export function partsOf(chunks: readonly Chunk[]): readonly MessagePart[] {
  const slots: (MessagePart | OpenText)[] = []
  const open = new Map<string, OpenText>()
  const calls = new Map<string, { slot: number; part: CallPart }>()
  for (const chunk of chunks) {
    switch (chunk.type) {
      case 'start-step':
        slots.push({ type: 'step-start' })
        break
      case 'text-start':
      case 'reasoning-start': {
        const block: OpenText = { type: chunk.type === 'text-start' ? 'text' : 'reasoning', deltas: [], providerMetadata: chunk.providerMetadata }
        open.set(chunk.id, block)
        slots.push(block)
        break
      }
      case 'text-delta':
      case 'reasoning-delta':
      case 'text-end':
      case 'reasoning-end': {
        const block = open.get(chunk.id)
        if (block && 'delta' in chunk) block.deltas.push(chunk.delta)
        if (block && chunk.providerMetadata) block.providerMetadata = chunk.providerMetadata
        break
      }
      case 'source-url':
      case 'source-document':
        slots.push(chunk)
        break
      case 'tool-input-start':
        calls.set(chunk.toolCallId, { slot: slots.length, part: callPart(chunk, null) })
        slots.push(unsettled(callPart(chunk, null)))
        break
      case 'tool-input-available':
      case 'tool-input-error': {
        const slot = calls.get(chunk.toolCallId)?.slot ?? slots.length
        const part = callPart(chunk, chunk.input)
        calls.set(chunk.toolCallId, { slot, part })
        slots[slot] = chunk.type === 'tool-input-error' ? { ...part, state: 'output-error', errorText: chunk.errorText } : unsettled(part)
        break
      }
      case 'tool-output-available':
      case 'tool-output-error': {
        const call = calls.get(chunk.toolCallId)
        if (!call) break
        slots[call.slot] = 'output' in chunk
          ? { ...call.part, state: 'output-available', output: chunk.output }
          : { ...call.part, state: 'output-error', errorText: chunk.errorText }
        break
      }
    }
  }
  return slots.map((slot) => ('deltas' in slot ? textPart(slot) : slot))
}

function textPart({ type, deltas, providerMetadata }: OpenText): MessagePart {
  return { type, text: deltas.join(''), state: 'done', ...(providerMetadata && { providerMetadata }) }
}

/** Holds a call's place until its output comes. */
function unsettled(part: CallPart): SettledCallPart {
  return { ...part, state: 'output-error', errorText: 'No output.' }
}

function callPart(
  chunk: { readonly toolName: string; readonly toolCallId: string; readonly providerMetadata?: ProviderMetadata },
  input: unknown,
): CallPart {
  const { toolName, toolCallId, providerMetadata } = chunk
  return { type: 'dynamic-tool', toolName, toolCallId, input, ...(providerMetadata && { callProviderMetadata: providerMetadata }) }
}
