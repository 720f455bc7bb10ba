import { sql } from 'drizzle-orm'
import type { SQL, TablesRelationalConfig } from 'drizzle-orm'
import type { PgDatabase, PgQueryResultHKT, PgTransaction } from 'drizzle-orm/pg-core'
import { hearLostClients } from './lib/store/hear-lost-clients.ts'
import type { ClientPool } from './lib/store/hear-lost-clients.ts'
import type { ScopedDatabase } from './lib/store/host-scope.ts'
import { lendClient } from './lib/store/lend-client.ts'

/**
 * A host's tables through Drizzle: a tool's `db` is Drizzle's own transaction, with the host's schema. Tried with
 * `drizzle-orm/node-postgres` (a pool) and `drizzle-orm/pglite`.
 */
export function drizzleDatabase<Result extends PgQueryResultHKT, Schema extends Record<string, unknown>, Relations extends TablesRelationalConfig>(
  db: PgDatabase<Result, Schema, Relations>,
): ScopedDatabase<PgTransaction<Result, Schema, Relations>> {
  demandOwnConnections(db)
  return {
    transaction: (work) =>
      db.transaction(async (tx) => {
        const { lent, end } = lend(db, tx)
        const result = await work(lent).finally(end)
        // After a failed statement whose error was not passed on, the server answers COMMIT with a rollback and no error, and
        // Drizzle does not look: this fails instead.
        await tx.execute(sql`select 1`)
        return result
      }),
    execute: async (tx, text, values) => countOf(await tx.execute(bind(text, values))),
  }
}

/** What Drizzle keeps in a transaction, of every driver. */
interface Kept {
  readonly dialect: unknown
  readonly session: { readonly client?: object }
  readonly schema: unknown
}

/** The same transaction over a client that is only lent, and with it whatever is made of it: builders, savepoints. */
function lend<Tx extends object>(db: object, tx: Tx): { readonly lent: Tx; end(): void } {
  const { dialect, session, schema } = tx as unknown as Kept
  if (session.client === undefined) return { lent: tx, end: () => {} }
  if (session.client === (db as { readonly $client?: unknown }).$client) throw new Error('Drizzle does not take this client for a pool, and gives a transaction no connection of its own. Pass drizzle() a pg.Pool.')
  const { client, end } = lendClient(session.client)
  const Transaction = tx.constructor as new (...parts: readonly unknown[]) => Tx
  return { lent: new Transaction(dialect, Object.create(session, { client: { value: client } }), schema), end }
}

/** Drizzle numbers its parameters itself. */
function bind(text: string, values: readonly string[]): SQL {
  const parts = text.split(/\$(\d+)/)
  return sql.join(parts.map((part, place) => (place % 2 === 0 ? sql.raw(part) : sql.param(values[Number(part) - 1]))))
}

/** As `pg` says it, as PGlite, and as postgres.js (which was not tried). */
function countOf(result: unknown): number {
  const { rowCount, affectedRows, count } = result as { readonly [name in 'rowCount' | 'affectedRows' | 'count']?: number | null }
  return rowCount ?? affectedRows ?? count ?? 0
}

/** On one connection the transactions of two organisations would be one, and a cache knows statements and no organisations. */
function demandOwnConnections(db: object): void {
  const { $client: client, $cache: cache } = db as { readonly $client?: Partial<ClientPool> & { readonly connect?: unknown }; readonly $cache?: { readonly strategy?: unknown } }
  if (cache?.strategy) throw new Error("drizzleDatabase() cannot take a database with a cache: it would answer one organisation with another's rows. Make one without.")
  if (typeof client?.connect !== 'function') return
  if (client.totalCount === undefined) throw new Error('drizzleDatabase() needs a pool: on a single client, transactions of two organisations would be one. Pass drizzle() a pg.Pool.')
  hearLostClients(client as ClientPool)
}
