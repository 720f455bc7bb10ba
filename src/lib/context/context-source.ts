import type { Log } from '../observe/log.ts'
import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { ScopedSql } from '../store/handles.ts'
import type { Source } from '../tools/bound-tool.ts'
import type { CutReason, SliceScope } from './manifest.ts'
import type { ObjectRef } from './object-ref.ts'

/** A piece of what the model is told. */
export interface Slice {
  /** Which source gave it. */
  readonly source: string
  readonly scope: SliceScope
  /** `data` is marked as such for the model, which is told to obey nothing in it. The other two speak to it. */
  readonly kind: 'rules' | 'instructions' | 'data'
  readonly text: string
  /** Higher is served first where the budget is short; Infinity is never cut. */
  readonly priority: number
  /** The projects whose rows are in the text. */
  readonly reads: readonly string[]
  /** What the message is about, where this is the answer to that. */
  readonly about?: ObjectRef
  /** The document whose text it is: told with the number to cite it by. */
  readonly document?: Source
}

/** A slice that there is not: what failed, or was not found. */
export interface MissingSlice {
  readonly source: string
  readonly scope: SliceScope
  readonly reason: Extract<CutReason, 'failed' | 'not_found' | 'no_source'>
  readonly about?: ObjectRef
}

/** What Ambit's own sources are loaded with: one transaction for all of them. */
export interface OwnSourceRequest {
  readonly context: ChatExecutionContext
  readonly sql: ScopedSql
  readonly threadId: string
}

/** One of Ambit's own sources: answers null where it has nothing to say in this scope. */
export interface OwnSource {
  readonly name: string
  load(request: OwnSourceRequest): Promise<Slice | null>
}

/** What a host's source is handed. */
export interface SourceHandles<Tx> {
  /** The host's database inside a transaction on which row-level security decides what exists. */
  readonly db: Tx
  /** What the message is about, of the types that the source names: ids from outside, to be looked up in `db`. */
  readonly about: readonly ObjectRef[]
  readonly signal: AbortSignal
  readonly log: Log
}

/** A host's source of context: text about this scope, asked once per run. What it answers is told as data. */
export interface ContextSource<Tx = unknown> {
  readonly name: string
  /**
   * The types of object that it resolves (`['invoice']`): then it is asked only where a message is about one of them,
   * and answers null where it finds none in the scope. Absent: asked in every run.
   */
  readonly about?: readonly string[]
  /**
   * Higher is served first where the token budget is short. Absent: 70, or 90 for a source with `about`. Ambit's own:
   * documents that a message is about 90, history 80, profile 60, projects 40, titles of documents 30, recent threads 20.
   */
  readonly priority?: number
  load(context: ChatExecutionContext, handles: SourceHandles<Tx>): Promise<string | null> | string | null
}
