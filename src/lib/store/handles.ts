import { AsyncLocalStorage } from 'node:async_hooks'
import type { Database, Sql } from './database.ts'
import { quoteLiteral } from './quote-literal.ts'
import { DEFAULT_ROLE_PREFIX, demandRolePrefix } from './role-prefix.ts'
import { lostToAnother } from './unavailable.ts'

/** What row-level security is told: the whole of what a scoped transaction may touch. */
export interface RowScope {
  readonly orgId: string
  /** The projects in the scope, and `*` where it includes the organisation itself. */
  readonly projectIds: readonly string[]
  readonly userId: string
  /** Set for an admin's own request to change settings, and never for a run. */
  readonly administers?: true
  /** Set for somebody's own request about what is his (his keys, his leaving), and never for a run. */
  readonly ownAffairs?: true
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
 * for ever, so it throws instead. Work that lost against another transaction is done once more, from its beginning: what it
 * does outside its transaction must bear that.
 */
export interface Handles {
  lookup<T>(work: (sql: LookupSql) => Promise<T>): Promise<T>
  scoped<T>(scope: RowScope, work: (sql: ScopedSql) => Promise<T>): Promise<T>
  sweeper<T>(work: (sql: SweeperSql) => Promise<T>): Promise<T>
  operator<T>(work: (sql: OperatorSql) => Promise<T>): Promise<T>
}

/** Inside a transaction. Its one effect is that a nested one throws. */
const inTransaction = new AsyncLocalStorage<true>()

export function openHandles(database: Database, rolePrefix: string = DEFAULT_ROLE_PREFIX): Handles {
  demandRolePrefix(rolePrefix)
  const under = async <S extends Sql, T>(handle: string, work: (sql: S) => Promise<T>, settings = ''): Promise<T> => {
    if (inTransaction.getStore()) {
      throw new Error(`A transaction (${handle}) was opened inside another one. Finish the first, or pass its sql on.`)
    }
    // Around the work and not around the connecting: a socket keeps the marker that stood when it was opened.
    const attempt = () => database.transaction(preamble(rolePrefix + handle) + settings, (sql) => inTransaction.run(true, () => work(sql as S)))
    try {
      return await attempt()
    } catch (error) {
      if (!lostToAnother(error)) throw error
      return attempt()
    }
  }
  return {
    lookup: (work) => under('lookup', work),
    scoped: (scope, work) => under('scoped', work, settingsOf(scope)),
    sweeper: (work) => under('sweeper', work),
    operator: (work) => under('operator', work),
  }
}

/** In the preamble and not a statement of its own: it goes out with `begin`, and a round trip is most of what a statement costs. */
function settingsOf({ orgId, projectIds, userId, administers, ownAffairs }: RowScope): string {
  const told = (mark: true | undefined): string => (mark ? 'true' : '')
  const settings = { org_id: orgId, project_ids: JSON.stringify(projectIds), user_id: userId, administers: told(administers), own_affairs: told(ownAffairs) }
  return Object.entries(settings).map(([name, value]) => `; set local ambit.${name} = ${quoteLiteral(value)}`).join('')
}

/** Everything is LOCAL: a plain SET survives the commit, and the next user of the pooled connection would have it. */
function preamble(role: string): string {
  return `set local role "${role}"; set local statement_timeout = '5s'; set local lock_timeout = '2s';
    set local idle_in_transaction_session_timeout = '10s'`
}
