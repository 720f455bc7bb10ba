/** A statement's rows, and how many rows it touched. */
export interface Result<Row> {
  readonly rows: readonly Row[]
  readonly count: number
}

/** One open transaction. Dies with it: a statement after the end rejects. */
export interface Sql {
  /**
   * One statement with parameters. Several may be given without waiting for the one before: they run in the order in which
   * they were given, and go out together where the connection can do that. `bigint` comes as number, `timestamptz` as Date, `jsonb` parsed.
   */
  query<Row = never>(text: string, values?: readonly unknown[]): Promise<Result<Row>>
  /** Several statements without parameters or results. */
  script(text: string): Promise<void>
}

/**
 * The port to PostgreSQL: one method, because a connection that can be used outside a transaction is a connection
 * whose role and settings nobody set.
 *
 * Obligations of an adapter: `preamble` (SQL without parameters, may be empty) runs first inside the transaction; a rejected
 * `work` rolls back and rejects with the same error; a connection that could not be rolled back is never used again.
 */
export interface Database {
  transaction<T>(preamble: string, work: (sql: Sql) => Promise<T>): Promise<T>
  close(): Promise<void>
}
