import { afterAll, beforeAll } from 'vitest'
import { ownDirectory } from '../../../src/lib/directory/own-directory.ts'
import type { Ambit, Principal } from '../../../src/index.ts'
import { DEFAULT_LIMITS } from '../../../src/lib/limits/limits.ts'
import type { ChatExecutionContext } from '../../../src/lib/scope/chat-execution-context.ts'
import type { Refusal } from '../../../src/lib/scope/refusal.ts'
import { resolveChatScope } from '../../../src/lib/scope/resolve-chat-scope.ts'
import type { ScopeSources } from '../../../src/lib/scope/resolve-chat-scope.ts'
import type { Handles, ScopedSql } from '../../../src/lib/store/handles.ts'
import { listRuns } from '../../../src/lib/store/run-rows.ts'
import { readSettings } from '../../../src/lib/store/settings-rows.ts'
import { listThreads } from '../../../src/lib/store/thread-rows.ts'
import { listTenantTables } from '../catalogue.ts'
import { startAmbit } from '../client.ts'
import type { DatabaseKind, TestDatabase } from '../databases.ts'
import { must } from '../stage.ts'
import type { Answer, Verdict } from './oracle.ts'
import { openEyes, seeRows } from './see-rows.ts'
import type { Ask, World } from './tenant-world.ts'

/** What is compared with the oracle: an Ambit, and the database below it. */
export interface Subject {
  readonly database: TestDatabase
  readonly ambit: Ambit
  resolve(ask: Ask): Promise<ChatExecutionContext | Refusal>
}

/** The principal of a request stands in this header: who asks is what these tests vary. */
export const PRINCIPAL = 'x-principal'

export function useSubject(kind: DatabaseKind): Subject {
  let database: TestDatabase | undefined
  let ambit: Ambit | undefined
  let sources: ScopeSources | undefined
  beforeAll(async () => {
    database = await kind.create()
    await openEyes(database.superuser, await listTenantTables(database.superuser))
    const authenticate = async (request: Request) => JSON.parse(request.headers.get(PRINCIPAL) ?? 'null') as Principal | null
    ambit = startAmbit(database, { model: 'offline', authenticate }).ambit
    sources = sourcesOf(database.handles)
  })
  afterAll(async () => {
    await ambit?.close({ graceMs: 0 })
    await database?.drop()
  })
  return {
    get database() {
      return must(database)
    },
    get ambit() {
      return must(ambit)
    },
    // The public function asks for permission to chat; the door asks for the others of the same function behind it.
    resolve: ({ who, target, permission }) =>
      permission === 'chat' ? must(ambit).resolveChatScope(who, target) : resolveChatScope(must(sources), who, target, permission),
  }
}

function sourcesOf(handles: Handles): ScopeSources {
  return {
    directory: ownDirectory(handles),
    settings: (orgId, projectId) => handles.lookup((sql) => readSettings(sql, orgId, projectId)),
    models: () => ['offline'],
    tools: () => [],
    limits: DEFAULT_LIMITS,
  }
}

/** Worlds at a time, where there are connections for it. */
const AT_ONCE = 4

/** The answers to all that is asked in these worlds, which are planted. */
export async function answersOf(subject: Subject, worlds: readonly World[]): Promise<readonly (readonly Answer[])[]> {
  const answers: Answer[][] = worlds.map(() => [])
  const waiting = worlds.entries()
  const work = async (): Promise<void> => {
    for (const [n, world] of waiting) {
      for (const [m, ask] of world.asks.entries()) answers[n]?.push(await answerOf(subject, ask, m === 0 ? LISTS[n % 2] : undefined))
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return answers
}

type List = 'threads' | 'runs'
/** One list a world: they are planned anew each time, which is what costs. */
const LISTS: readonly List[] = ['threads', 'runs']

async function answerOf(subject: Subject, ask: Ask, list: List | undefined): Promise<Answer> {
  const context = await subject.resolve(ask)
  const verdict = verdictOf(context)
  if (!context.ok || !verdict.ok) return { verdict, rows: [] }
  const rows = await subject.database.handles.scoped(context.rows, async (sql) => {
    const seen = await seeRows(sql)
    if (!list) return seen
    const listed = await listKeys(sql, list, verdict)
    const prefix = `${list}/${verdict.org}/${verdict.home}/`
    const known = seen.filter((row) => row.startsWith(prefix))
    // What Ambit lists is what of the rows is in this place. Where it is not, both are shown.
    return known.join() === listed.join() ? seen : [...seen, ...listed.map((row) => `listed ${row}`)]
  })
  return { verdict, rows }
}

/** Ambit's own lists, as keys. */
async function listKeys(sql: ScopedSql, list: List, { org, home }: { readonly org: string; readonly home: string }): Promise<readonly string[]> {
  const listed = list === 'threads' ? await listThreads(sql, home, { limit: 200 }) : await listRuns(sql, home, { limit: 200 })
  return listed.map(({ id }) => `${list}/${org}/${home}/${id}`).toSorted()
}

function verdictOf(context: ChatExecutionContext | Refusal): Verdict {
  if (!context.ok) return { ok: false, code: context.code }
  const { role, may, rows, places } = context
  const home = context.project?.id ?? '*'
  const named = places.map((place) => place.id).concat(home === '*' ? ['*'] : [])
  const projects = rows.projectIds.toSorted()
  if (named.toSorted().join() !== projects.join()) throw new Error(`The places ${named.join()} of a context are not its projects ${projects.join()}.`)
  return { ok: true, role, may, org: rows.orgId, home, projects, user: rows.userId, administers: rows.administers === true }
}
