import { boundedWait } from '../limits/bounded-wait.ts'
import { narrowContext } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { covers } from '../scope/covers.ts'
import { resolveChatScope } from '../scope/resolve-chat-scope.ts'
import type { ScopeSources } from '../scope/resolve-chat-scope.ts'
import type { DrivenRun } from './drive-run.ts'
import type { Pen } from './pen.ts'
import { scopeLost } from './scope-lost.ts'

const FRESH_MS = 5_000

/** What a run may do at this moment: frozen and current, whichever is less. */
export interface KeptScope {
  /** Asks the directory. Throws a RunError where the rest no longer covers what the run has read, or its model. */
  askAgain(): Promise<ChatExecutionContext>
  /** The same, but an answer of the last 5 s will do: for the calls of one step. */
  askSoon(): Promise<ChatExecutionContext>
}

export function keepScope(run: DrivenRun, pen: Pen, sources: ScopeSources): KeptScope {
  let asked: { readonly at: number; readonly answer: Promise<ChatExecutionContext> } | undefined
  const askAgain = () => {
    asked = { at: performance.now(), answer: ask(run, pen, sources) }
    return asked.answer
  }
  return { askAgain, askSoon: () => (asked && performance.now() - asked.at < FRESH_MS ? asked.answer : askAgain()) }
}

/** A directory that does not answer must not make a run unstoppable. */
async function ask({ context, modelId, signal }: DrivenRun, pen: Pen, sources: ScopeSources): Promise<ChatExecutionContext> {
  const resolving = resolveChatScope(sources, context.principal, context.target)
  const current = await boundedWait(resolving, { signal, ms: context.limits.toolMs })
  const allowed = current.ok ? narrowContext(context, current) : current
  const use = { reads: pen.reads, modelId }
  if (!covers(allowed, use)) throw scopeLost(allowed, use)
  return allowed
}
