import type { Log } from '../observe/log.ts'
import type { CallHandles, ToolResult } from '../tools/bound-tool.ts'
import { plainOutput } from '../tools/plain-json.ts'
import { ToolError } from '../tools/tool.ts'
import type { Chunk } from '../wire/chunk.ts'
import type { Limits } from '../limits/limits.ts'
import type { ValidCall } from './run-model.ts'

/** What one call came to: the chunk that says it, and what it read. */
interface Outcome {
  readonly chunk: Chunk
  readonly reads: readonly string[]
}

export interface CallToolsOptions {
  readonly runId: string
  readonly limits: Limits
  readonly signal: AbortSignal
  readonly log: Log
  readonly cite: CallHandles['cite']
  /** Commits an outcome before anybody hears of it. */
  commit(chunks: readonly Chunk[], reads: readonly string[]): Promise<void>
}

const FAILED = 'The tool failed. Its operator finds the cause in the log.'

/**
 * Runs the calls of a step side by side and commits each outcome as it comes. A tool that throws, hangs or answers too
 * much is an error for model and reader, never the end of the run. Rejects when the run is told to stop.
 */
export async function callTools(calls: readonly ValidCall[], options: CallToolsOptions): Promise<void> {
  const waiting = [...calls]
  const worker = async () => {
    for (let call = waiting.shift(); call; call = waiting.shift()) {
      options.signal.throwIfAborted()
      const { chunk, reads } = await callTool(call, options)
      await options.commit([chunk], reads)
    }
  }
  const workers = Array.from({ length: Math.min(options.limits.parallelCalls, calls.length) }, worker)
  // All are waited for, so that none commits after the run was ended for another's fault.
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

async function callTool(call: ValidCall, { runId, limits, signal, log, cite }: CallToolsOptions): Promise<Outcome> {
  const toolLog = log.child({ tool: call.tool.name, call_id: call.id })
  try {
    const result = await withinTime(call, { signal, log: toolLog, idempotencyKey: `${runId}:${call.id}`, cite }, limits.toolMs)
    return outcomeOf(call, result, limits.resultBytes)
  } catch (error) {
    signal.throwIfAborted()
    toolLog.warn({ cause: error }, 'a tool call failed')
    return failure(call, error instanceof ToolError ? error.message : FAILED)
  }
}

/** A tool that ignores its signal is left behind: what it answers later is heard by nobody. */
async function withinTime(call: ValidCall, handles: CallHandles, ms: number): Promise<ToolResult> {
  const ending = new AbortController()
  const stop = () => ending.abort(handles.signal.reason)
  const timer = setTimeout(() => ending.abort(new ToolError(`The tool took longer than ${ms / 1_000} s and was left.`)), ms)
  handles.signal.addEventListener('abort', stop, { once: true })
  try {
    return await new Promise<ToolResult>((resolve, reject) => {
      ending.signal.addEventListener('abort', () => reject(ending.signal.reason), { once: true })
      call.tool.call(call.args, { ...handles, signal: ending.signal }).then(resolve, reject)
    })
  } finally {
    clearTimeout(timer)
    handles.signal.removeEventListener('abort', stop)
  }
}

function outcomeOf(call: ValidCall, { output, reads }: ToolResult, maxBytes: number): Outcome {
  const json = plainOutput(output, maxBytes)
  if (json.ok) return { chunk: { type: 'tool-output-available', toolCallId: call.id, output: json.value, dynamic: true }, reads }
  const why = json.reason === 'not_json' ? 'The tool answered something that is not JSON.' : `The tool answered too much (more than ${maxBytes / 1_000} KB). Ask it for less.`
  return failure(call, why)
}

function failure(call: ValidCall, errorText: string): Outcome {
  return { chunk: { type: 'tool-output-error', toolCallId: call.id, errorText: errorText.slice(0, 2_000), dynamic: true }, reads: [] }
}
