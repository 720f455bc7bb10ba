import type { ChatExecutionContext } from '../scope/chat-execution-context.ts'
import type { Log } from '../observe/log.ts'
import type { ScopedSql } from '../store/handles.ts'

/** A piece of what the model is told. */
export interface Slice {
  /** Which source gave it. */
  readonly source: string
  readonly text: string
  /** `data` is marked as such for the model, which is told to obey nothing in it. Only `instructions` speak to it. */
  readonly kind: 'data' | 'instructions'
  /** The projects whose rows are in the text. */
  readonly reads: readonly string[]
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
  readonly signal: AbortSignal
  readonly log: Log
}

/** A host's source of context: text about this scope, asked once per run. What it answers is told as data. */
export interface ContextSource<Tx = unknown> {
  readonly name: string
  load(context: ChatExecutionContext, handles: SourceHandles<Tx>): Promise<string | null> | string | null
}
