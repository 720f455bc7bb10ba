import pg from 'pg'
import type { CustomTypesConfig, Pool, PoolClient, QueryResult } from 'pg'
import type { Database, Result, Sql } from './database.ts'
import { answered, pgTransaction } from './pg-transaction.ts'

/** `bigint` as number: Ambit's are counters, far below 2^53, and PGlite gives numbers too. */
export const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as CustomTypesConfig['getTypeParser'],
}

/** Said and not left to the server, where somebody may have chosen another default for the login or the database. */
const BEGIN = 'begin isolation level read committed'

export interface PgDatabaseOptions {
  /** How long the server may be silent before its connection is given up; null for ever. */
  readonly answerMs: number | null
  /**
   * Whether Ambit made the pool, with its own `types`, and clients that send a statement before the one before is answered
   * (`pipeline`). A host's pool keeps its ways: types are said per statement, and statements go one by one.
   */
  readonly own: boolean
  /** Closes the pool where Ambit opened it, and lets it go where it is a host's. */
  end(): Promise<void>
}

/** A pool of connections to a PostgreSQL server, or to a pooler in transaction mode: nothing outlives a transaction, no statement has a name. */
export function pgDatabase(pool: Pool, { answerMs, own, end }: PgDatabaseOptions): Database {
  return {
    transaction: (preamble, work) =>
      pgTransaction({ pool, begin: `${BEGIN}; ${preamble}`, answerMs }, async (client) => {
        const life = { over: false }
        try {
          return await work(sqlOf(client, { life, answerMs, own }))
        } finally {
          life.over = true
        }
      }),
    close: end,
  }
}

/** After the end the connection is somebody else's: a late statement would run under another tenant's settings. */
function sqlOf(client: PoolClient, { life, answerMs, own }: { readonly life: { readonly over: boolean } } & Omit<PgDatabaseOptions, 'end'>): Sql {
  const ask = async (text: string, values?: readonly unknown[]): Promise<QueryResult> => {
    if (life.over) throw new Error('This transaction is over. Await every statement before its work ends.')
    const given = values && [...values]
    return answered(own || !given ? client.query(text, given) : client.query({ text, values: given, types }), answerMs)
  }
  let before: Promise<unknown> = Promise.resolve()
  const askInTurn: typeof ask = (text, values) => {
    const turn = before.then(() => ask(text, values))
    before = turn.catch(() => {}) // whoever gave the statement hears of it
    return turn
  }
  const send = own ? ask : askInTurn
  return {
    async query<Row>(text: string, values: readonly unknown[] = []): Promise<Result<Row>> {
      const { rows, rowCount } = await send(text, values)
      return { rows: rows as Row[], count: rowCount ?? 0 }
    },
    async script(text) {
      await send(text)
    },
  }
}
