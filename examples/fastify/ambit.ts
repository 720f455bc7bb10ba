import { createAmbit, forDatabase, jwt } from 'ambit'
import type { Directory, Role } from 'ambit'
import { drizzleDatabase } from 'ambit/drizzle'
import { and, asc, eq, gt, sum } from 'drizzle-orm'
import { z } from 'zod'
import { ambitDb, ambitPool, db } from './db.ts'
import { accounts, members, scopedOrders, shops } from './schema.ts'

/** What the app's roles are in Ambit, and which of the app's own rights a tool may require. */
const roles: Readonly<Record<string, { role: Role; grants: readonly string[] }>> = {
  boss: { role: 'admin', grants: ['totals'] },
  staff: { role: 'member', grants: [] },
}

const place = ({ id, name }: { readonly id: string; readonly name: string }) => ({ id, slug: id, name })

const directory: Directory = {
  async access({ subject }, { org, project }) {
    const [account] = await db
      .select({ id: accounts.id, name: accounts.name, role: members.role })
      .from(accounts)
      .innerJoin(members, eq(members.account, accounts.id))
      .where(and(eq(members.person, subject), eq(accounts.id, org)))
    const rights = account && roles[account.role]
    if (!rights) return null
    if (project === undefined) return { ...rights, org: place(account) }
    const [shop] = await db.select().from(shops).where(and(eq(shops.account, org), eq(shops.id, project)))
    return shop ? { ...rights, org: place(account), project: place(shop) } : null
  },
  async projects(_, org, { after = '', limit }) {
    return (await db.select().from(shops).where(and(eq(shops.account, org), gt(shops.id, after))).orderBy(asc(shops.id)).limit(limit)).map(place)
  },
}

const database = drizzleDatabase(ambitDb)
const { defineTool } = forDatabase(database)

export const ambit = createAmbit({
  store: ambitPool,
  model: 'offline',
  basePath: '/api/ambit',
  database,
  directory,
  authenticate: jwt({ issuer: process.env['JWT_ISSUER'] ?? '', audience: process.env['JWT_AUDIENCE'] ?? '' }),
  tools: [
    defineTool({
      name: 'find_orders', description: 'Finds the orders of a customer.', effect: 'read',
      input: z.object({ customer: z.string() }),
      run: ({ customer }, { db: tx }) => tx.select({ id: scopedOrders.id, total: scopedOrders.total }).from(scopedOrders).where(eq(scopedOrders.customer, customer)),
    }),
    defineTool({
      name: 'sum_orders', description: 'Sums up all orders.', effect: 'read', requires: 'totals',
      input: z.object({}),
      run: async (_, { db: tx }) => (await tx.select({ sum: sum(scopedOrders.total).mapWith(Number) }).from(scopedOrders))[0],
    }),
  ],
})
