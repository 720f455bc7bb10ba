/**
 * What is read of one event of the chat completions protocol. Everything else in it is somebody's extension; what is here
 * has the type that it says, or the event is none of this protocol.
 */
export interface Chunk {
  readonly id?: unknown
  readonly model?: unknown
  readonly choices: readonly Choice[]
  /** Counts are judged one by one: an answer is not lost for its bill. */
  readonly usage?: unknown
}

export interface Choice {
  readonly delta?: Delta | null
  readonly finish_reason?: string | null
}

export interface Delta {
  /** Text; with some servers, a list of parts. */
  readonly content?: string | readonly unknown[] | null
  readonly reasoning_content?: string | null
  readonly reasoning?: string | null
  /** Some servers write `false`. */
  readonly refusal?: unknown
  readonly tool_calls?: readonly CallDelta[] | null
}

export interface CallDelta {
  readonly index?: number | null
  readonly id?: string | null
  readonly function: { readonly name?: string | null; readonly arguments?: string | null }
  readonly extra_content?: unknown
}

/** By hand, because it runs once for every token: a schema cost more than all else that is done with it. */
export function isChunk(value: unknown): value is Chunk {
  if (!isRecord(value) || !Array.isArray(value['choices'])) return false
  const choice: unknown = value['choices'][0] // one answer is asked for
  return choice === undefined || isChoice(choice)
}

function isChoice(value: unknown): value is Choice {
  if (!isRecord(value) || !isText(value['finish_reason'])) return false
  const delta = value['delta']
  return isAbsent(delta) || isDelta(delta)
}

function isDelta(value: unknown): value is Delta {
  if (!isRecord(value)) return false
  const { content, tool_calls: calls } = value
  return (
    (isText(content) || Array.isArray(content)) &&
    isText(value['reasoning_content']) &&
    isText(value['reasoning']) &&
    (isAbsent(calls) || (Array.isArray(calls) && calls.every(isCallDelta)))
  )
}

function isCallDelta(value: unknown): value is CallDelta {
  if (!isRecord(value) || !isRecord(value['function'])) return false
  const { index, id, function: named } = value
  return (isAbsent(index) || typeof index === 'number') && isText(id) && isText(named['name']) && isText(named['arguments'])
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null
}

/** Text, or none. */
function isText(value: unknown): value is string | null | undefined {
  return typeof value === 'string' || isAbsent(value)
}
