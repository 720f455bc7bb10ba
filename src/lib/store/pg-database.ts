import pg from 'pg'
import type { CustomTypesConfig, Pool, PoolClient, QueryResult } from 'pg'
import type { Database, Result, Sql } from './database.ts'

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
    async transaction(preamble, work) {
      const client = await pool.connect()
      let broken: Error | undefined
      try {
        await client.query(`begin; ${preamble}`)
        const result = await work(sqlOf(client))
        await client.query('commit')
        return result
      } catch (error) {
        broken = await rollback(client)
        throw error
      } finally {
        client.release(broken)
      }
    },
    close: end,
  }
}

/** Answers why the connection is lost, or nothing when it may go back to the pool. */
async function rollback(client: PoolClient): Promise<Error | undefined> {
  try {
    await client.query('rollback')
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function sqlOf(client: PoolClient): Sql {
  return {
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
      const result = (await client.query({ text, values: [...values], types })) as QueryResult
      return { rows: result.rows as Row[], count: result.rowCount ?? 0 }
    },
    async script(text) {
      await client.query(text)
    },
  }
}
