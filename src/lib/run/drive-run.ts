import { assembleContext } from '../context/assemble-context.ts'
import type { AssembledContext, ContextParts } from '../context/assemble-context.ts'
import { answerPrompt } from '../context/history.ts'
import type { ObjectRef } from '../context/object-ref.ts'
import type { NewId } from '../directory/new-id.ts'
import type { Journal } from '../journal/journal.ts'
import type { ModelRegistry } from '../model/model-registry.ts'
import type { Log } from '../observe/log.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { ScopeSources } from '../scope/resolve-chat-scope.ts'
import type { Handles } from '../store/handles.ts'
import type { Toolbox } from '../tools/toolbox.ts'
import { callTools } from './call-tools.ts'
import { keepScope } from './keep-scope.ts'
import type { KeptScope } from './keep-scope.ts'
import { createPen } from './pen.ts'
import type { OwnedRun, Pen } from './pen.ts'
import { runModel } from './run-model.ts'
import type { ModelPart } from './run-model.ts'
import { settleRun } from './settle-run.ts'

/** What it takes to drive any run of an installation. */
export interface DriveParts extends ContextParts {
  readonly scoped: Handles['scoped']
  readonly journal: Journal
  readonly models: ModelRegistry<ChatExecutionContext>
  readonly toolbox: Toolbox
  readonly scope: ScopeSources
  readonly newId: NewId
  /** Aborted when the store is about to be closed. */
  readonly giveUp: AbortSignal
}

/** One run that this node owns. */
export interface DrivenRun {
  readonly owned: OwnedRun
  readonly userMessageId: string
  readonly about: readonly ObjectRef[]
  readonly modelId: string
  readonly context: ChatExecutionContext
  /** Aborted with a Stopped or a RunError as its reason. */
  readonly signal: AbortSignal
  readonly log: Log
}

/**
 * Drives a run to its end: what the model is told, then step after step until an answer needs no more calls. Never
 * rejects for the run's sake: a failure is a chunk, and the one `catch` is here. The loop as pseudo-code: docs/loop.md.
 */
export async function driveRun(run: DrivenRun, parts: DriveParts): Promise<void> {
  const pen = createPen(run.owned, { rows: run.context.rows, maxBytes: run.context.limits.runBytes }, parts)
  try {
    await answer(run, pen, parts)
    run.log.info({}, 'answered')
  } catch (error) {
    await settleRun(error, { pen, log: run.log, release: () => parts.journal.end(run.owned.id), giveUp: parts.giveUp })
  }
}

async function answer(run: DrivenRun, pen: Pen, parts: DriveParts): Promise<void> {
  const { context, signal, log, owned, userMessageId, about } = run
  const { limits } = context
  const tools = parts.toolbox.bind(context, parts)
  const told = await assembleContext(parts, context, { threadId: owned.threadId, userMessageId, about, tools, signal, log })
  await pen.tell(told.manifest, told.reads)
  const scope = keepScope(run, pen, parts.scope)
  const messages = [...told.messages]
  let calls = 0
  for (let number = 1; number <= limits.steps; number += 1) {
    const allowed = number === 1 ? context : await scope.askAgain()
    const part = await runModel(
      {
        model: parts.models.open(allowed, run.modelId),
        call: { system: told.system, messages, signal, log, limits },
        tools: parts.toolbox.bind(allowed, parts),
        step: number,
        newId: parts.newId,
      },
      pen.say,
    )
    const step = { number, finishReason: part.reason, usage: part.usage }
    const sources = told.citations.named(part.text)
    const goesOn = part.called > 0 && (part.reason === 'tool-calls' || part.reason === 'stop')
    if (!goesOn) {
      return pen.end({
        chunks: sources,
        step,
        terminal: { type: 'finish', finishReason: part.reason },
        end: { state: 'completed', finishReason: part.reason, errorCode: null },
      })
    }
    calls += part.called
    if (calls > limits.calls) {
      await pen.finishStep(sources, step)
      return endInWords(number + 1, `I stopped at ${limits.calls} tool calls without a final answer. Ask again, with a narrower question.`, 'call_limit', pen)
    }
    await runCalls(part, run, { told, scope, pen, parts })
    messages.push(...answerPrompt(await pen.finishStep(sources, step)))
  }
  await endInWords(limits.steps + 1, `I stopped after ${limits.steps} steps without a final answer. Ask again, with a narrower question.`, 'step_limit', pen)
}

interface Calling {
  readonly told: AssembledContext
  readonly scope: KeptScope
  readonly pen: Pen
  readonly parts: DriveParts
}

/** The second part of a step: what was called is committed before the first call runs. */
async function runCalls(part: ModelPart, run: DrivenRun, { told, scope, pen, parts }: Calling): Promise<void> {
  await pen.commit([])
  await scope.askAgain() // what was heard before the model spoke is no answer for what it wants to do now
  await callTools(part.calls, {
    runId: run.owned.id,
    limits: run.context.limits,
    signal: run.signal,
    log: run.log,
    cite: told.citations.cite,
    async toolNow(name) {
      const allowed = await scope.askSoon()
      return parts.toolbox.bind(allowed, parts).find((tool) => tool.name === name) ?? null
    },
    commit: pen.commit,
  })
}

/** The reader is told in words: a stream that just ends after tool calls looks like a fault. */
async function endInWords(step: number, words: string, reason: string, pen: Pen): Promise<void> {
  const id = `${step}.1`
  pen.say({ type: 'start-step' })
  pen.say({ type: 'text-start', id })
  pen.say({ type: 'text-delta', id, delta: words })
  await pen.end({
    chunks: [],
    terminal: { type: 'finish', finishReason: 'other' },
    end: { state: 'completed', finishReason: reason, errorCode: null },
  })
}
