import { createAmbit, forDatabase } from 'ambit'
import type { Directory, Role } from 'ambit'
import { kyselyDatabase } from 'ambit/kysely'
import { z } from 'zod'
import { ambitDb, ambitPool, db } from './db.ts'

/** What the app's roles are in Ambit, and which of the app's own rights a tool may require. */
const roles: Readonly<Record<string, { role: Role; grants: readonly string[] }>> = {
  boss: { role: 'admin', grants: ['totals'] },
  staff: { role: 'member', grants: [] },
}

const place = ({ id, name }: { readonly id: string; readonly name: string }) => ({ id, slug: id, name })

const directory: Directory = {
  async access({ subject }, { org, project }) {
    const account = await db
      .selectFrom('accounts')
      .innerJoin('members', 'members.account', 'accounts.id')
      .select(['accounts.id', 'accounts.name', 'members.role'])
      .where('members.person', '=', subject)
      .where('accounts.id', '=', org)
      .executeTakeFirst()
    const rights = account && roles[account.role]
    if (!rights) return null
    if (project === undefined) return { ...rights, org: place(account) }
    const shop = await db.selectFrom('shops').selectAll().where('account', '=', org).where('id', '=', project).executeTakeFirst()
    return shop ? { ...rights, org: place(account), project: place(shop) } : null
  },
  async projects(_, org, { after = '', limit }) {
    return (await db.selectFrom('shops').selectAll().where('account', '=', org).where('id', '>', after).orderBy('id').limit(limit).execute()).map(place)
  },
}

const database = kyselyDatabase(ambitDb, { pool: ambitPool })
const { defineTool } = forDatabase(database)

export const ambit = createAmbit({
  store: ambitPool,
  model: 'offline',
  basePath: '/api/ambit',
  database,
  directory,
  async authenticate(request) {
    const token = /(?:^|; )session=([^;]+)/.exec(request.headers.get('cookie') ?? '')?.[1]
    if (token === undefined) return null
    const session = await db.selectFrom('sessions').select('person').where('token', '=', token).executeTakeFirst()
    return session ? { subject: session.person, kind: 'person' } : null
  },
  tools: [
    defineTool({
      name: 'find_orders', description: 'Finds the orders of a customer.', effect: 'read',
      input: z.object({ customer: z.string() }),
      run: ({ customer }, { db: tx }) => tx.selectFrom('ambit_host.orders').select(['id', 'total']).where('customer', '=', customer).execute(),
    }),
    defineTool({
      name: 'sum_orders', description: 'Sums up all orders.', effect: 'read', requires: 'totals',
      input: z.object({}),
      run: async (_, { db: tx }) => {
        const row = await tx.selectFrom('ambit_host.orders').select(({ fn }) => fn.sum('total').as('sum')).executeTakeFirstOrThrow()
        return { sum: Number(row.sum) }
      },
    }),
  ],
})
