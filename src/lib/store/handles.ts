import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database, Sql } from './database.ts'

/** What row-level security is told: the whole of what a scoped transaction may touch. */
export interface RowScope {
  readonly orgId: string
  /** The projects in the scope, and `*` where it includes the organisation itself. */
  readonly projectIds: readonly string[]
  readonly userId: string
}

declare const handleOf: unique symbol
type Through<Name extends string> = Sql & { readonly [handleOf]: Name }

/** A transaction before any scope exists: principals, keys, memberships, settings. */
export type LookupSql = Through<'lookup'>
/** A transaction in which row-level security decides what exists. */
export type ScopedSql = Through<'scoped'>
/** A transaction over ownership, state and stored scope of all runs, never over content. */
export type SweeperSql = Through<'sweeper'>
/** A transaction of the command line: first organisations, people, keys. */
export type OperatorSql = Through<'operator'>

/**
 * The four ways to the database, and the only ones. Each call is one short transaction under its own role; it must not
 * be held over a model or tool call, and must not be nested: on one connection the inner one would wait for the outer
 * for ever, so it throws instead.
 */
export interface Handles {
  lookup<T>(work: (sql: LookupSql) => Promise<T>): Promise<T>
  scoped<T>(scope: RowScope, work: (sql: ScopedSql) => Promise<T>): Promise<T>
  sweeper<T>(work: (sql: SweeperSql) => Promise<T>): Promise<T>
  operator<T>(work: (sql: OperatorSql) => Promise<T>): Promise<T>
}

/** The four roles begin with this prefix; two installations on one server may choose two. */
export const DEFAULT_ROLE_PREFIX = 'ambit_'

/** Inside a transaction. Its one effect is that a nested one throws. */
const inTransaction = new AsyncLocalStorage<true>()

export function openHandles(database: Database, rolePrefix: string = DEFAULT_ROLE_PREFIX): Handles {
  const under = <S extends Sql, T>(handle: string, work: (sql: S) => Promise<T>): Promise<T> => {
    if (inTransaction.getStore()) {
      throw new Error(`A transaction (${handle}) was opened inside another one. Finish the first, or pass its sql on.`)
    }
    // Around the work and not around the connecting: a socket keeps the marker that stood when it was opened.
    return database.transaction(preamble(rolePrefix + handle), (sql) => inTransaction.run(true, () => work(sql as S)))
  }
  return {
    lookup: (work) => under('lookup', work),
    scoped: <T>(scope: RowScope, work: (sql: ScopedSql) => Promise<T>) =>
      under<ScopedSql, T>('scoped', async (sql) => {
        await sql.query(SETTINGS, [scope.orgId, JSON.stringify(scope.projectIds), scope.userId])
        return work(sql)
      }),
    sweeper: (work) => under('sweeper', work),
    operator: (work) => under('operator', work),
  }
}

const SETTINGS = `
  select set_config('ambit.org_id', $1, true), set_config('ambit.project_ids', $2, true), set_config('ambit.user_id', $3, true)`

/** Everything is LOCAL: a plain SET survives the commit, and the next user of the pooled connection would have it. */
function preamble(role: string): string {
  return `set local role "${role}"; set local statement_timeout = '5s'; set local lock_timeout = '2s';
    set local idle_in_transaction_session_timeout = '10s'`
}
