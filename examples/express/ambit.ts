import { createAmbit, forDatabase } from 'ambit'
import type { Directory, Role } from 'ambit'
import { consoleAt } from 'ambit/console'
import { pgDatabase } from 'ambit/pg'
import { z } from 'zod'
import { ambitPool, find, personOf } from './db.ts'

/** What the app's roles are in Ambit, and which of the app's own rights a tool may require. */
const roles: Readonly<Record<string, { role: Role; grants: readonly string[] }>> = {
  boss: { role: 'admin', grants: ['totals'] },
  staff: { role: 'member', grants: [] },
}

interface Named {
  readonly id: string
  readonly name: string
}
const place = ({ id, name }: Named) => ({ id, slug: id, name })

const directory: Directory = {
  async access({ subject }, { org, project }) {
    const [account] = await find<Named & { role: string }>(
      'select a.id, a.name, m.role from accounts a join members m on m.account = a.id where m.person = $1 and a.id = $2', subject, org,
    )
    const rights = account && roles[account.role]
    if (!rights) return null
    if (project === undefined) return { ...rights, org: place(account) }
    const [shop] = await find<Named>('select id, name from shops where account = $1 and id = $2', org, project)
    return shop ? { ...rights, org: place(account), project: place(shop) } : null
  },
  // For the switcher of the console: nothing is opened by being listed.
  async organisations({ subject }, { limit }) {
    return (await find<Named>('select a.id, a.name from accounts a join members m on m.account = a.id where m.person = $1 order by a.id limit $2', subject, limit)).map(place)
  },
  async projects(_, org, { after = '', limit }) {
    return (await find<Named>('select id, name from shops where account = $1 and id > $2 order by id limit $3', org, after, limit)).map(place)
  },
}

const database = pgDatabase(ambitPool)
const { defineTool } = forDatabase(database)

export const ambit = createAmbit({
  store: ambitPool,
  model: 'offline',
  basePath: '/api/ambit',
  console: consoleAt('/assistant', { signInUrl: '/' }),
  database,
  directory,
  async authenticate(request) {
    const subject = await personOf(request.headers.get('cookie'))
    return subject === null ? null : { subject, kind: 'person' }
  },
  tools: [
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
  ],
})
