import pg from 'pg'
import type { CustomTypesConfig, Pool, PoolClient, QueryResult } from 'pg'
import type { Database, Result, Sql } from './database.ts'
import { pgTransaction } from './pg-transaction.ts'

/** `bigint` as number: Ambit's are counters, far below 2^53, and PGlite gives numbers too. Set per query, so that a host's pool keeps its own parsers. */
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as CustomTypesConfig['getTypeParser'],
}

/** A pool of connections to a PostgreSQL server. `end` is called by `close` only for a pool that Ambit opened itself. */
export function pgDatabase(pool: Pool, end: () => Promise<void>): Database {
  return {
    transaction: (preamble, work) =>
      pgTransaction(pool, `begin; ${preamble}`, async (client) => {
        const life = { over: false }
        try {
          return await work(sqlOf(client, life))
        } finally {
          life.over = true
        }
      }),
    close: end,
  }
}

/** After the end the connection is somebody else's: a late statement would run under another tenant's settings. */
function sqlOf(client: PoolClient, life: { readonly over: boolean }): Sql {
  const demandAlive = (): void => {
    if (life.over) throw new Error('This transaction is over. Await every statement before its work ends.')
  }
  return {
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
      demandAlive()
      const result = (await client.query({ text, values: [...values], types })) as QueryResult
      return { rows: result.rows as Row[], count: result.rowCount ?? 0 }
    },
    async script(text) {
      demandAlive()
      await client.query(text)
    },
  }
}
