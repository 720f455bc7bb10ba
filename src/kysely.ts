import { CompiledQuery } from 'kysely'
import type { Kysely, Transaction } from 'kysely'
import { hearLostClients } from './lib/store/hear-lost-clients.ts'
import type { ClientPool } from './lib/store/hear-lost-clients.ts'
import type { ScopedDatabase } from './lib/store/host-scope.ts'

export interface KyselyOptions {
  /**
   * The pool of a `PostgresDialect`. Kysely keeps it to itself, and nobody would hear a connection that the server ends in
   * mid-transaction: unheard, that ends the process. Leave it out for a dialect without one.
   */
  readonly pool?: ClientPool
}

/** A host's tables through Kysely: a tool's `db` is Kysely's own transaction, with the host's types. */
export function kyselyDatabase<DB>(db: Kysely<DB>, { pool }: KyselyOptions = {}): ScopedDatabase<Transaction<DB>> {
  if (pool) hearLostClients(pool)
  return {
    transaction: (work) => db.transaction().execute(work),
    execute: async (tx, text, values) => Number((await tx.executeQuery(CompiledQuery.raw(text, [...values]))).numAffectedRows ?? 0),
  }
}
