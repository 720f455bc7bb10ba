import type { Pool, PoolClient } from 'pg'
import type { ScopedDatabase } from './lib/store/host-scope.ts'
import { lendClient } from './lib/store/lend-client.ts'
import { ANSWER_MS, pgTransaction } from './lib/store/pg-transaction.ts'

/** A host's tables through `pg`: a tool's `db` is a client inside a transaction. */
export function pgDatabase(pool: Pool): ScopedDatabase<PoolClient> {
  return {
    transaction: (work) =>
      pgTransaction({ pool, begin: 'begin', answerMs: ANSWER_MS }, async (whole) => {
        const { client, end } = lendClient(whole)
        try {
          return await work(client)
        } finally {
          end()
        }
      }),
    execute: async (client, text, values) => (await client.query(text, [...values])).rowCount ?? 0,
  }
}
