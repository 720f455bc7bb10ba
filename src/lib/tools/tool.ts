import type { z } from 'zod'
import type { Log } from '../observe/log.ts'

/** What a tool is handed besides its arguments: the handles that its scope allows, and nothing that names a tenant. */
export interface ToolHandles<Tx> {
  /** The host's database inside a transaction on which row-level security decides what exists. */
  readonly db: Tx
  /** Aborted when the call takes too long or the run ends. */
  readonly signal: AbortSignal
  readonly log: Log
  /** The same for every attempt at this call. */
  readonly idempotencyKey: string
}

/**
 * Something the model may call. It is bound to one scope before it is offered, and no argument of it can name an
 * organisation, a project or a user: whose rows it sees is decided by `db`.
 */
export interface Tool<Tx = unknown, Input = unknown> {
  /** `[a-zA-Z0-9_-]{1,64}`. */
  readonly name: string
  /** For the model: what it does, when to use it. */
  readonly description: string
  /** The arguments. The validated value is all that later code sees. */
  readonly input: z.ZodType<Input>
  /** What a call does to the world. Tools that only read may be repeated after a crash. */
  readonly effect: 'read'
  /** A grant that the principal must hold; without it the tool is not even offered. */
  readonly requires?: string
  /** Answers anything that JSON can say. What it throws goes to the log; model and reader are told that it failed. */
  run(args: Input, handles: ToolHandles<Tx>): unknown
}

/** A failure whose words may be shown to the model and the reader. Anything else that a tool throws is kept from both. */
export class ToolError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ToolError'
  }
}
