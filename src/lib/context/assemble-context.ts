import { boundedWait } from '../limits/bounded-wait.ts'
import type { PromptMessage } from '../model/prompt.ts'
import type { Log } from '../observe/log.ts'
import { homeOf } from '../scope/chat-execution-context.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { Handles } from '../store/handles.ts'
import { enterHostScope } from '../store/host-scope.ts'
import type { ScopedDatabase } from '../store/host-scope.ts'
import { createCitations } from './citations.ts'
import type { Citations } from './citations.ts'
import type { ContextSource, Slice } from './context-source.ts'
import { historyPrompt } from './history.ts'
import { loadOwnSources } from './own-sources.ts'
import { readBranch } from './read-branch.ts'
import { systemPrompt } from './system-prompt.ts'

/** Everything that is the same for every run of an installation. */
export interface ContextParts {
  readonly scoped: Handles['scoped']
  readonly sources: readonly BoundSource[]
  instructions(context: ChatExecutionContext): string
}

/** A host's source with its database, ready to be asked. */
export interface BoundSource {
  readonly name: string
  load(context: ChatExecutionContext, handles: { readonly signal: AbortSignal; readonly log: Log }): Promise<string | null>
}

/** What the model is told when a run begins. */
export interface AssembledContext {
  readonly system: string
  readonly messages: readonly PromptMessage[]
  readonly citations: Citations
  /** The projects whose rows are in it: they are in the run's read set before the model is called. */
  readonly reads: readonly string[]
}

/** Reads Ambit's own material and the thread's history in one transaction, then asks the host's sources. */
export async function assembleContext(
  parts: ContextParts,
  context: ChatExecutionContext,
  run: { readonly threadId: string; readonly userMessageId: string },
  handles: { readonly signal: AbortSignal; readonly log: Log },
): Promise<AssembledContext> {
  const own = await parts.scoped(context.rows, async (sql) => ({
    slices: await loadOwnSources({ context, sql, threadId: run.threadId }),
    branch: await readBranch(sql, {
      projectId: homeOf(context),
      threadId: run.threadId,
      leafId: run.userMessageId,
      limit: context.limits.historyMessages,
    }),
  }))
  const slices = [...own.slices, ...(await askSources(parts.sources, context, handles))]
  const history = historyPrompt(own.branch, context.limits.historyChars)
  return {
    system: systemPrompt(context, parts.instructions(context), slices),
    messages: history.messages,
    citations: createCitations(own.branch),
    reads: [...new Set([...slices.flatMap((slice) => slice.reads), ...history.reads])],
  }
}

/** A source that fails is left out and said in the log: an answer without it is better than none. */
async function askSources(
  sources: readonly BoundSource[],
  context: ChatExecutionContext,
  handles: { readonly signal: AbortSignal; readonly log: Log },
): Promise<readonly Slice[]> {
  const texts = await Promise.allSettled(sources.map((source) => boundedWait(source.load(context, handles), { signal: handles.signal, ms: context.limits.toolMs })))
  handles.signal.throwIfAborted()
  return texts.flatMap((result, index): Slice[] => {
    const source = sources[index]?.name ?? ''
    if (result.status === 'rejected') {
      handles.log.error({ source, cause: result.reason }, 'a context source failed')
      return []
    }
    // Which rows a host's source read is its own business, so its text counts as having read the whole scope.
    return result.value === null ? [] : [{ source, text: result.value, kind: 'data', reads: context.rows.projectIds }]
  })
}

export function bindSource<Tx>(source: ContextSource<Tx>, database: ScopedDatabase<Tx> | undefined): BoundSource {
  return {
    name: source.name,
    async load(context, handles) {
      if (!database) return source.load(context, { ...handles, db: undefined as Tx })
      return database.transaction(async (tx) => {
        await enterHostScope(database, tx, context.rows)
        return source.load(context, { ...handles, db: tx })
      })
    },
  }
}
