import { WaitedTooLong, boundedWait } from '../limits/bounded-wait.ts'
import type { Limits } from '../limits/limits.ts'
import type { Log } from '../observe/log.ts'
import type { BoundTool, CallHandles, ToolResult } from '../tools/bound-tool.ts'
import { plainOutput } from '../tools/plain-json.ts'
import { ToolError } from '../tools/tool.ts'
import type { Chunk } from '../wire/chunk.ts'
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
  /** The tool, bound to what the run may do at this moment; null where it may no longer be used. */
  toolNow(name: string): Promise<BoundTool | null>
  /** Commits an outcome before anybody hears of it. */
  commit(chunks: readonly Chunk[], reads: readonly string[]): Promise<void>
}

const FAILED = 'The tool failed. Its operator finds the cause in the log.'
const TAKEN = 'This tool is no longer yours to use.'

/**
 * Runs the calls of a step side by side and commits each outcome as it comes. A tool that throws, hangs or answers too
 * much is an error for model and reader, never the end of the run. Rejects when the run is told to stop.
 */
export async function callTools(calls: readonly ValidCall[], options: CallToolsOptions): Promise<void> {
  const waiting = [...calls]
  const worker = async () => {
    try {
      for (let call = waiting.shift(); call; call = waiting.shift()) {
        options.signal.throwIfAborted()
        const tool = await options.toolNow(call.name)
        const { chunk, reads } = tool ? await callTool(call, tool, options) : failure(call, TAKEN, [])
        await options.commit([chunk], reads)
      }
    } finally {
      waiting.length = 0 // all are done, or one has failed: then no further call begins
    }
  }
  const workers = Array.from({ length: Math.min(options.limits.parallelCalls, calls.length) }, worker)
  // All are waited for, so that none commits after the run was ended for another's fault.
  const failed = (await Promise.allSettled(workers)).find((result) => result.status === 'rejected')
  if (failed) throw failed.reason
}

async function callTool(call: ValidCall, tool: BoundTool, { runId, limits, signal, log, cite }: CallToolsOptions): Promise<Outcome> {
  const toolLog = log.child({ tool: tool.name, call_id: call.id })
  const ending = new AbortController()
  const handles = { signal: AbortSignal.any([signal, ending.signal]), log: toolLog, idempotencyKey: `${runId}:${call.id}`, cite }
  try {
    const result = await boundedWait(tool.call(call.args, handles), { signal, ms: limits.toolMs })
    return outcomeOf(call, result, limits.resultBytes)
  } catch (error) {
    signal.throwIfAborted()
    toolLog.warn({ cause: error }, 'a tool call failed')
    return failure(call, wordsOf(error, limits.toolMs), tool.failureReads)
  } finally {
    ending.abort()
  }
}

function wordsOf(error: unknown, toolMs: number): string {
  if (error instanceof ToolError) return error.message
  return error instanceof WaitedTooLong ? `The tool took longer than ${toolMs / 1_000} s and was left.` : FAILED
}

/** An answer that cannot be sent is the tool's failure: model and reader are told why, and the log says whose it was. */
function outcomeOf(call: ValidCall, { output, reads }: ToolResult, maxBytes: number): Outcome {
  const json = plainOutput(output, maxBytes)
  if (json.ok) return { chunk: { type: 'tool-output-available', toolCallId: call.id, output: json.value, dynamic: true }, reads }
  throw new ToolError(noAnswer(json.reason, maxBytes))
}

function noAnswer(reason: 'not_json' | 'too_large' | 'too_deep', maxBytes: number): string {
  if (reason === 'too_large') return `The tool answered too much (more than ${maxBytes / 1_000} KB). Ask it for less.`
  return reason === 'too_deep' ? 'The tool answered something that is nested too deeply.' : 'The tool answered something that is not JSON.'
}

function failure(call: ValidCall, errorText: string, reads: readonly string[]): Outcome {
  return { chunk: { type: 'tool-output-error', toolCallId: call.id, errorText: errorText.slice(0, 2_000), dynamic: true }, reads }
}
