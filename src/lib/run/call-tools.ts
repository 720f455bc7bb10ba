import { WaitedTooLong, boundedWait } from '../limits/bounded-wait.ts'
import type { Limits } from '../limits/limits.ts'
import { faultPoint } from '../observe/fault-point.ts'
import type { Log } from '../observe/log.ts'
import type { BoundTool, CallHandles, ToolResult } from '../tools/bound-tool.ts'
import { plainOutput } from '../tools/plain-json.ts'
import { ToolError } from '../tools/tool.ts'
import type { Chunk } from '../wire/chunk.ts'
import { HandedOver } from './run-error.ts'
import type { StandingCall } from './standing-call.ts'
import type { SettledCall } from './step-record.ts'

/** What one call came to: the chunk that says it, and what it read. */
interface Outcome {
  readonly chunk: Chunk
  readonly reads: readonly string[]
  readonly state: SettledCall['state']
}

export interface CallToolsOptions {
  readonly runId: string
  readonly limits: Limits
  readonly signal: AbortSignal
  readonly log: Log
  readonly cite: CallHandles['cite']
  /** The tool, bound to what the run may do at this moment; null where it may no longer be used. */
  toolNow(name: string): Promise<BoundTool | null>
  /** Claims a call that is about to act, under the run's fence. */
  claim(id: string): Promise<void>
  /** Commits an outcome before anybody hears of it. */
  settle(id: string, outcome: Outcome): Promise<void>
  /** What the ledger holds of a call whose effect and record are one commit: the chunk of its outcome, or null. */
  recorded(id: string): Promise<Chunk | null>
  /** What SETTLE_WITH_EFFECT is given for this outcome. */
  recordOf(id: string, chunk: Chunk): readonly string[]
}

const FAILED = 'The tool failed. Its operator finds the cause in the log.'
const ACTED = 'The tool has acted, but its answer cannot be shown: it is too large, nested too deeply, or no JSON. Do not call it again for this.'
const TAKEN = 'This tool is no longer yours to use.'
const MAY_HAVE_ACTED = 'Whether it has acted is not known.'
const CHANGED = 'The tool changed while this call was waiting, and its arguments do not fit any more.'
const UNKNOWN =
  'The outcome of this call is not known: the server was interrupted while it ran, and it may or may not have acted. It was not repeated. Say so, and have a person look before it is called again.'

/**
 * Runs the calls of a step side by side and commits each outcome as it comes. A tool that throws, hangs or answers too
 * much is an error for model and reader, never the end of the run. A call that an earlier owner left claimed is made again
 * only where that does no harm. Rejects when the run is told to stop.
 */
export async function callTools(calls: readonly StandingCall[], options: CallToolsOptions): Promise<void> {
  const waiting = [...calls]
  const worker = async () => {
    try {
      for (let call = waiting.shift(); call; call = waiting.shift()) {
        options.signal.throwIfAborted()
        await options.settle(call.id, await outcomeOf(call, options))
        faultPoint('result_written')
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

async function outcomeOf(call: StandingCall, options: CallToolsOptions): Promise<Outcome> {
  const tool = await options.toolNow(call.name)
  if (call.standing === 'recorded') return { chunk: call.outcome, reads: tool?.failureReads ?? [], state: 'done' }
  if (call.standing === 'unknown') return failure(call, UNKNOWN, tool?.failureReads ?? [], 'unknown')
  if (!tool) return failure(call, TAKEN, [])
  const args = argumentsOf(call, tool)
  if (!args.ok) return failure(call, CHANGED, [])
  if (call.standing === 'ready' && tool.effect !== 'read') await options.claim(call.id)
  return callTool(call, tool, { ...options, args: args.value })
}

/** Those of a call that was taken over are read once more: what is stored is what the model wrote. */
function argumentsOf(call: StandingCall, tool: BoundTool) {
  return 'args' in call ? ({ ok: true, value: call.args } as const) : tool.parse(JSON.parse(call.input))
}

type Calling = CallToolsOptions & { readonly args: unknown }

async function callTool(call: StandingCall, tool: BoundTool, calling: Calling): Promise<Outcome> {
  const { runId, limits, signal, log, cite, args, recordOf } = calling
  const toolLog = log.child({ tool: tool.name, call_id: call.id })
  const ending = new AbortController()
  const cut = signalOf(tool, signal, ending.signal)
  const record = (output: unknown) => recordOf(call.id, outputChunk(call, output, limits.resultBytes))
  const handles = { signal: AbortSignal.any([cut, ending.signal]), log: toolLog, idempotencyKey: `${runId}:${call.id}`, cite, record }
  let acted = false
  try {
    const result = await boundedWait(tool.call(args, handles), { signal: cut, ms: limits.toolMs })
    faultPoint('effect_done')
    acted = tool.effect !== 'read'
    return success(call, result, limits.resultBytes)
  } catch (error) {
    cut.throwIfAborted()
    toolLog.warn({ cause: error }, 'a tool call failed')
    if (acted) return failure(call, ACTED, tool.failureReads, 'done')
    return failureOf(call, tool, error, calling)
  } finally {
    ending.abort()
  }
}

/** What ends a call. One that acts is not left in the middle because this process stops: its outcome is worth the wait. */
function signalOf(tool: BoundTool, run: AbortSignal, over: AbortSignal): AbortSignal {
  if (tool.effect === 'read') return run
  const cut = new AbortController()
  const hear = () => {
    if (!(run.reason instanceof HandedOver)) cut.abort(run.reason)
  }
  run.addEventListener('abort', hear, { signal: over })
  if (run.aborted) hear()
  return cut.signal
}

async function failureOf(call: StandingCall, tool: BoundTool, error: unknown, { limits, recorded }: Calling): Promise<Outcome> {
  // The commit may have come through without its word: then the ledger has the outcome.
  const kept = tool.effect === 'with-ledger' ? await recorded(call.id) : null
  if (kept) return { chunk: kept, reads: tool.failureReads, state: 'done' }
  if (error instanceof ToolError) return failure(call, error.message, tool.failureReads)
  const words = error instanceof WaitedTooLong ? `The tool took longer than ${limits.toolMs / 1_000} s and was left.` : FAILED
  // A connection that breaks after the request was sent looks like any other error: only a ToolError is the tool's own word.
  // Also of one that takes a key: the model's next call has another key.
  const mayHaveActed = tool.effect === 'write' || tool.effect === 'idempotent'
  return mayHaveActed ? failure(call, `${words} ${MAY_HAVE_ACTED}`, tool.failureReads, 'unknown') : failure(call, words, tool.failureReads)
}

function success(call: StandingCall, { output, reads }: ToolResult, maxBytes: number): Outcome {
  return { chunk: outputChunk(call, output, maxBytes), reads, state: 'done' }
}

/** An answer that cannot be sent is the tool's failure: model and reader are told why, and the log says whose it was. */
function outputChunk(call: StandingCall, output: unknown, maxBytes: number): Chunk {
  const json = plainOutput(output, maxBytes)
  if (json.ok) return { type: 'tool-output-available', toolCallId: call.id, output: json.value, dynamic: true }
  throw new ToolError(noAnswer(json.reason, maxBytes))
}

function noAnswer(reason: 'not_json' | 'too_large' | 'too_deep', maxBytes: number): string {
  if (reason === 'too_large') return `The tool answered too much (more than ${maxBytes / 1_000} KB). Ask it for less.`
  return reason === 'too_deep' ? 'The tool answered something that is nested too deeply.' : 'The tool answered something that is not JSON.'
}

function failure(call: StandingCall, errorText: string, reads: readonly string[], state: SettledCall['state'] = 'failed'): Outcome {
  return { chunk: { type: 'tool-output-error', toolCallId: call.id, errorText: errorText.slice(0, 2_000), dynamic: true }, reads, state }
}
