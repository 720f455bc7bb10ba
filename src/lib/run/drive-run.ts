import { assembleContext } from '../context/assemble-context.ts'
import type { AssembledContext, ContextParts } from '../context/assemble-context.ts'
import { answerPrompt } from '../context/history.ts'
import type { NewId } from '../directory/create-place.ts'
import type { Journal } from '../journal/journal.ts'
import type { ModelRegistry } from '../model/model-registry.ts'
import type { Log } from '../observe/log.ts'
import { narrowContext } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { resolveChatScope } from '../scope/resolve-chat-scope.ts'
import type { ScopeSources } from '../scope/resolve-chat-scope.ts'
import type { Handles } from '../store/handles.ts'
import type { Toolbox } from '../tools/toolbox.ts'
import { callTools } from './call-tools.ts'
import { createPen } from './pen.ts'
import type { OwnedRun, Pen } from './pen.ts'
import { RunError } from './run-error.ts'
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
}

/** One run that this node owns. */
export interface DrivenRun {
  readonly owned: OwnedRun
  readonly userMessageId: string
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
    await settleRun(error, { pen, log: run.log, release: () => parts.journal.end(run.owned.id) })
  }
}

async function answer(run: DrivenRun, pen: Pen, parts: DriveParts): Promise<void> {
  const { context, signal, log } = run
  const told = await assembleContext(parts, context, { threadId: run.owned.threadId, userMessageId: run.userMessageId }, { signal, log })
  await pen.commit([], told.reads)
  const messages = [...told.messages]
  let calls = 0
  for (let number = 1; number <= context.limits.steps; number += 1) {
    const allowed = number === 1 ? context : await stillAllowed(run, pen, parts)
    const part = await runModel(
      {
        model: parts.models.open(context, run.modelId),
        call: { system: told.system, messages, signal, idleMs: context.limits.modelIdleMs },
        tools: parts.toolbox.bind(allowed, parts),
        step: number,
        argumentBytes: context.limits.argumentBytes,
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
    if (calls > context.limits.calls) throw new RunError('run_limit', `This answer asked for more than ${context.limits.calls} tool calls and was ended here.`)
    await runCalls(part, run, told, pen, parts)
    messages.push(...answerPrompt(await pen.finishStep(sources, step)))
  }
  await sayStepLimit(context.limits.steps, pen)
}

/** The second part of a step: what was called is committed before the first call runs. */
async function runCalls(part: ModelPart, run: DrivenRun, told: AssembledContext, pen: Pen, parts: DriveParts): Promise<void> {
  await pen.commit([])
  const allowed = await stillAllowed(run, pen, parts)
  const tools = new Map(parts.toolbox.bind(allowed, parts).map((tool) => [tool.name, tool]))
  const calls = part.calls.flatMap((call) => {
    const tool = tools.get(call.tool.name)
    return tool ? [{ ...call, tool }] : []
  })
  const taken = part.calls.filter((call) => !tools.has(call.tool.name))
  for (const { id } of taken) {
    await pen.commit([{ type: 'tool-output-error', toolCallId: id, errorText: 'This tool is no longer yours to use.', dynamic: true }])
  }
  await callTools(calls, {
    runId: run.owned.id,
    limits: run.context.limits,
    signal: run.signal,
    log: run.log,
    cite: told.citations.cite,
    commit: pen.commit,
  })
}

/**
 * Asks again, before each further step and before its calls: what a run may do is frozen and current, whichever is
 * less. Where the rest no longer covers what the run has read, it ends.
 */
async function stillAllowed(run: DrivenRun, pen: Pen, parts: DriveParts): Promise<ChatExecutionContext> {
  const current = await resolveChatScope(parts.scope, run.context.principal, run.context.target)
  if (!current.ok && current.code === 'ai_unavailable') throw new RunError('ai_unavailable', current.detail)
  const allowed = current.ok ? narrowContext(run.context, current) : null
  const covered = allowed && [...pen.reads].every((project) => allowed.rows.projectIds.includes(project))
  if (!allowed || !covered) {
    throw new RunError('scope_changed', 'What you may see here changed while this was being answered. Ask again.')
  }
  return allowed
}

/** The reader is told in words: a stream that just ends after tool calls looks like a fault. */
async function sayStepLimit(steps: number, pen: Pen): Promise<void> {
  const id = `${steps + 1}.1`
  pen.say({ type: 'start-step' })
  pen.say({ type: 'text-start', id })
  pen.say({ type: 'text-delta', id, delta: `I stopped after ${steps} steps without a final answer. Ask again, with a narrower question.` })
  await pen.end({
    chunks: [{ type: 'text-end', id }],
    terminal: { type: 'finish', finishReason: 'other' },
    end: { state: 'completed', finishReason: 'step_limit', errorCode: null },
  })
}
