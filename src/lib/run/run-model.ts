import type { NewId } from '../directory/new-id.ts'
import { callModel } from '../model/language-model.ts'
import type { LanguageModelV4, ModelCall } from '../model/language-model.ts'
import { ModelFault } from '../model/model-event.ts'
import type { ModelEvent } from '../model/model-event.ts'
import type { BoundTool } from '../tools/bound-tool.ts'
import { plainText } from '../tools/plain-json.ts'
import type { Chunk, FinishReason, ProviderMetadata } from '../wire/chunk.ts'

/** A call that may run: its tool is offered and its arguments are what the tool demands. */
export interface ValidCall {
  readonly id: string
  readonly name: string
  readonly args: unknown
}

/** The model's part of a step. */
export interface ModelPart {
  readonly text: string
  readonly calls: readonly ValidCall[]
  /** Calls of any kind, those that may not run included: the model is told of each. */
  readonly called: number
  readonly reason: FinishReason
  readonly usage: unknown
}

export interface ModelPartOptions {
  readonly model: LanguageModelV4
  readonly call: Omit<ModelCall, 'tools'>
  readonly tools: readonly BoundTool[]
  readonly step: number
  readonly argumentBytes: number
  readonly newId: NewId
}

const SHOWN_INPUT = 2_000

/**
 * One model call, said live chunk by chunk. A call to a tool that is not offered, or with arguments that are no JSON or
 * not what the tool demands, is an error that the model is told of; the run goes on.
 */
export async function runModel(options: ModelPartOptions, say: (chunk: Chunk) => void): Promise<ModelPart> {
  const { model, call, tools } = options
  const part = createPart(options, say)
  say({ type: 'start-step' })
  for await (const event of callModel(model, { ...call, tools })) part.take(event)
  return part.finish()
}

function createPart({ tools, step, argumentBytes, newId }: ModelPartOptions, say: (chunk: Chunk) => void) {
  const blocks = new Map<string, string>() // by kind and the provider's id: a text may have the id of a reasoning
  const callIds = new Map<string, string>()
  const text: string[] = []
  const calls: ValidCall[] = []
  let called = 0
  let blockCount = 0
  let ending: { reason: FinishReason; usage: unknown } | undefined

  const takeCall = (event: Extract<ModelEvent, { type: 'call' }>): void => {
    const id = callIds.get(event.id) ?? newId('call')
    callIds.delete(event.id) // a provider that repeats an id begins another call with it
    called += 1
    const named = { toolCallId: id, toolName: event.name, dynamic: true, providerMetadata: ownMetadata(event) } as const
    const checked = checkCall(tools, event, argumentBytes)
    if (!checked.ok) {
      say({ type: 'tool-input-error', ...named, input: event.input.slice(0, SHOWN_INPUT), errorText: checked.detail })
      return
    }
    say({ type: 'tool-input-available', ...named, input: checked.args })
    calls.push({ id, name: event.name, args: checked.args })
  }

  return {
    take(event: ModelEvent): void {
      switch (event.type) {
        case 'text-delta':
        case 'reasoning-delta': {
          const id = blocks.get(blockKey(event))
          if (id === undefined || event.delta === '') return
          if (event.type === 'text-delta') text.push(event.delta)
          say({ type: event.type, id, delta: event.delta, ...metadataOf(event) })
          return
        }
        case 'text-start':
        case 'reasoning-start': {
          const id = `${step}.${(blockCount += 1)}` // unique in the message; a provider's is not
          blocks.set(blockKey(event), id)
          say({ type: event.type, id, ...metadataOf(event) })
          return
        }
        case 'text-end':
        case 'reasoning-end': {
          const id = blocks.get(blockKey(event))
          if (id === undefined) return
          blocks.delete(blockKey(event))
          say({ type: event.type, id, ...metadataOf(event) })
          return
        }
        case 'call-start': {
          const id = newId('call')
          callIds.set(event.id, id)
          say({ type: 'tool-input-start', toolCallId: id, toolName: event.name, dynamic: true })
          return
        }
        case 'call-delta': {
          const id = callIds.get(event.id)
          if (id !== undefined) say({ type: 'tool-input-delta', toolCallId: id, inputTextDelta: event.delta })
          return
        }
        case 'call':
          takeCall(event)
          return
        case 'source-url':
          say({ type: 'source-url', sourceId: event.id, url: event.url, ...(event.title !== undefined && { title: event.title }) })
          return
        case 'finish':
          ending = { reason: event.reason, usage: event.usage }
      }
    },
    finish(): ModelPart {
      if (!ending) throw new Error('A model call ended without a finish event.')
      if (ending.reason === 'error') throw new ModelFault('model_error', 'The model could not answer. Try again in a moment.')
      if (called === 0 && text.length === 0) throw new ModelFault('model_empty', 'The model gave no answer. Ask again.')
      return { text: text.join(''), calls, called, ...ending }
    },
  }
}

function blockKey({ type, id }: { readonly type: string; readonly id: string }): string {
  return `${type.split('-')[0]} ${id}`
}

const NO_ARGUMENTS = {
  not_json: 'The arguments are not JSON.',
  too_large: 'The arguments are too large.',
  too_deep: 'The arguments are nested too deeply.',
} as const

type CheckedCall =
  | { readonly ok: true; readonly args: unknown }
  | { readonly ok: false; readonly detail: string }

function checkCall(tools: readonly BoundTool[], event: { name: string; input: string }, argumentBytes: number): CheckedCall {
  const tool = tools.find(({ name }) => name === event.name)
  if (!tool) return { ok: false, detail: 'There is no such tool here.' }
  const json = plainText(event.input, argumentBytes)
  if (!json.ok) return { ok: false, detail: NO_ARGUMENTS[json.reason] }
  const parsed = tool.parse(json.value)
  return parsed.ok ? { ok: true, args: parsed.value } : { ok: false, detail: `The arguments do not fit: ${parsed.detail}` }
}

/** The provider's own id of a call goes back to the provider. Nobody else goes by it, because providers repeat theirs. */
function ownMetadata(event: { readonly id: string; readonly providerMetadata?: ProviderMetadata | undefined }): ProviderMetadata {
  return { ...event.providerMetadata, ambit: { callId: event.id } }
}

function metadataOf(event: { readonly providerMetadata?: ProviderMetadata | undefined }) {
  return event.providerMetadata ? { providerMetadata: event.providerMetadata } : {}
}
