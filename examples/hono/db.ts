import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'

interface Order {
  account: string
  shop: string
  id: string
  customer: string
  total: number
}

interface Tables {
  accounts: { id: string; name: string }
  shops: { account: string; id: string; name: string }
  members: { account: string; person: string; role: string }
  sessions: { token: string; person: string }
  orders: Order
}

/** What tools see: the orders of the scope. Made by `ambit expose orders`. */
interface ScopedTables {
  'ambit_host.orders': Order
}

/** The app's own connections, as they were. */
export const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: process.env['DATABASE_URL'] }) }) })

/** Ambit's login: for its own tables, and for tools, which see the rows of one account only. */
export const ambitPool = new pg.Pool({ connectionString: process.env['AMBIT_DATABASE_URL'], connectionTimeoutMillis: 5_000 })
export const ambitDb = new Kysely<ScopedTables>({ dialect: new PostgresDialect({ pool: ambitPool }) })
