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
 * What a call does to the world, which decides what becomes of one whose outcome nobody knows, because its node died between
 * the call and the record of it. `read`: it is made again. `write`: it is not, and model and reader are told that the outcome
 * is unknown. `idempotent`: it acts once for each `idempotencyKey`, so it is made again with the same one.
 */
export type Effect = 'read' | 'write' | 'idempotent'

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
  /** What a call does to the world. */
  readonly effect: Effect
  /**
   * Its effect is in `db` alone, and is committed together with Ambit's record of the call, or neither is: the outcome is
   * never unknown. Demands a `database` that is Ambit's own PostgreSQL; in another one every call fails, and nothing is done.
   */
  readonly commit?: 'with-ledger'
  /** A grant that the principal must hold; without it the tool is not even offered. */
  readonly requires?: string
  /** Answers anything that JSON can say. What it throws goes to the log; model and reader are told that it failed. */
  run(args: Input, handles: ToolHandles<Tx>): unknown
}

/**
 * A failure whose words may be shown to the model and the reader. Anything else that a tool throws is kept from both. Of a tool
 * whose effect is `write` it is also the word that it has not acted: after any other error nobody knows.
 */
export class ToolError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ToolError'
  }
}
