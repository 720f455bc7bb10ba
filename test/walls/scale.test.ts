import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../src/lib/store/database.ts'
import type { RowScope } from '../../src/lib/store/handles.ts'
import { SEARCH, searchDocuments } from '../../src/lib/store/search-rows.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { attempt, countRows, settingsOf } from '../support/under.ts'

// A wall that is read per row instead of per statement is right and useless: 50 s where milliseconds do.

const PROJECTS = 5_000
const ROWS = 20_000
const RUNS = 5
const TIMES = 100

/** Everything in one project, and the same amount over thousands; a third organisation that must not cost anybody anything. */
const one: RowScope = { orgId: 'one', projectIds: ['p0'], userId: 'reader' }
const many: RowScope = { orgId: 'many', projectIds: ['*', ...Array.from({ length: PROJECTS }, (_, index) => `p${index}`)], userId: 'reader' }

const FILL = `
  insert into ambit.documents (org_id, project_id, id, title, body)
    select org, 'p' || n % projects, 'd' || n, 'Report ' || n, 'Everybody has word' || n % 1000 || ' and only' || n
    from (values ('one', 1), ('many', ${PROJECTS}), ('other', 50)) as place (org, projects), generate_series(0, ${ROWS - 1}) n;
  insert into ambit.postings (org_id, project_id, document_id, lexeme, weight)
    select d.org_id, d.project_id, d.id, t.lexeme, 1 from ambit.documents d, unnest(to_tsvector('english', d.title || ' ' || d.body)) t;
  insert into ambit.threads (org_id, project_id, id, author_id, shared)
    select org, 'p' || n % projects, 't' || n, 'author', true
    from (values ('one', 1), ('many', ${PROJECTS})) as place (org, projects), generate_series(0, ${ROWS - 1}) n;
  analyze ambit.documents, ambit.postings, ambit.threads;
`

describe.each(databaseKinds)('the cost of the walls on $name', (kind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await kind.create()
    await database.superuser.transaction('', (sql) => sql.script(FILL))
  }, 120_000)
  afterAll(() => database.drop())

  async function medianOf(work: () => Promise<unknown>): Promise<number> {
    const times: number[] = []
    for (let run = 0; run < RUNS; run += 1) {
      const start = performance.now()
      await work()
      times.push(performance.now() - start)
    }
    return times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN
  }

  test.each(['documents', 'threads'])(`${PROJECTS} projects in a scope cost less than ${TIMES} times one (%s)`, async (table) => {
    const count = (scope: RowScope) => database.handles.scoped(scope, (sql) => countRows(sql, `ambit.${table}`))
    expect([await count(one), await count(many)]).toEqual([ROWS, ROWS])
    const [few, all] = [await medianOf(() => count(one)), await medianOf(() => count(many))]
    expect(all).toBeLessThan(few * TIMES)
  }, 120_000)

  interface Plan {
    readonly 'Node Type': string
    readonly 'Relation Name'?: string
    readonly 'Index Name'?: string
    readonly Plans?: readonly Plan[]
  }
  const nodesOf = (plan: Plan): readonly Plan[] => [plan, ...(plan.Plans ?? []).flatMap(nodesOf)]

  async function planOf(sql: Sql, text: string, values: readonly unknown[]): Promise<readonly Plan[]> {
    const { rows } = await sql.query<Record<'QUERY PLAN', readonly { readonly Plan: Plan }[]>>(`explain (format json) ${text}`, values)
    return (rows[0]?.['QUERY PLAN'] ?? []).flatMap(({ Plan: plan }) => nodesOf(plan))
  }

  test.each([
    ['one project', one],
    [`${PROJECTS} projects`, many],
  ])(`a search over ${ROWS} documents in %s goes by the index`, async (_, scope) => {
    const plan = await attempt(database.superuser, 'scoped', settingsOf(scope), (sql) => planOf(sql, SEARCH, [['only4711', 'word711'], 6, 'only4711 word711']))
    if (typeof plan === 'string') throw new Error(plan)
    expect(plan.map((node) => node['Index Name'])).toContain('postings_by_lexeme')
    const scans = plan.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name'])
    expect(scans).toEqual([])
    const hits = await database.handles.scoped(scope, (sql) => searchDocuments(sql, 'only4711 word711', 6))
    expect(hits[0]).toMatchObject({ id: 'd4711', project_id: scope === one ? 'p0' : 'p4711' })
    expect(hits).toHaveLength(6)
  })

  test('the same search with full text would not: a plan is worth reading only if it can come out otherwise', async () => {
    const unindexed = "select id from ambit.documents where to_tsvector('english', body) @@ plainto_tsquery('english', $1)"
    const plan = await attempt(database.superuser, 'scoped', settingsOf(one), (sql) => planOf(sql, unindexed, ['only4711']))
    if (typeof plan === 'string') throw new Error(plan)
    expect(plan.map((node) => node['Index Name'])).not.toContain('postings_by_lexeme')
  })
})
