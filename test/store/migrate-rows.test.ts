import { describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { migrate, migrationOf, readMigrations } from '../../src/lib/store/migrate.ts'
import type { Migration } from '../../src/lib/store/migrate.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { DEFAULT_ROLE_PREFIX } from '../../src/lib/store/role-prefix.ts'
import { databaseKinds } from '../support/databases.ts'
import type { DatabaseKind, TestDatabase } from '../support/databases.ts'
import { OWNER, urlOf } from '../support/templates.ts'
import { plantWorld } from '../support/world.ts'

// A migration that changes rows, as CONTRIBUTING.md says it is written.

const LATER = 9001
const SHOUT = `
alter table ambit.documents no force row level security;
do $$
declare
  touched bigint;
begin
  update ambit.documents set title = upper(title) where title <> upper(title);
  get diagnostics touched = row_count;
  if touched <> (select count(*) from ambit.documents) then raise exception 'changed % documents, and not all', touched; end if;
end $$;
alter table ambit.documents force row level security;
`

interface Stage {
  readonly database: TestDatabase
  /** Who migrates: on PostgreSQL the owner of the tables, who is no superuser. */
  readonly owner: Database
  /** Runs the migrations that this version carries, and this one. */
  run(text: string): Promise<readonly string[]>
  titles(): Promise<readonly string[]>
}

async function stageOf(kind: DatabaseKind): Promise<Stage> {
  const database = await kind.create()
  onTestFinished(() => database.drop())
  await plantWorld(database.handles)
  const owner = kind.name === 'PGlite' ? database.superuser : await ownerOf(database)
  return {
    database,
    owner,
    run: async (text) => migrate(owner, DEFAULT_ROLE_PREFIX, [...(await readMigrations()), later(text)]),
    titles: async () =>
      (await database.superuser.transaction('', (sql) => sql.query<{ title: string }>('select title from ambit.documents order by title'))).rows.map((row) => row.title),
  }
}

function later(text: string): Migration {
  return migrationOf(`${LATER}_later.sql`, text)
}

async function nameOf({ superuser }: TestDatabase): Promise<string> {
  const { rows } = await superuser.transaction('', (sql) => sql.query<{ name: string }>('select current_database()::text as name'))
  return rows[0]?.name ?? ''
}

async function ownerOf(database: TestDatabase): Promise<Database> {
  const name = await nameOf(database)
  await database.superuser.transaction('', (sql) => sql.script(`alter database ${name} owner to ${OWNER.user}`))
  const owner = connect(urlOf(inject('postgresUrl'), name, OWNER), () => {})
  onTestFinished(() => owner.close())
  return owner
}

async function isForced({ superuser }: TestDatabase): Promise<boolean> {
  const { rows } = await superuser.transaction('', (sql) =>
    sql.query<{ forced: boolean }>("select relrowsecurity and relforcerowsecurity as forced from pg_class where oid = 'ambit.documents'::regclass"))
  return rows[0]?.forced === true
}

async function wasRecorded({ superuser }: TestDatabase): Promise<boolean> {
  const { rows } = await superuser.transaction('', (sql) => sql.query('select 1 from ambit.migrations where number = $1', [LATER]))
  return rows.length > 0
}

/** Begins work of three, and lets none of them go on before all have come as far as they can. */
async function whenAllWait<T>(superuser: Database, work: () => Promise<T>): Promise<T> {
  let working: Promise<T> | undefined
  await superuser.transaction('', async (held) => {
    await held.script('lock table ambit.documents in access exclusive mode')
    working = work()
    await vi.waitFor(async () => {
      const { rows } = await superuser.transaction('', (sql) => sql.query("select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"))
      expect(rows).toHaveLength(3)
    }, { timeout: 10_000 })
  })
  if (!working) throw new Error('The work was not begun.')
  return working
}

describe.each(databaseKinds)('a migration over rows that are there, on $name', (kind) => {
  test('touches each of them, of every organisation, and leaves FORCE on', async () => {
    const { database, run, titles } = await stageOf(kind)
    const before = await titles()
    expect(before.length).toBeGreaterThan(3)
    expect(await run(SHOUT)).toEqual([`${LATER}_later.sql`])
    expect(await titles()).toEqual(before.map((title) => title.toUpperCase()).toSorted())
    expect(await isForced(database)).toBe(true)
    expect(await run(SHOUT)).toEqual([])
  })

  test('that finds another number of rows than it counts on is rolled back whole', async () => {
    const { database, run, titles } = await stageOf(kind)
    const before = await titles()
    await expect(run(SHOUT.replace('where title <> upper(title)', "where title like 'Launch%'"))).rejects.toThrow(/changed 2 documents, and not all/)
    expect([await titles(), await isForced(database), await wasRecorded(database)]).toEqual([before, true, false])
    expect(await run(SHOUT)).toEqual([`${LATER}_later.sql`])
  })

  test('that does not put FORCE back is rolled back whole, and so is a new table without a wall', async () => {
    const { database, run, titles } = await stageOf(kind)
    const before = await titles()
    await expect(run(SHOUT.replace(/alter table ambit.documents force.*\n/, ''))).rejects.toThrow(/without forced row-level security: documents$/)
    await expect(run('create table ambit.bare (org_id text); create table ambit.half (org_id text); alter table ambit.half enable row level security;')).rejects.toThrow(
      /without forced row-level security: bare, half$/)
    expect([await titles(), await isForced(database), await wasRecorded(database)]).toEqual([before, true, false])
  })

  // PGlite's only login is a superuser, whom nothing holds.
  test.skipIf(kind.name === 'PGlite')('that does not lift FORCE is refused: without a word it would touch no row', async () => {
    const { database, owner, run, titles } = await stageOf(kind)
    const before = await titles()
    const forgetful = "update ambit.documents set title = upper(title);"
    const unasked = await owner.transaction('', (sql) => sql.query(forgetful))
    expect(unasked.count).toBe(0)
    await expect(run(forgetful)).rejects.toMatchObject({ code: '42501', message: expect.stringContaining('row-level security') as string })
    await expect(run(SHOUT.replace(/alter table ambit.documents no force.*\n/, ''))).rejects.toMatchObject({ code: '42501' })
    expect([await titles(), await wasRecorded(database)]).toEqual([before, false])
  })

  test.skipIf(kind.name === 'PGlite')('that adds a foreign key looks at the rows, or is refused: under FORCE any key would fit', async () => {
    const { owner, run } = await stageOf(kind)
    const key = 'alter table ambit.documents add constraint wrong foreign key (org_id, project_id, id) references ambit.threads (org_id, project_id, id);'
    await expect(owner.transaction('', (sql) => sql.script(`${key} select 1 / 0`))).rejects.toMatchObject({ code: '22012' })
    await expect(run(key)).rejects.toMatchObject({ code: '42501' })
    const lifted = `alter table ambit.documents no force row level security; alter table ambit.threads no force row level security; ${key}`
    await expect(run(lifted)).rejects.toMatchObject({ code: '23503' })
  })

  test.skipIf(kind.name === 'PGlite')('lifts FORCE for itself alone: nobody else ever meets a table without it', async () => {
    const { database, run, titles } = await stageOf(kind)
    const before = await titles()
    const { superuser } = database
    // Half-way, it waits for a lock that the test holds.
    let halfway: Promise<readonly string[]> | undefined
    await superuser.transaction('', async (held) => {
      await held.query('select pg_advisory_xact_lock(77)')
      halfway = run(SHOUT.replace('alter table ambit.documents force', 'select pg_advisory_xact_lock(77); alter table ambit.documents force'))
      await vi.waitFor(async () => {
        const { rows } = await superuser.transaction('', (sql) => sql.query("select 1 from pg_stat_activity where datname = current_database() and wait_event = 'advisory'"))
        expect(rows).toHaveLength(1)
      })
      expect(await isForced(database)).toBe(true)
      // Whoever reads the rows waits for the whole migration, or gives up.
      const reading = superuser.transaction("set local lock_timeout = '100ms'", (sql) => sql.query('select 1 from ambit.documents'))
      await expect(reading).rejects.toMatchObject({ code: '55P03' })
    })
    expect(await halfway).toEqual([`${LATER}_later.sql`])
    expect(await titles()).toEqual(before.map((title) => title.toUpperCase()).toSorted())
  })

  test('is run once by those who migrate at once', async () => {
    const { database, run, titles } = await stageOf(kind)
    const counted = "alter table ambit.documents no force row level security; update ambit.documents set title = title || '!'; alter table ambit.documents force row level security;"
    const migrateThrice = () => Promise.all([run(counted), run(counted), run(counted)])
    const ran = await (kind.name === 'PGlite' ? migrateThrice() : whenAllWait(database.superuser, migrateThrice))
    expect(ran.flat()).toEqual([`${LATER}_later.sql`])
    for (const title of await titles()) expect(title).toMatch(/[^!]!$/)
  })
})
