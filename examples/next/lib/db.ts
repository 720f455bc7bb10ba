import pg from 'pg'

interface Pools {
  readonly app: pg.Pool
  readonly ambit: pg.Pool
}

/** One of each in this process: `next dev` evaluates this file again at each edit. */
const kept = globalThis as { shopPools?: Pools }
const pools = (kept.shopPools ??= {
  app: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  ambit: new pg.Pool({ connectionString: process.env.AMBIT_DATABASE_URL, connectionTimeoutMillis: 5_000 }),
})

/** Ambit's login: for its own tables, and for tools, which see the rows of one account only. */
export const ambitPool = pools.ambit

export async function find<Row extends pg.QueryResultRow>(text: string, ...values: unknown[]): Promise<Row[]> {
  return (await pools.app.query<Row>(text, values)).rows
}
