import type { Log } from '../observe/log.ts'
import type { OfferedTool } from '../model/prompt.ts'
import type { Effect } from './tool.ts'

/** A document (or the like) that an answer can cite. */
export interface Source {
  readonly id: string
  readonly title: string
  readonly mediaType: string
}

/** What a call is given by the run. */
export interface CallHandles {
  readonly signal: AbortSignal
  readonly log: Log
  readonly idempotencyKey: string
  /** What SETTLE_WITH_EFFECT is given to record this output. Throws a ToolError where the output cannot be said. */
  record(output: unknown): readonly string[]
  /** The number by which the answer cites this source: the same source, the same number. */
  cite(source: Source): number
}

export interface ToolResult {
  readonly output: unknown
  /** The projects whose rows are in the output. They join the run's read set before anybody hears of them. */
  readonly reads: readonly string[]
}

export type ParsedArguments = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly detail: string }

/** A tool's effect, as the ledger keeps it: `with-ledger` is known for certain, whatever it does. */
export type LedgerEffect = Effect | 'with-ledger'

/** A tool bound to one scope: it can be offered and called, and knows nothing beyond its walls. */
export interface BoundTool extends OfferedTool {
  readonly effect: LedgerEffect
  /** The projects whose rows may be in the words with which it fails. */
  readonly failureReads: readonly string[]
  parse(input: unknown): ParsedArguments
  call(args: unknown, handles: CallHandles): Promise<ToolResult>
}
