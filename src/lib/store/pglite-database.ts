import type { PGlite, Transaction } from '@electric-sql/pglite'
import type { Database, Result, Sql } from './database.ts'

/**
 * PostgreSQL in this process. One connection: transactions queue behind each other, and a query outside
 * `transaction()` while one is open would wait for ever, so there is no other entry.
 */
export function pgliteDatabase(pglite: PGlite): Database {
  return {
    transaction: (preamble, work) =>
      pglite.transaction(async (transaction) => {
        if (preamble !== '') await transaction.exec(preamble)
        return work(sqlOf(transaction))
      }),
    close: () => pglite.close(),
  }
}

function sqlOf(transaction: Transaction): Sql {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
      const result = await transaction.query<Row>(text, [...values])
      return { rows: result.rows, count: result.affectedRows ?? 0 }
    },
    async script(text) {
      await transaction.exec(text)
    },
  }
}
