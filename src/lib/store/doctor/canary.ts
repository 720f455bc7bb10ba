import type { Database, Sql } from '../database.ts'
import { putDocument } from '../document-rows.ts'
import { openHandles } from '../handles.ts'
import type { Handles, RowScope, ScopedSql } from '../handles.ts'
import { insertThread } from '../thread-rows.ts'
import { isUnavailable } from '../unavailable.ts'
import type { Check, Finding } from './check.ts'
import { RAISE_ORGANISATION } from './policy-checks.ts'

export const CANARY_CHECKS = [
  { code: 'handle_role', group: 'canary', proves: 'each handle takes its own role' },
  { code: 'canary_unscoped', group: 'canary', proves: 'without a scope nothing is seen' },
  { code: 'canary_own', group: 'canary', proves: 'an organisation writes and reads rows of its own' },
  { code: 'canary_read', group: 'canary', proves: 'another organisation, another project and another person see nothing of them' },
  { code: 'canary_write', group: 'canary', proves: 'another organisation can neither change them nor make any in that name' },
  { code: 'host_view_rows', group: 'canary', proves: 'no view in ambit_host, and no table of the host with a policy of the organisation, shows a row to one that is not there' },
] as const satisfies readonly Check[]

export type CanaryCode = (typeof CANARY_CHECKS)[number]['code']

/** What the canary flies past: the tables of tenants, with what mends each, and what the host opened to tools. Names are quoted. */
export interface Targets {
  readonly tables: readonly { readonly name: string; readonly mend: string }[]
  readonly views: readonly { readonly name: string; readonly mend: string }[]
}

/** The query of the targets, over FACTS. */
export const TARGETS = `
  select 'tables' as kind, name, ${RAISE_ORGANISATION} as mend from tenant, scoped
  where exists (select from granted g where g.oid = tenant.oid and g.privilege = 'select' and g.grantee in (0, scoped.oid))
  union all
  select 'views', name, format('revoke all on %s from %I;', name, scoped.rolname) from relation, scoped where relkind = 'v' and schema = 'ambit_host'
  union all
  select 'views', name, format('revoke all on %s from %I;', name, scoped.rolname) from host_table h, scoped
  where exists (select from host_policy p where p.polrelid = h.oid and p.for_scoped and p.by_org)`

export interface Canary {
  readonly found: readonly (Finding & { readonly code: CanaryCode })[]
  /** Views that took too long to be proved. */
  readonly unproved: readonly string[]
}

/** Ids that nobody has. UUIDs, because a host's view may cast them. */
interface Ids {
  readonly org: string
  readonly other: string
  readonly project: string
  readonly person: string
}

/** A view over a large table without an index of its organisation: the start must not wait for it. */
const VIEW_TIMEOUT = "set local statement_timeout = '1s'"

/** It took too long, or somebody is changing it. */
const BUSY: readonly string[] = ['57014', '55P03']

/**
 * With a scope that no statistics know, the planner might read a whole table to find that nothing is in it. What it is
 * forbidden counts as endless cost, for which PostgreSQL before 18 would compile the statement: a second each.
 */
const BY_INDEX = 'set local enable_seqscan = off; set local jit = off'

export interface Flown {
  readonly rolePrefix: string
  /** Those that this login may take, beside the scoped one. */
  readonly handles: readonly Exclude<keyof Handles, 'scoped'>[]
}

/**
 * Flies two tenants past the walls in a transaction that leaves nothing: what it writes is taken back to a savepoint.
 * The catalogue says how the walls were built; this says that they hold.
 */
export async function flyCanary(database: Database, { rolePrefix, handles: tried }: Flown, targets: Targets): Promise<Canary> {
  const found: (Finding & { code: CanaryCode })[] = []
  const report = (code: CanaryCode, says: string, mend: string | null = null) => void found.push({ code, says, mend })
  const handles = openHandles(database, rolePrefix)
  const ids = await findIds(database)
  const scope: RowScope = { orgId: ids.org, projectIds: [ids.project], userId: ids.person }

  for (const handle of tried) {
    const role = await handles[handle](roleOf)
    if (role !== rolePrefix + handle) report('handle_role', `The handle ${handle} works as ${role}, and not as ${rolePrefix}${handle}.`)
  }
  // As a statement would run whose author forgot the scope.
  await database.transaction(`set local role "${rolePrefix}scoped"; set local statement_timeout = '5s'; ${BY_INDEX}`, async (sql) => {
    for (const { name, mend } of await seenOf(sql, targets)) report('canary_unscoped', `${name} shows rows to a transaction without a scope.`, mend)
  })
  const unproved = await handles.scoped(scope, async (sql) => {
    const role = await roleOf(sql)
    if (role !== `${rolePrefix}scoped`) report('handle_role', `The handle scoped works as ${role}, and not as ${rolePrefix}scoped.`)
    await sql.script(`${BY_INDEX}; savepoint canary`)
    try {
      await tryTenants(sql, { ids, scope, targets, report })
      return await tryViews(sql, { ids, targets, report })
    } finally {
      await sql.script('rollback to savepoint canary; release savepoint canary')
    }
  })
  return { found, unproved }
}

interface Flight {
  readonly ids: Ids
  readonly targets: Targets
  report(code: CanaryCode, says: string, mend?: string | null): void
}

async function tryTenants(sql: ScopedSql, { ids, scope, targets, report }: Flight & { readonly scope: RowScope }): Promise<void> {
  const id = ids.org
  const wrote = await attempt(sql, async () => {
    await insertThread(sql, { projectId: ids.project, id, userId: ids.person, alias: null, title: 'canary' })
    await putDocument(sql, { projectId: ids.project, id, title: 'canary', mediaType: 'text/plain', body: 'canary' })
  })
  if (wrote !== null) return report('canary_own', `The scoped role cannot write a thread and a document of its own: ${wrote.message} (SQLSTATE ${wrote.state}). Mend what else is found, then try again.`)
  const own = await seen(sql, id)
  if (own.threads !== 1 || own.documents !== 1) return report('canary_own', 'The scoped role does not see what it wrote itself: mend what else is found, then try again.')

  const strangers = [
    ['another organisation', { ...scope, orgId: ids.other }, 0],
    ['another project', { ...scope, projectIds: [ids.other] }, 0],
    ['another person', { ...scope, userId: ids.other }, 1], // a document is the project's; a thread its author's
  ] as const
  for (const [who, as, documents] of strangers) {
    await enter(sql, as)
    const rows = await seen(sql, id)
    if (rows.threads > 0) report('canary_read', `A private thread is seen by ${who}.`, as.orgId === id ? null : mendOf(targets, 'threads'))
    if (rows.documents > documents) report('canary_read', `A document is seen by ${who}.`, as.orgId === id ? null : mendOf(targets, 'documents'))
  }
  await enter(sql, { ...scope, orgId: ids.other })
  for (const { name, mend } of await seenOf(sql, targets)) report('canary_read', `${name} shows rows to an organisation that is not there.`, mend)
  await tryWrites(sql, { ids, targets, report })
  await enter(sql, { orgId: '', projectIds: [], userId: '' })
  for (const { name, mend } of await seenOf(sql, targets)) report('canary_unscoped', `${name} shows rows to an empty scope.`, mend)
}

/** As the other organisation. */
async function tryWrites(sql: ScopedSql, { ids, targets, report }: Flight): Promise<void> {
  const changed = await sql.query('update ambit.threads set title = $2 where id = $1', [ids.org, 'changed'])
  if (changed.count > 0) report('canary_write', 'A thread is changed by another organisation.', mendOf(targets, 'threads'))
  const removed = await sql.query('delete from ambit.documents where id = $1', [ids.org])
  if (removed.count > 0) report('canary_write', 'A document is deleted by another organisation.', mendOf(targets, 'documents'))
  const foreign = await attempt(sql, () =>
    sql.query("insert into ambit.documents (org_id, project_id, id, title, body) values ($1, $2, $3, 'canary', 'canary')", [ids.org, ids.project, ids.other]),
  )
  if (foreign === null) report('canary_write', 'A document is made in the name of another organisation.', mendOf(targets, 'documents'))
  else if (foreign.state !== '42501') report('canary_write', `A document in the name of another organisation is refused by chance, and not by a policy: ${foreign.message} (SQLSTATE ${foreign.state}).`)
}

/** Answers the views that could not be proved in time. What fails for another reason shows nothing, and is closed. */
async function tryViews(sql: ScopedSql, { ids, targets, report }: Flight): Promise<readonly string[]> {
  const unproved: string[] = []
  await sql.script(VIEW_TIMEOUT)
  await enter(sql, { orgId: ids.other, projectIds: [ids.other, '*'], userId: ids.other })
  for (const { name, mend } of targets.views) {
    let shows = false
    const failed = await attempt(sql, async () => {
      shows = (await sql.query(`select from ${name} limit 1`)).rows.length > 0
    })
    if (shows) report('host_view_rows', `${name} shows rows to an organisation that is not there.`, mend)
    if (failed && BUSY.includes(failed.state)) unproved.push(name)
  }
  return unproved
}

/** The tables that show a row. */
async function seenOf(sql: Sql, { tables }: Targets): Promise<Targets['tables']> {
  if (tables.length === 0) return []
  const { rows } = await sql.query<{ place: number }>(
    tables.map(({ name }, place) => `select ${place} as place where exists (select from ${name})`).join(' union all '),
  )
  return tables.filter((_, place) => rows.some((row) => row.place === place))
}

async function seen(sql: Sql, id: string): Promise<{ readonly threads: number; readonly documents: number }> {
  const { rows } = await sql.query<{ threads: number; documents: number }>(
    `select (select count(*)::int from ambit.threads where id = $1) as threads, (select count(*)::int from ambit.documents where id = $1) as documents`,
    [id],
  )
  return rows[0] ?? { threads: 0, documents: 0 }
}

async function enter(sql: Sql, { orgId, projectIds, userId }: RowScope): Promise<void> {
  await sql.query("select set_config('ambit.org_id', $1, true), set_config('ambit.project_ids', $2, true), set_config('ambit.user_id', $3, true)", [
    orgId,
    orgId === '' ? '' : JSON.stringify(projectIds),
    userId,
  ])
}

/** What PostgreSQL calls the failure of a statement; null for another kind of error. */
export function sqlStateOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null
}

/** A statement that PostgreSQL refused, in its own words: they name tables and columns, and no rows of anybody. */
interface Failed {
  readonly state: string
  readonly message: string
}

/** Null where it works; else how it failed, and the transaction is as it was before. */
async function attempt(sql: Sql, work: () => Promise<unknown>): Promise<Failed | null> {
  await sql.script('savepoint attempt')
  try {
    await work()
    await sql.script('release savepoint attempt')
    return null
  } catch (error) {
    const state = sqlStateOf(error)
    if (state === null || (isUnavailable(error) && !BUSY.includes(state))) throw error
    await sql.script('rollback to savepoint attempt; release savepoint attempt')
    return { state, message: (error as Error).message }
  }
}

async function findIds(database: Database): Promise<Ids> {
  const { rows } = await database.transaction('', (sql) =>
    sql.query<Ids>(
      'select gen_random_uuid()::text as org, gen_random_uuid()::text as other, gen_random_uuid()::text as project, gen_random_uuid()::text as person',
    ),
  )
  const [ids] = rows
  if (!ids) throw new Error('A query without a table gave no row.')
  return ids
}

async function roleOf(sql: Sql): Promise<string> {
  const { rows } = await sql.query<{ role: string }>('select current_user::text as role')
  return rows[0]?.role ?? ''
}

function mendOf({ tables }: Targets, table: string): string | null {
  return tables.find(({ name }) => name === `ambit.${table}`)?.mend ?? null
}
