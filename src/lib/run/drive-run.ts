import { assembleContext } from '../context/assemble-context.ts'
import type { AssembledContext, ContextParts } from '../context/assemble-context.ts'
import { answerPrompt } from '../context/history.ts'
import type { ObjectRef } from '../context/object-ref.ts'
import type { NewId } from '../directory/new-id.ts'
import type { Journal } from '../journal/journal.ts'
import type { ModelRegistry } from '../model/model-registry.ts'
import type { PromptMessage } from '../model/prompt.ts'
import type { Log } from '../observe/log.ts'
import type { Metrics } from '../observe/metrics.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { covers } from '../scope/covers.ts'
import type { ScopeSources } from '../scope/resolve-chat-scope.ts'
import type { ScopeWatch } from '../scope/watch-scopes.ts'
import type { Handles } from '../store/handles.ts'
import type { Toolbox } from '../tools/toolbox.ts'
import { callStep } from './call-step.ts'
import { keepScope } from './keep-scope.ts'
import type { KeptScope } from './keep-scope.ts'
import { createPen } from './pen.ts'
import type { OwnedRun, Pen } from './pen.ts'
import type { OpenStep, Resumption } from './resumption.ts'
import { scopeLost } from './scope-lost.ts'
import { settleRun } from './settle-run.ts'
import type { Outcome } from './settle-run.ts'
import { speakStep } from './speak-step.ts'

/** What it takes to drive any run of an installation. */
export interface DriveParts extends ContextParts {
  readonly scoped: Handles['scoped']
  readonly sweeper: Handles['sweeper']
  readonly journal: Journal
  readonly models: ModelRegistry<ChatExecutionContext>
  readonly toolbox: Toolbox
  readonly scope: ScopeSources
  /** Tells when a scope that is in use becomes narrower. */
  readonly scopes: ScopeWatch
  readonly newId: NewId
  readonly metrics: Metrics
  /** Whether what this node owns is still its own. */
  holds(): boolean
  /** Aborted when the store is about to be closed. */
  readonly giveUp: AbortSignal
}

/** One run that this node owns. */
export interface DrivenRun {
  readonly owned: OwnedRun
  readonly userMessageId: string
  readonly about: readonly ObjectRef[]
  readonly modelId: string
  /** As it was frozen with the run. */
  readonly context: ChatExecutionContext
  /** How far it has come; null where it was opened here, a moment ago. */
  readonly resumed: Resumption | null
  /** Aborted with a Stopped, a RunError or a RunLeft as its reason. */
  readonly signal: AbortSignal
  abort(reason: Error): void
  readonly log: Log
}

/** A run that is being driven, and what its steps share. */
export interface Drive {
  readonly run: DrivenRun
  readonly parts: DriveParts
  readonly pen: Pen
  readonly scope: KeptScope
  readonly told: AssembledContext
}

/**
 * Drives a run to its end, from wherever it stands: what the model is told, then step after step until an answer needs no
 * more calls. Never rejects for the run's sake: a failure is a chunk, and the one `catch` is here. The loop as pseudo-code:
 * docs/loop.md.
 */
export async function driveRun(run: DrivenRun, parts: DriveParts): Promise<Outcome> {
  const { context, owned, modelId, log } = run
  const pen = createPen(owned, { rows: context.rows, limits: context.limits }, parts)
  const leave = parts.scopes.watch(context, 'chat', (news) => {
    const use = { reads: pen.reads, modelId }
    if (!covers(news, use)) run.abort(scopeLost(news, use))
  })
  try {
    run.signal.throwIfAborted()
    await answer(run, pen, parts)
    log.info({}, 'answered')
    return { left: false, state: 'completed', code: null }
  } catch (error) {
    return await settleRun(error, { pen, log, release: () => parts.journal.end(owned.id), giveUp: parts.giveUp })
  } finally {
    leave()
  }
}

async function answer(run: DrivenRun, pen: Pen, parts: DriveParts): Promise<void> {
  const { limits } = run.context
  const scope = keepScope(run, pen, parts.scope)
  // Hours may have gone by since the run was opened: who has lost the right meanwhile gets no model call.
  const allowed = run.resumed ? await scope.askAgain() : run.context
  const { steps, open } = run.resumed ?? { steps: [], open: null }
  const told = await tell(run, allowed, pen, parts)
  const drive: Drive = { run, parts, pen, scope, told }
  const messages: PromptMessage[] = [...told.messages, ...steps.flatMap(answerPrompt)]
  let calls = steps.flat().filter(({ type }) => type === 'dynamic-tool').length
  let step: OpenStep | null = open
  for (let number = steps.length + 1; number <= limits.steps; number += 1) {
    step ??= await speakStep(drive, { number, messages, allowed: number === 1 ? allowed : await scope.askAgain() })
    if (!step) return
    calls += step.called
    if (calls > limits.calls) {
      await pen.finishStep(told.citations.named(step.text))
      return endInWords(number + 1, `I stopped at ${limits.calls} tool calls without a final answer. Ask again, with a narrower question.`, 'call_limit', pen)
    }
    messages.push(...answerPrompt(await callStep(drive, step)))
    step = null
  }
  await endInWords(limits.steps + 1, `I stopped after ${limits.steps} steps without a final answer. Ask again, with a narrower question.`, 'step_limit', pen)
}

/** What the model is told, recorded before it is. */
async function tell(run: DrivenRun, allowed: ChatExecutionContext, pen: Pen, parts: DriveParts): Promise<AssembledContext> {
  const { signal, log, owned, userMessageId, about, modelId, resumed } = run
  const told = await assembleContext(parts, allowed, {
    threadId: owned.threadId, userMessageId, about, signal, log,
    images: parts.models.takesImages(modelId),
    tools: parts.toolbox.bind(allowed, parts),
    said: resumed?.steps.flat() ?? [],
  })
  await pen.tell(told.manifest, told.reads)
  return told
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
