import { boundedWait } from '../limits/bounded-wait.ts'
import type { Log } from '../observe/log.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import { enterHostScope } from '../store/host-scope.ts'
import type { ScopedDatabase } from '../store/host-scope.ts'
import type { ContextSource, MissingSlice, Slice, SourceHandles } from './context-source.ts'
import type { ObjectRef } from './object-ref.ts'

type Handles = Omit<SourceHandles<unknown>, 'db'>

/** A host's source with its database, ready to be asked. */
export interface BoundSource extends Pick<ContextSource, 'name' | 'about'> {
  readonly priority: number
  load(context: ChatExecutionContext, handles: Handles): Promise<string | null>
}

const PRIORITY = 70
const ABOUT_PRIORITY = 90

export function bindSource<Tx>(source: ContextSource<Tx>, database: ScopedDatabase<Tx> | undefined): BoundSource {
  const { name, about, priority = about ? ABOUT_PRIORITY : PRIORITY } = source
  return {
    name,
    priority,
    ...(about && { about }),
    async load(context, handles) {
      const ask = async (db: Tx) => source.load(context, { ...handles, db })
      if (!database) return ask(undefined as Tx)
      return database.transaction(async (tx) => {
        await enterHostScope(database, tx, context.rows, context.limits.toolMs)
        // One that is left is rolled back, and gives its connection back.
        return boundedWait(ask(tx), handles)
      })
    },
  }
}

/** A source that fails is left out and said in the log: an answer without it is better than none. */
export async function askSources(
  sources: readonly BoundSource[],
  context: ChatExecutionContext,
  request: { readonly about: readonly ObjectRef[]; readonly signal: AbortSignal; readonly log: Log },
): Promise<readonly (Slice | MissingSlice)[]> {
  const { signal, log } = request
  const asked = sources.flatMap((source) => {
    const about = request.about.filter(({ type }) => source.about?.includes(type))
    return source.about && about.length === 0 ? [] : [{ source, about }]
  })
  if (asked.length === 0) return []
  const ending = new AbortController()
  const asking = AbortSignal.any([signal, ending.signal])
  const texts = await Promise.allSettled(
    asked.map(({ source, about }) => boundedWait(source.load(context, { about, signal: asking, log }), { signal, ms: context.limits.toolMs })),
  )
  ending.abort() // whoever was left hears of it
  signal.throwIfAborted()
  const scope = context.project ? 'project' : 'organisation'
  return texts.flatMap((result, index): (Slice | MissingSlice)[] => {
    const { source, about = [] } = asked[index] ?? {}
    if (!source) return []
    // Of several objects the source alone knows which its text is about.
    const named = { source: source.name, scope, ...(about.length === 1 && about[0] && { about: about[0] }) } as const
    if (result.status === 'rejected') {
      log.error({ source: source.name, cause: result.reason }, 'a context source failed')
      return [{ ...named, reason: 'failed' }]
    }
    if (typeof result.value !== 'string') return source.about ? [{ ...named, reason: 'not_found' }] : []
    // Which rows a host's source read is its own business, so its text counts as having read the whole scope.
    return [{ ...named, kind: 'data', text: result.value, priority: source.priority, reads: context.rows.projectIds }]
  })
}
