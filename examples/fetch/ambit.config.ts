import pg from 'pg'
import { z } from 'zod'
import { createAmbit, forDatabase } from 'ambit'
import { pgDatabase } from 'ambit/pg'

export const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'] }) // the app's own, as it was
export const ambitPool = new pg.Pool({ connectionString: process.env['AMBIT_DATABASE_URL'], connectionTimeoutMillis: 5_000 })
const find = async (text: string, ...values: unknown[]) => (await pool.query(text, values)).rows
const database = pgDatabase(ambitPool)
const { defineTool } = forDatabase(database)

export const ambit = createAmbit({
  store: ambitPool, // Ambit's own tables: schema "ambit" of the same database
  model: 'offline',
  database,
  async authenticate(request) {
    const [session] = await find('select person from sessions where token = $1', request.headers.get('x-session'))
    return session ? { subject: session.person, kind: 'person' } : null
  },
  directory: {
    async access({ subject }, { org, project }) {
      const [account] = await find('select a.* from accounts a join members m on m.account = a.id where m.person = $1 and a.id = $2', subject, org)
      const [shop] = project ? await find('select * from shops where account = $1 and id = $2', org, project) : []
      if (!account || (project && !shop)) return null
      const place = { id: account.id, slug: account.id, name: account.name }
      return { role: 'member', org: place, ...(shop && { project: { id: shop.id, slug: shop.id, name: shop.name } }) }
    },
    projects: (_, org, page) => find('select id, id as slug, name from shops where account = $1 and id > $2 order by id limit $3', org, page.after ?? '', page.limit),
  },
  tools: [
    defineTool({
      name: 'find_orders', description: 'Finds the orders of a customer.', effect: 'read',
      input: z.object({ customer: z.string() }),
      run: async ({ customer }, { db }) => (await db.query('select id, total from ambit_host.orders where customer = $1', [customer])).rows,
    }),
    defineTool({
      name: 'count_orders', description: 'Counts all orders.', effect: 'read', input: z.object({}),
      run: async (_, { db }) => (await db.query('select count(*)::int as orders from ambit_host.orders')).rows[0],
    }),
  ],
})
