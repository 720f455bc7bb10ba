import type { PoolClient } from 'pg'
import { z } from 'zod'
import type { Tool } from '../../../src/index.ts'
import type { ActName } from './plan.ts'

/** The table of the host's own in which `book` writes: in the database of Ambit's own tables. */
export const BOOKINGS = `
  create schema bookings;
  create table bookings.made (org text not null default current_setting('ambit.org_id'), deed text not null);
  alter table bookings.made enable row level security;
  create policy own on bookings.made to ambit_scoped using (org = (select nullif(current_setting('ambit.org_id', true), '')));
  grant usage on schema bookings to ambit_scoped;
  grant insert on bookings.made to ambit_scoped;
`

/** One tool of each kind of effect; `book` only where the host's tables and Ambit's are in one PostgreSQL. */
export function faultTools(ledgerUrl: string, withLedger: boolean): readonly Tool<PoolClient>[] {
  const input = z.object({ deed: z.string() })
  const tool = (name: ActName, rest: Pick<Tool<PoolClient, { deed: string }>, 'effect' | 'commit' | 'run'>) =>
    ({ name, description: `Does what "${name}" does.`, input, ...rest }) as Tool<PoolClient>

  const tell = async (name: ActName, deed: string, key: string) => {
    const response = await fetch(ledgerUrl, { method: 'POST', body: JSON.stringify({ name, deed, key }), headers: { 'content-type': 'application/json' } })
    await response.arrayBuffer()
    return { did: deed }
  }
  const tools = [
    tool('look', { effect: 'read', run: ({ deed }) => ({ saw: deed }) }),
    tool('act', { effect: 'write', run: ({ deed }, { idempotencyKey }) => tell('act', deed, idempotencyKey) }),
    tool('pay', { effect: 'idempotent', run: ({ deed }, { idempotencyKey }) => tell('pay', deed, idempotencyKey) }),
  ]
  const book = tool('book', {
    effect: 'write',
    commit: 'with-ledger',
    async run({ deed }, { db }) {
      await db.query('insert into bookings.made (deed) values ($1)', [deed])
      return { booked: deed }
    },
  })
  return withLedger ? [...tools, book] : tools
}
