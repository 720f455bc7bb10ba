import type { RowScope } from './handles.ts'
import { DEFAULT_ROLE_PREFIX } from './role-prefix.ts'

/**
 * The host's own tables through the host's own ORM. `transaction` opens one and rolls back what rejects; `execute` runs
 * one statement with text parameters inside it and answers the number of rows it touched.
 */
export interface ScopedDatabase<Tx> {
  /** Of Ambit's roles in this database; absent, it is that of Ambit's own store. */
  readonly rolePrefix?: string | undefined
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  execute(tx: Tx, text: string, values: readonly string[]): Promise<number>
}

/** A lower bound of the host's own stays. What the host set is read before the role is taken. */
const ENTER = `
  select set_config('statement_timeout', case
           when current_setting('statement_timeout')::interval between interval '1 microsecond' and make_interval(secs => $5::text::float8 / 1000)
           then current_setting('statement_timeout') else $5::text end, true),
         set_config('role', $1, true), set_config('ambit.org_id', $2, true),
         set_config('ambit.project_ids', $3, true), set_config('ambit.user_id', $4, true)`

/**
 * Puts a host's transaction behind the walls of this scope, before a tool gets it. All of it ends with the transaction. No statement
 * may take longer than the tool itself: one that was left would keep its connection for as long as it runs.
 */
export async function enterHostScope<Tx>(database: ScopedDatabase<Tx>, tx: Tx, rows: RowScope, toolMs: number): Promise<void> {
  const role = `${database.rolePrefix ?? DEFAULT_ROLE_PREFIX}scoped`
  await database.execute(tx, ENTER, [role, rows.orgId, JSON.stringify(rows.projectIds), rows.userId, String(toolMs)])
}

/** The same database, whose roles are those of the store where it names none itself. */
export function underRolePrefix<Tx>(database: ScopedDatabase<Tx>, rolePrefix: string): ScopedDatabase<Tx> {
  return {
    rolePrefix: database.rolePrefix ?? rolePrefix,
    transaction: (work) => database.transaction(work),
    execute: (tx, text, values) => database.execute(tx, text, values),
  }
}
