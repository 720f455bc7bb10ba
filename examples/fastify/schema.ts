import { integer, pgSchema, pgTable, text } from 'drizzle-orm/pg-core'

// The app's own tables.
export const accounts = pgTable('accounts', { id: text().primaryKey(), name: text().notNull() })
export const shops = pgTable('shops', { account: text().notNull(), id: text().notNull(), name: text().notNull() })
export const members = pgTable('members', { account: text().notNull(), person: text().notNull(), role: text().notNull() })
const order = { account: text().notNull(), shop: text().notNull(), id: text().notNull(), customer: text().notNull(), total: integer().notNull() }
export const orders = pgTable('orders', order)

/** The same orders as tools see them: those of the scope. Made by `ambit expose orders`. */
export const scopedOrders = pgSchema('ambit_host').table('orders', order)
