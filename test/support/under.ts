import type { Database, Sql } from '../../src/lib/store/database.ts'
import type { RowScope } from '../../src/lib/store/handles.ts'
import { quoteLiteral } from '../../src/lib/store/quote-literal.ts'

/** What row-level security is told, as text: also what no handle would say. */
export type Settings = Readonly<Partial<Record<'org_id' | 'project_ids' | 'user_id' | 'administers' | 'own_affairs', string>>>

export type RoleOfAmbit = 'lookup' | 'scoped' | 'sweeper' | 'operator'

export function settingsOf(scope: RowScope): Settings {
  return { org_id: scope.orgId, project_ids: JSON.stringify(scope.projectIds), user_id: scope.userId, ...(scope.administers && { administers: 'true' }), ...(scope.ownAffairs && { own_affairs: 'true' }) }
}

/** Tries something under a role and settings, and takes it back. Answers what came of it, or the SQLSTATE it failed with. */
export async function under<T>(
  sql: Sql,
  role: RoleOfAmbit,
  settings: Settings,
  work: (sql: Sql) => Promise<T>,
): Promise<T | string> {
  // In one script: tests of the walls do this thousands of times, and a round trip is most of what it costs.
  const told = Object.entries(settings).map(([name, value]) => `; select set_config('ambit.${name}', ${quoteLiteral(value)}, true)`)
  try {
    await sql.script(`savepoint attempt; set local role ambit_${role}${told.join('')}`)
    return await work(sql)
  } catch (error) {
    return sqlStateOf(error)
  } finally {
    await sql.script('rollback to savepoint attempt; release savepoint attempt')
  }
}

/** `under`, in a transaction of its own. */
export function attempt<T>(
  database: Database,
  role: RoleOfAmbit,
  settings: Settings,
  work: (sql: Sql) => Promise<T>,
): Promise<T | string> {
  return database.transaction('', (sql) => under(sql, role, settings, work))
}

export async function countRows(sql: Sql, from: string, values: readonly unknown[] = []): Promise<number> {
  const { rows } = await sql.query<{ count: number }>(`select count(*)::int as count from ${from}`, values)
  return rows[0]?.count ?? 0
}

/** The SQLSTATE of a database's error; what is none is thrown on. */
export function sqlStateOf(error: unknown): string {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  throw error
}
