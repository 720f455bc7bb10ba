import { forDatabase } from 'ambit'
import { pgDatabase } from 'ambit/pg'
import { z } from 'zod'
import { ambitPool } from './db'

export const database = pgDatabase(ambitPool)
const { defineTool } = forDatabase(database)

export const tools = [
  defineTool({
    name: 'find_orders', description: 'Finds the orders of a customer.', effect: 'read',
    input: z.object({ customer: z.string() }),
    run: async ({ customer }, { db }) => (await db.query('select id, total from ambit_host.orders where customer = $1', [customer])).rows,
  }),
  defineTool({
    name: 'sum_orders', description: 'Sums up all orders.', effect: 'read', requires: 'totals',
    input: z.object({}),
    run: async (_, { db }) => (await db.query('select sum(total)::int as sum from ambit_host.orders')).rows[0],
  }),
]
