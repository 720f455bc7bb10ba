import { ModelFault } from '../model/model-event.ts'
import type { PromptMessage } from '../model/prompt.ts'
import { faultPoint } from '../observe/fault-point.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { Chunk } from '../wire/chunk.ts'
import type { Drive } from './drive-run.ts'
import type { OpenStep } from './resumption.ts'
import { runModel } from './run-model.ts'
import type { ModelPart, ValidCall } from './run-model.ts'
import { newCalls } from './standing-call.ts'
import type { StandingCall } from './standing-call.ts'
import type { SpokenFor } from './step-record.ts'

/** The model's part of a step, before it. */
export interface Speaking {
  readonly number: number
  readonly messages: readonly PromptMessage[]
  /** What the run may do at this moment. */
  readonly allowed: ChatExecutionContext
}

/**
 * The first part of a step: the model speaks. What it says is live, and may be dropped and said again. Answers null where it
 * needs no calls: then the run has ended. Otherwise its calls are committed, claimed, before the first of them acts.
 */
export async function speakStep(drive: Drive, speaking: Speaking): Promise<OpenStep | null> {
  const { pen, told, run } = drive
  const { part, spoke } = await speak(drive, speaking)
  const { number } = speaking
  const record = { number, finishReason: part.reason, usage: part.usage, spoke }
  const goesOn = part.called > 0 && (part.reason === 'tool-calls' || part.reason === 'stop')
  if (!goesOn) {
    await pen.end({
      chunks: told.citations.named(part.text),
      step: { ...record, calls: [] },
      terminal: { type: 'finish', finishReason: part.reason },
      end: { state: 'completed', finishReason: part.reason, errorCode: null },
    })
    return null
  }
  faultPoint('calls_complete')
  const calls = newCalls(part.calls, run.context.limits.parallelCalls)
  await pen.commit({ step: { ...record, calls: part.calls.map((call, place) => rowOf(call, place, calls[place])) }, reads: certainReads(part.calls, speaking.allowed) })
  faultPoint('claims_written')
  return { number, text: part.text, called: part.called, calls }
}

function rowOf({ id, name, effect, input }: ValidCall, place: number, call: StandingCall | undefined) {
  return { id, place, name, effect, input, state: call?.standing === 'claimed' ? ('claimed' as const) : ('ready' as const) }
}

/** An outcome that is recorded with its effect is there before its frame: what it may have read is in the read set before. */
function certainReads(calls: readonly ValidCall[], { rows }: ChatExecutionContext): readonly string[] {
  return calls.some(({ effect }) => effect === 'with-ledger') ? rows.projectIds : []
}

/** A model that breaks off after its first word is asked once more, from the step's beginning: the reader is told to forget. */
async function speak({ parts, pen, run, told }: Drive, { number, messages, allowed }: Speaking): Promise<{ readonly part: ModelPart; readonly spoke: SpokenFor }> {
  const { limits } = run.context
  for (let tries = 0; ; tries += 1) {
    const start = performance.now()
    const spoke: { ms: number; firstMs: number | null } = { ms: 0, firstMs: null }
    const say = (chunk: Chunk): void => {
      if (chunk.type !== 'start-step') spoke.firstMs ??= performance.now() - start
      pen.say(chunk)
    }
    try {
      const part = await runModel(
        {
          model: parts.models.open(allowed, run.modelId),
          call: { system: told.system, messages, signal: run.signal, log: run.log, limits },
          tools: parts.toolbox.bind(allowed, parts),
          step: number,
          newId: parts.newId,
        },
        say,
      )
      spoke.ms = performance.now() - start
      return { part, spoke }
    } catch (error) {
      run.signal.throwIfAborted()
      // Before its first word it was tried again already, by whoever calls it.
      if (spoke.firstMs === null || !(error instanceof ModelFault && error.failure.retryable) || tries >= limits.stepRetries) throw error
      run.log.warn({ step: number, cause: error.failure.cause ?? error }, 'the model broke off: what it said is dropped, and it is asked again')
      await pen.drop()
      parts.metrics.attemptDropped()
    }
  }
}
