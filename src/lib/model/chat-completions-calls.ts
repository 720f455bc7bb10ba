import type { LanguageModelV4StreamPart as Part } from '@ai-sdk/provider'
import { isRecord } from './chat-completions-chunk.ts'
import type { CallDelta } from './chat-completions-chunk.ts'

/** The tool calls of one answer, put together from their pieces. */
export interface CallReader {
  /** False where there are too many. */
  take(delta: CallDelta): boolean
  /** Says each call whole; false where one has arguments and never had a name. */
  end(): boolean
}

interface Call {
  readonly index: number | undefined
  /** As the server named it; the first of its names, where it changes. */
  serverId: string | undefined
  /** As it is said: the server's where that is new, else one of ours. Absent until the call has a name. */
  id: string | undefined
  name: string | undefined
  input: string
  readonly brackets: Brackets
  signature: string | undefined
}

interface Labels {
  readonly index: number | undefined
  readonly id: string | undefined
  readonly name: string | undefined
  readonly input: string
}

/** Under which what belongs to this protocol is kept, and goes back with the call. */
export const METADATA_KEY = 'openai-compatible'

/** `mintId` names the calls that the server left without an id, or named as another one. */
export function createCallReader(emit: (part: Part) => void, mintId: () => string): CallReader {
  const calls: Call[] = []
  const ids = new Set<string>()

  const idOf = ({ serverId }: Call): string => {
    let id = serverId
    while (id === undefined || ids.has(id)) id = mintId()
    ids.add(id)
    return id
  }

  const begin = ({ index, id }: Labels): Call => {
    const call: Call = { index, serverId: id, id: undefined, name: undefined, input: '', brackets: { ...NO_BRACKETS }, signature: undefined }
    calls.push(call)
    return call
  }

  return {
    take(delta) {
      const labels = labelsOf(delta)
      const known = continuedBy(labels, calls)
      if (!known && calls.length === MOST_CALLS) return false
      const call = known ?? begin(labels)
      call.serverId ??= labels.id
      call.name ??= labels.name
      call.signature ??= signatureOf(delta)
      call.input += labels.input
      countBrackets(call.brackets, labels.input)
      if (call.name === undefined) return true // some servers name a call after its id: what came before waits
      const begins = call.id === undefined
      call.id ??= idOf(call)
      if (begins) emit({ type: 'tool-input-start', id: call.id, toolName: call.name })
      const piece = begins ? call.input : labels.input
      if (piece !== '') emit({ type: 'tool-input-delta', id: call.id, delta: piece })
      return true
    },
    end() {
      if (calls.some(({ name, input }) => name === undefined && !isBlank(input))) return false
      // Only now: arguments that can be parsed may still be the beginning of longer ones.
      for (const { id, name, input, signature } of inOrder(calls)) {
        if (id === undefined || name === undefined) continue
        emit({ type: 'tool-input-end', id })
        const metadata = signature !== undefined && { providerMetadata: { [METADATA_KEY]: { thoughtSignature: signature } } }
        emit({ type: 'tool-call', toolCallId: id, toolName: name, input, ...metadata })
      }
      return true
    },
  }
}

/** Each piece is compared with all calls: 60,000 calls in one event took 28 s. Far more than a run may make. */
const MOST_CALLS = 1_000

function labelsOf({ index, id, function: { name, arguments: input } }: CallDelta): Labels {
  return { index: index ?? undefined, id: named(id), name: named(name), input: input ?? '' }
}

/**
 * The call that a piece belongs to: the latest that none of its labels contradicts. A piece says index, id and name, or some
 * of them, or none; servers repeat each of them, in a continuation (the name with every piece, a new id with every piece) and
 * in another call (index 0 for all, one id for all). None: a call begins.
 */
function continuedBy({ index, id, name, input }: Labels, calls: readonly Call[]): Call | undefined {
  const known = id !== undefined && calls.some((call) => call.serverId === id)
  const call = calls.findLast(
    (one) =>
      (!known || one.serverId === id) &&
      (index === undefined || one.index === undefined || one.index === index) &&
      (name === undefined || one.name === undefined || one.name === name),
  )
  if (!call) return undefined
  if (!known && (index === undefined || call.index === undefined)) return name === undefined && id === undefined ? call : undefined
  if (name === undefined) return call
  const isNew = id !== undefined && !known
  const opens = /^\s*[[{]/.test(input) && (isNew || isWhole(call.brackets))
  const announced = isBlank(input) && isNew && isWhole(call.brackets)
  return opens || announced ? undefined : call
}

/** Google's models want theirs back with the call, and refuse it without. */
function signatureOf({ extra_content: extra }: CallDelta): string | undefined {
  const google = isRecord(extra) ? extra['google'] : undefined
  const signature = isRecord(google) ? google['thought_signature'] : undefined
  return typeof signature === 'string' && signature !== '' ? signature : undefined
}

function inOrder(calls: readonly Call[]): readonly Call[] {
  return calls.every(({ index }) => index !== undefined) ? calls.toSorted((a, b) => (a.index ?? 0) - (b.index ?? 0)) : calls
}

/** Which brackets of a JSON text are open, as it grows. */
interface Brackets {
  depth: number
  begun: boolean
  quoted: boolean
  escaped: boolean
}

const NO_BRACKETS: Readonly<Brackets> = { depth: 0, begun: false, quoted: false, escaped: false }

function countBrackets(brackets: Brackets, piece: string): void {
  for (const letter of piece) {
    if (brackets.escaped) brackets.escaped = false
    else if (brackets.quoted && letter === '\\') brackets.escaped = true
    else if (letter === '"') brackets.quoted = !brackets.quoted
    else if (brackets.quoted) continue
    else if (letter === '{' || letter === '[') brackets.depth += 1
    else if (letter === '}' || letter === ']') brackets.depth -= 1
    if (brackets.depth > 0) brackets.begun = true
  }
}

function isWhole({ begun, depth }: Brackets): boolean {
  return begun && depth <= 0
}

function isBlank(text: string): boolean {
  return text.trim() === ''
}

/** A blank label is none. */
function named(label: string | null | undefined): string | undefined {
  return label === undefined || label === null || isBlank(label) ? undefined : label
}
