import type { NewId } from '../directory/new-id.ts'
import type { Limits } from '../limits/limits.ts'
import { callModel } from '../model/call-model.ts'
import type { ModelCall, OpenModel } from '../model/call-model.ts'
import { ModelFault } from '../model/model-event.ts'
import type { ModelEvent, ModelUsage } from '../model/model-event.ts'
import { faultPoint } from '../observe/fault-point.ts'
import type { BoundTool, LedgerEffect } from '../tools/bound-tool.ts'
import { plainOutput, plainText } from '../tools/plain-json.ts'
import type { Chunk, FinishReason, ProviderMetadata } from '../wire/chunk.ts'
import { deltaPieces } from './delta-pieces.ts'

/** A call that may run: its tool is offered and its arguments are what the tool demands. */
export interface ValidCall {
  readonly id: string
  readonly name: string
  readonly args: unknown
  /** JSON text: the arguments as the model wrote them, from which whoever takes the run over makes the same `args`. */
  readonly input: string
  readonly effect: LedgerEffect
}

/** The model's part of a step. */
export interface ModelPart {
  readonly text: string
  readonly calls: readonly ValidCall[]
  /** Calls of any kind, those that may not run included: the model is told of each. */
  readonly called: number
  readonly reason: FinishReason
  readonly usage: ModelUsage
}

export interface ModelPartOptions {
  readonly model: OpenModel
  readonly call: Omit<ModelCall, 'tools' | 'limits'> & { readonly limits: ModelCall['limits'] & Pick<Limits, 'argumentBytes' | 'calls'> }
  readonly tools: readonly BoundTool[]
  readonly step: number
  readonly newId: NewId
}

const SHOWN_INPUT = 2_000
const SHOWN_NAME = 128
const CALL_ID = 256
const METADATA_BYTES = 64_000
const URL_CHARS = 2_000
const UNKNOWN: ModelUsage = { inputTokens: {}, outputTokens: {} }

/**
 * One model call, said live chunk by chunk. A call to a tool that is not offered, or with arguments that are no JSON or
 * not what the tool demands, is an error that the model is told of; the run goes on. A model is an untrusted client: one
 * that calls more than a whole run may is cut short, and its run then ends in words.
 */
export async function runModel(options: ModelPartOptions, say: (chunk: Chunk) => void): Promise<ModelPart> {
  const { model, call, tools } = options
  const part = createPart(options, say)
  say({ type: 'start-step' })
  let said = false
  for await (const event of callModel(model, { ...call, tools })) {
    part.take(event)
    if (event.type === 'text-delta') faultPoint(said ? 'mid_text' : 'first_token')
    said ||= event.type === 'text-delta'
    if (part.begun() > call.limits.calls) return part.cut()
  }
  return part.finish()
}

/** A call whose arguments are still being written. */
interface OpenCall {
  readonly id: string
  readonly name: string
  bytes: number
}

function createPart({ tools, step, newId, call: { limits } }: ModelPartOptions, say: (chunk: Chunk) => void) {
  const blocks = new Map<string, string>() // by kind and the provider's id: a text may have the id of a reasoning
  const open = new Map<string, OpenCall>()
  const text: string[] = []
  const calls: ValidCall[] = []
  let begun = 0
  let called = 0
  let blockCount = 0
  let ending: { reason: FinishReason; usage: ModelUsage } | undefined

  const refuseCall = (id: string, event: Named, input: unknown, errorText: string): void => {
    called += 1
    say({ type: 'tool-input-error', ...namedOf(id, event), input, errorText })
  }

  const beginCall = (event: Extract<ModelEvent, { type: 'call-start' }>): void => {
    begun += 1
    const id = newId('call')
    open.set(event.id, { id, name: event.name, bytes: 0 })
    say({ type: 'tool-input-start', toolCallId: id, toolName: shown(event.name), dynamic: true })
  }

  const growCall = ({ id, delta }: Extract<ModelEvent, { type: 'call-delta' }>): void => {
    const call = open.get(id)
    if (!call || call.bytes > limits.argumentBytes) return
    call.bytes += Buffer.byteLength(delta)
    if (call.bytes <= limits.argumentBytes) say({ type: 'tool-input-delta', toolCallId: call.id, inputTextDelta: delta })
    else refuseCall(call.id, { id, name: call.name }, '', NO_ARGUMENTS.too_large)
  }

  const takeCall = (event: Extract<ModelEvent, { type: 'call' }>): void => {
    const written = open.get(event.id)
    open.delete(event.id) // a provider that repeats an id begins another call with it
    if (written && written.bytes > limits.argumentBytes) return
    if (!written) begun += 1
    const id = written?.id ?? newId('call')
    const checked = checkCall(tools, event, limits.argumentBytes)
    if (!checked.ok) return refuseCall(id, event, event.input.slice(0, SHOWN_INPUT), checked.detail)
    called += 1
    say({ type: 'tool-input-available', ...namedOf(id, event), input: checked.args })
    calls.push({ id, name: event.name, args: checked.args, input: checked.input, effect: checked.effect })
  }

  return {
    /** Calls that were begun, whatever became of them. */
    begun: () => begun,
    take(event: ModelEvent): void {
      switch (event.type) {
        case 'text-delta':
        case 'reasoning-delta': {
          const id = blocks.get(blockKey(event))
          if (id === undefined || event.delta === '') return
          if (event.type === 'text-delta') text.push(event.delta)
          for (const delta of deltaPieces(event.delta)) say({ type: event.type, id, delta, ...metadataOf(event) })
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
        case 'call-start':
          return beginCall(event)
        case 'call-delta':
          return growCall(event)
        case 'call':
          return takeCall(event)
        case 'source-url':
          if (!isShowable(event.url)) return
          say({ type: 'source-url', sourceId: event.id.slice(0, CALL_ID), url: event.url, ...(event.title !== undefined && { title: event.title.slice(0, URL_CHARS) }) })
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
    /** What came until now: nobody knows what the rest would have been. */
    cut: (): ModelPart => ({ text: text.join(''), calls, called: begun, reason: 'tool-calls', usage: UNKNOWN }),
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
  | { readonly ok: true; readonly args: unknown; readonly input: string; readonly effect: LedgerEffect }
  | { readonly ok: false; readonly detail: string }

function checkCall(tools: readonly BoundTool[], event: { name: string; input: string }, argumentBytes: number): CheckedCall {
  const tool = tools.find(({ name }) => name === event.name)
  if (!tool) return { ok: false, detail: 'There is no such tool here.' }
  const json = plainText(event.input, argumentBytes)
  if (!json.ok) return { ok: false, detail: NO_ARGUMENTS[json.reason] }
  const parsed = tool.parse(json.value)
  return parsed.ok ? { ok: true, args: parsed.value, input: JSON.stringify(json.value), effect: tool.effect } : { ok: false, detail: `The arguments do not fit: ${parsed.detail}` }
}

type Named = Pick<Extract<ModelEvent, { type: 'call' }>, 'id' | 'name' | 'providerMetadata'>

/**
 * The provider's own id of a call goes back to the provider. Nobody else goes by it, because providers repeat theirs. One
 * that is no id any more is left out: then the provider is told Ambit's.
 */
function namedOf(id: string, event: Named) {
  const own = event.id.length <= CALL_ID ? { ambit: { callId: event.id } } : {}
  return { toolCallId: id, toolName: shown(event.name), dynamic: true, providerMetadata: { ...metadataOf(event).providerMetadata, ...own } } as const
}

function shown(name: string): string {
  return name.slice(0, SHOWN_NAME)
}

/** What a provider attached and wants back, in every later call: without it that call is a poorer one, and with too much it is none. */
function metadataOf(event: { readonly providerMetadata?: ProviderMetadata | undefined }): { readonly providerMetadata?: ProviderMetadata } {
  if (!event.providerMetadata) return {}
  const plain = plainOutput(event.providerMetadata, METADATA_BYTES)
  return plain.ok ? { providerMetadata: plain.value as ProviderMetadata } : {}
}

/** A source is a link that people follow. */
function isShowable(url: string): boolean {
  return url.length <= URL_CHARS && /^https?:$/.test(URL.parse(url)?.protocol ?? '')
}
