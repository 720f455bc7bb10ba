import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { signIn } from '../../src/lib/identity/sign-in.ts'
import type { Sql } from '../../src/lib/store/database.ts'
import { registerNode } from '../../src/lib/store/node-rows.ts'
import { putSettings } from '../../src/lib/store/settings-rows.ts'
import { listPolicies, listTenantTables } from '../support/catalogue.ts'
import type { Policy } from '../support/catalogue.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { plantAnswer } from '../support/plant-answer.ts'
import type { PlantedAnswer } from '../support/plant-answer.ts'
import { countRows, settingsOf, under } from '../support/under.ts'
import { newId, plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

// Who watches the walls: every policy is taken away in turn, and opened in turn, and somebody must notice. A policy that
// can go without a probe telling is either not needed or not tested.

/** What one principal sees or may do, and what that should be. */
interface Probe {
  readonly name: string
  readonly expected: string
  run(sql: Sql): Promise<string>
}

interface Stage {
  readonly world: World
  readonly tables: readonly string[]
  /** Ada's in acme's apollo, private. */
  readonly hidden: PlantedAnswer
  /** Ada's in the organisation, shared; it has read zephyr, which Bob may not. */
  readonly shared: PlantedAnswer
  /** Ada's in the organisation, shared, and for all to read. */
  readonly common: PlantedAnswer
}

const DIRECTORY = ['organisations', 'projects', 'people', 'memberships', 'api_keys', 'settings']

/** Tables of which these see every row: columns of them. */
const OPENED = {
  lookup: [...DIRECTORY, 'sign_ins'],
  operator: [...DIRECTORY, 'nodes', 'runs', 'claims', 'steps', 'calls'],
  sweeper: ['nodes', 'runs', 'claims', 'frames', 'idempotency_keys', 'events', 'files'],
} as const

function probesOf({ world, tables, hidden, shared, common }: Stage): readonly Probe[] {
  const id = (name: string): string => world.ids[name] ?? ''
  const [acme, apollo, zephyr] = [id('acme'), id('acme/apollo'), id('acme/zephyr')]
  const ada = settingsOf(world.rows('acme', 'ada'))
  const bob = settingsOf({ orgId: acme, projectIds: ['*', apollo], userId: 'bob' })
  const bobInProjects = settingsOf(world.rows('acme', 'bob'))
  // A person of the same id elsewhere: what is theirs by name is not theirs by organisation, or by project.
  const adaOfGlobex = settingsOf(world.rows('globex', 'ada'))
  const adaInZephyr = settingsOf({ orgId: acme, projectIds: [zephyr], userId: 'ada' })

  const some = (count: number): string => (count > 0 ? 'some' : 'none')
  const rows = (sql: Sql, who: typeof ada, from: string, values: readonly unknown[] = []) =>
    under(sql, 'scoped', who, async (scoped) => some(await countRows(scoped, from, values)))
  const write = (sql: Sql, who: typeof ada, text: string, values: readonly unknown[]) =>
    under(sql, 'scoped', who, async (scoped) => {
      await scoped.query(text, values)
      return 'written'
    })
  const of = (answer: PlantedAnswer, table: string): string => {
    if (table === 'threads' || table === 'runs') return `ambit.${table} where id = '${table === 'runs' ? answer.runId : answer.threadId}'`
    return `ambit.${table} where ${table.startsWith('message') || table === 'files' ? `thread_id = '${answer.threadId}'` : `run_id = '${answer.runId}'`}`
  }

  const rightful = tables.map((table): Probe => ({
    name: `Ada sees her organisation's rows of ${table}`,
    expected: 'some',
    run: (sql) => rows(sql, ada, `ambit.${table} where org_id = $1`, [acme]),
  }))

  // The organisation alone must hold against a careless policy that opens the table, with no help from any other policy.
  const organisation = tables.map((table): Probe => ({
    name: `a careless policy on ${table} does not open it to another organisation`,
    expected: 'none',
    run: (sql) =>
      backToHere(sql, async () => {
        await dropRestrictive(sql, table)
        await sql.script(`create policy careless on ambit.${table} to ambit_scoped using (true)`)
        return rows(sql, adaOfGlobex, `ambit.${table} where org_id = $1`, [acme])
      }),
  }))

  // And so must the projects of the scope, against the restrictive policies being too few.
  const projects = tables.map((table): Probe => ({
    name: `${table} of a project are not in the scope of another project`,
    expected: 'none',
    run: (sql) =>
      backToHere(sql, async () => {
        await dropRestrictive(sql, table)
        return rows(sql, adaInZephyr, `ambit.${table} where org_id = $1 and project_id = $2`, [acme, apollo])
      }),
  }))

  const privacy = ['threads', 'messages', 'runs', 'claims', 'read_sets', 'message_contents', 'events', 'idempotency_keys', 'files'].map((table): Probe => ({
    name: `Bob sees no ${table} of Ada's private thread`,
    expected: 'none',
    run: (sql) => rows(sql, bobInProjects, of(hidden, table)),
  }))
  const company = ['threads', 'messages', 'runs', 'claims', 'events', 'files'].map((table): Probe => ({
    name: `Bob sees ${table} of a shared thread`,
    expected: 'some',
    run: (sql) => rows(sql, bob, of(shared, table)),
  }))
  const readSet = ['read_sets', 'steps', 'frames', 'manifests', 'calls'].map((table): Probe => ({
    name: `Bob sees no ${table} of a run that has read what he may not`,
    expected: 'none',
    run: (sql) => rows(sql, bob, of(shared, table)),
  }))

  const insertThread = `insert into ambit.threads (org_id, project_id, id, author_id, shared) values ('${acme}', '${apollo}', $1, $2, true)`
  const insertMessage = `insert into ambit.messages (org_id, project_id, thread_id, id, number, role, author_id) values ('${acme}', $1, $2, $3, 99, 'user', $4)`
  const insertRun = `insert into ambit.runs (org_id, project_id, id, thread_id, user_message_id, message_id, author_id, model_id, state,
      node_id, epoch, fence, last_seq, principal, target, context)
    values ('${acme}', '*', $1, $2, $3, $3, $4, 'm', 'completed', 'n', 1, 1, 0, '{}', '{}', '{}')`
  const names: readonly Probe[] = [
    ...(['bob', 'ada'] as const).flatMap((author): readonly Probe[] => {
      const expected = author === 'bob' ? 'written' : '42501'
      return [
        { name: `Bob begins a thread as ${author}`, expected, run: (sql) => write(sql, bob, insertThread, [newId('thr'), author]) },
        { name: `Bob says something as ${author}`, expected, run: (sql) => write(sql, bob, insertMessage, ['*', shared.threadId, newId('msg'), author]) },
        { name: `Bob begins a run as ${author}`, expected, run: (sql) => write(sql, bob, insertRun, [newId('run'), shared.threadId, shared.questionId, author]) },
      ]
    }),
    { name: `Bob says something in Ada's private thread`, expected: '42501', run: (sql) => write(sql, bob, insertMessage, [apollo, hidden.threadId, newId('msg'), 'bob']) },
    {
      name: 'Bob sees the question in a shared thread, and not the answer',
      expected: shared.questionId,
      run: async (sql) =>
        under(sql, 'scoped', bob, async (scoped) => {
          const seen = await scoped.query<{ message_id: string }>('select message_id from ambit.message_contents where thread_id = $1', [shared.threadId])
          return seen.rows.map((row) => row.message_id).join()
        }),
    },
  ]

  // Who reads a run's record does not write it.
  const inRecord: readonly (readonly [table: string, text: string, own: string])[] = [
    ['claims', `insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch) values ('${acme}', '*', '${common.runId}', 9, 0, 'n', 1)`, 'changed 1'],
    ['steps', `insert into ambit.steps (org_id, project_id, run_id, number, fence, finish_reason, usage) values ('${acme}', '*', '${common.runId}', 9, 1, '', '')`, 'changed 1'],
    ['manifests', `insert into ambit.manifests (org_id, project_id, run_id, content) values ('${acme}', '*', '${common.runId}', '')`, '23505'],
    ['calls', `insert into ambit.calls (org_id, project_id, run_id, id, step, place, name, effect, input, state, fence) values ('${acme}', '*', '${common.runId}', 'c', 1, 2, '', '', '', 'done', 1)`, 'changed 1'],
    ['frames', `insert into ambit.frames (org_id, project_id, run_id, first_seq, last_seq, text) values ('${acme}', '*', '${common.runId}', 9, 9, '')`, 'changed 1'],
    ['read_sets', `insert into ambit.read_sets (org_id, project_id, run_id, projects) values ('${acme}', '*', '${common.runId}', '[]')`, '23505'],
    ['message_contents', `insert into ambit.message_contents (org_id, project_id, thread_id, message_id, parts) values ('${acme}', '*', '${common.threadId}', '${common.answerId}', '')`, '23505'],
    ['runs', `update ambit.runs set error_code = 'x' where id = '${common.runId}'`, 'changed 1'],
    ['calls', `update ambit.calls set state = 'unknown' where run_id = '${common.runId}'`, 'changed 1'],
    ['read_sets', `update ambit.read_sets set projects = '[]' where run_id = '${common.runId}'`, 'changed 1'],
    ['message_contents', `update ambit.message_contents set parts = '' where message_id = '${common.answerId}'`, '42501'],
  ]
  const record = inRecord.flatMap(([table, text, own]): readonly Probe[] =>
    ([['Ada', ada, own], ['Bob', bob, text.startsWith('insert') || own === '42501' ? '42501' : 'changed 0']] as const).map(([name, who, expected]) => ({
      name: `${name}, in the record of Ada's run: ${text.slice(0, 6)} ${table}`,
      expected,
      run: (sql) => under(sql, 'scoped', who, async (scoped) => `changed ${(await scoped.query(text)).count}`),
    })),
  )

  // What became of a run is its author's to say; of a thread, whoever's who sees it. `common` is shared, `hidden` is not.
  const tell = (who: typeof ada, { threadId }: PlantedAnswer, runId: string | null, projectId = '*') => (sql: Sql) =>
    write(sql, who, `insert into ambit.events (org_id, project_id, kind, thread_id, run_id) values ('${acme}', $1, 'told', $2, $3)`, [projectId, threadId, runId])
  const events: readonly Probe[] = [
    { name: 'Ada tells of her run', expected: 'written', run: tell(ada, common, common.runId) },
    { name: 'Ada tells of her run in another thread than it is in', expected: '42501', run: tell(ada, common, shared.runId) },
    { name: 'Bob tells of a shared thread', expected: 'written', run: tell(bob, common, null) },
    { name: 'Bob tells of a private thread', expected: '42501', run: tell(bob, hidden, null, apollo) },
    { name: "Bob tells of Ada's run", expected: '42501', run: tell(bob, common, common.runId) },
    { name: 'Bob tells of a run that is not there', expected: '42501', run: tell(bob, common, newId('run')) },
    {
      name: 'Bob tells of his run in a thread that was taken back from him',
      expected: 'written',
      run: (sql) =>
        backToHere(sql, async () => {
          await sql.query('update ambit.runs set author_id = $2 where id = $1', [common.runId, 'bob'])
          await sql.query('update ambit.threads set shared = false where id = $1', [common.threadId])
          return tell(bob, common, common.runId)(sql)
        }),
    },
  ]

  // Of what is no thread, or none any more, everybody here is told, or the one who says it.
  const tellOf = (who: typeof ada, readerId: string | null) => (sql: Sql) =>
    write(sql, who, `insert into ambit.events (org_id, project_id, kind, about_id, reader_id) values ('${acme}', '*', 'told', 'gone', $1)`, [readerId])
  const heard = (who: typeof ada, readerId: string | null) => (sql: Sql) =>
    backToHere(sql, async () => {
      await sql.query(`insert into ambit.events (org_id, project_id, kind, about_id, reader_id) values ('${acme}', '*', 'told', 'gone', $1)`, [readerId])
      return rows(sql, who, "ambit.events where about_id = 'gone'")
    })
  const others: readonly Probe[] = [
    { name: 'Bob tells everybody in events', expected: 'written', run: tellOf(bob, null) },
    { name: 'Bob tells himself in events', expected: 'written', run: tellOf(bob, 'bob') },
    { name: 'Bob tells Ada alone in events', expected: '42501', run: tellOf(bob, 'ada') },
    { name: 'Bob sees events for everybody', expected: 'some', run: heard(bob, null) },
    { name: 'Bob sees no events for Ada alone', expected: 'none', run: heard(bob, 'ada') },
    { name: 'Ada sees events for herself', expected: 'some', run: heard(ada, 'ada') },
  ]

  // A thread is its author's to take away, also where others see it, and write in it.
  const removals = ([['Ada', ada, 'changed 1'], ['Bob', bob, 'changed 0']] as const).map(([name, who, expected]): Probe => ({
    name: `${name} deletes Ada's shared thread of threads`,
    expected,
    run: (sql) => under(sql, 'scoped', who, async (scoped) => `changed ${(await scoped.query(`delete from ambit.threads where id = '${common.threadId}'`)).count}`),
  }))

  // A key is its owner's: another one's of the same name is not in the way, and is not shown, used up or taken away.
  const claimKey = (author: string) => `insert into ambit.idempotency_keys (org_id, project_id, author_id, request, key, body_hash) values ('${acme}', '*', '${author}', 'POST /chat', 'key_${common.runId}', '')`
  const onKeys: readonly (readonly [name: string, text: string, ada: string, bob: string])[] = [
    ['uses it up', `update ambit.idempotency_keys set run_id = null where key = 'key_${common.runId}'`, 'changed 1', 'changed 0'],
    ['takes it away', `delete from ambit.idempotency_keys where key = 'key_${common.runId}'`, 'changed 1', 'changed 0'],
    ['takes all away', 'delete from ambit.idempotency_keys', 'changed 3', 'changed 0'],
    ["writes one in Ada's name", claimKey('ada'), '23505', '42501'],
    ["writes one in Bob's name", claimKey('bob'), '42501', 'changed 1'],
  ]
  const keys = onKeys.flatMap(([name, text, ofAda, ofBob]): readonly Probe[] =>
    ([['Ada', ada, ofAda], ['Bob', bob, ofBob]] as const).map(([person, who, expected]) => ({
      name: `${person}, of Ada's key: ${name}`,
      expected,
      run: (sql) => under(sql, 'scoped', who, async (scoped) => `changed ${(await scoped.query(text)).count}`),
    })),
  )

  // A file that was not sent is its author's; sent it is once, by its author, with a message of the author's own.
  const sent = (name: string) => `update ambit.files set thread_id = '${common.threadId}', message_id = '${common.questionId}' where id = '${name}_${common.runId}'`
  const putFile = (author: string) => `insert into ambit.files (org_id, project_id, id, author_id, name, media_type, content)
    values ('${acme}', '*', '${newId('file')}', '${author}', 'f', 'text/plain', 'f')`
  const onFiles: readonly (readonly [name: string, who: typeof ada, text: string, expected: string])[] = [
    ['Ada sends her file', ada, sent('unsent'), 'changed 1'],
    ['Ada sends a file again', ada, sent('sent'), 'changed 0'],
    ["Bob sends Ada's file", bob, sent('unsent'), 'changed 0'],
    ["Bob uploads in Ada's name", bob, putFile('ada'), '42501'],
    ['Bob uploads in his name', bob, putFile('bob'), 'changed 1'],
  ]
  const files: readonly Probe[] = [
    ...onFiles.map(([name, who, text, expected]): Probe => ({
      name: `${name}, in files`,
      expected,
      run: (sql) => under(sql, 'scoped', who, async (scoped) => `changed ${(await scoped.query(text)).count}`),
    })),
    {
      name: "Bob sends his files with Ada's message",
      expected: '42501',
      run: (sql) =>
        backToHere(sql, async () => {
          await sql.query(`update ambit.files set author_id = 'bob' where id = $1`, [`unsent_${common.runId}`])
          return write(sql, bob, sent('unsent'), [])
        }),
    },
    { name: 'Bob sees no files of Ada that nobody sent', expected: 'none', run: (sql) => rows(sql, bob, `ambit.files where id = 'unsent_${common.runId}'`) },
    {
      name: 'the sweeper sees no files that were sent',
      expected: 'none',
      run: async (sql) => under(sql, 'sweeper', {}, async (inside) => some((await inside.query('select 1 from ambit.files where message_id is not null')).rows.length)),
    },
  ]

  const putOwn = (instructions: string) => `insert into ambit.settings (org_id, project_id, instructions) values ('${acme}', '${instructions}', '')`
  const editing: readonly (readonly [name: string, who: typeof ada, expected: readonly [changed: string, inserted: string]])[] = [
    ['An admin at the settings', { ...ada, administers: 'true' }, ['changed 1', 'changed 1']],
    ['An admin in a run', ada, ['changed 0', '42501']],
  ]
  const settings = editing.flatMap(([name, who, [changed, inserted]]): readonly Probe[] => [
    { name: `${name} changes some`, expected: changed, run: (sql) => under(sql, 'scoped', who, async (scoped) => `changed ${(await scoped.query(`update ambit.settings set instructions = 'x' where project_id = '*'`)).count}`) },
    { name: `${name} makes some`, expected: inserted, run: (sql) => under(sql, 'scoped', { ...who, project_ids: '["new"]' }, async (scoped) => `changed ${(await scoped.query(putOwn('new'))).count}`) },
  ])

  // The directory is written in a transaction that was opened to administer, or for somebody's own affairs. Each: the
  // admin at the organisation, the same in a run, Bob about what is his, Bob in a run.
  const marks = { 'An admin': { ...ada, administers: 'true' }, 'An admin in a run': ada, 'Bob, of his own': { ...bob, own_affairs: 'true' }, 'Bob in a run': bob }
  const addMember = `insert into ambit.memberships (org_id, project_id, person_id, role) values ('${acme}', '*', 'new', 'owner')`
  const addKey = (person: string, maker: string) =>
    `insert into ambit.api_keys (org_id, id, person_id, prefix, hash, made_by) values ('${acme}', 'new', '${person}', 'new', '', '${maker}')`
  const kept: readonly (readonly [name: string, text: string, expected: readonly string[]])[] = [
    ['adds to memberships', addMember, ['changed 1', '42501', '42501', '42501']],
    ['changes memberships', "update ambit.memberships set role = 'owner' where project_id = '*' and person_id = 'bob'", ['changed 1', 'changed 0', 'changed 0', 'changed 0']],
    ['leaves Bob’s memberships', "delete from ambit.memberships where project_id = '*' and person_id = 'bob'", ['changed 1', 'changed 0', 'changed 1', 'changed 0']],
    ['takes memberships of Carol', "delete from ambit.memberships where project_id = '*' and person_id = 'carol'", ['changed 1', 'changed 0', 'changed 0', 'changed 0']],
    ['changes projects', `update ambit.projects set name = 'x' where id = '${apollo}'`, ['changed 1', 'changed 0', 'changed 0', 'changed 0']],
    ['revokes Bob’s api_keys', "update ambit.api_keys set revoked_at = now() where person_id = 'bob'", ['changed 1', 'changed 0', 'changed 1', 'changed 0']],
    ['revokes Carol’s api_keys', "update ambit.api_keys set revoked_at = now() where person_id = 'carol'", ['changed 1', 'changed 0', 'changed 0', 'changed 0']],
    ['makes api_keys for Bob, as Ada', addKey('bob', 'ada'), ['changed 1', '42501', '42501', '42501']],
    ['makes api_keys for Bob, as Bob', addKey('bob', 'bob'), ['42501', '42501', 'changed 1', '42501']],
    ['makes api_keys for Carol, as Bob', addKey('carol', 'bob'), ['42501', '42501', '42501', '42501']],
  ]
  const scopedTo = (who: typeof ada, text: string) => (sql: Sql) => under(sql, 'scoped', who, async (scoped) => `changed ${(await scoped.query(text)).count}`)
  const directory = kept.flatMap(([name, text, expected]) => Object.entries(marks).map(([who, told], at): Probe => ({ name: `${who} ${name}`, expected: expected[at] ?? '', run: scopedTo(told, text) })))
  const admin = marks['An admin']
  const addProject = `insert into ambit.projects (org_id, id, slug, name, visibility) values ('${acme}', 'new', 'new', 'New', 'private')`
  const ofOrganisation: readonly Probe[] = [
    { name: 'An admin makes projects', expected: 'changed 1', run: scopedTo({ ...admin, project_ids: '["*", "new"]' }, addProject) },
    { name: 'An admin of projects makes no other ones', expected: '42501', run: scopedTo({ ...admin, project_ids: '["new"]' }, addProject) },
    { name: 'A run makes no projects', expected: '42501', run: scopedTo({ ...ada, project_ids: '["*", "new"]' }, addProject) },
    { name: 'projects outside the scope are not in it', expected: 'none', run: (sql) => backToHere(sql, async () => (await dropRestrictive(sql, 'projects'), rows(sql, adaInZephyr, 'ambit.projects where id = $1', [apollo]))) },
    { name: 'api_keys of others are not of a project', expected: 'none', run: (sql) => rows(sql, { ...adaInZephyr, administers: 'true' }, "ambit.api_keys where person_id <> 'ada'") },
    ...['projects', 'api_keys'].flatMap((table): readonly Probe[] => [
      { name: `An admin sees ${table}`, expected: 'some', run: (sql) => rows(sql, admin, `ambit.${table} where org_id = $1`, [acme]) },
      {
        name: `a careless policy on ${table} does not open it to another organisation`,
        expected: 'none',
        run: (sql) =>
          backToHere(sql, async () => {
            await dropRestrictive(sql, table)
            await sql.script(`create policy careless on ambit.${table} to ambit_scoped using (true)`)
            return rows(sql, { ...adaOfGlobex, administers: 'true' }, `ambit.${table} where org_id = $1`, [acme])
          }),
      },
      {
        name: `${table} of another organisation are not in the scope`,
        expected: 'none',
        run: (sql) =>
          backToHere(sql, async () => {
            await dropRestrictive(sql, table)
            await sql.script(`drop policy if exists organisation on ambit.${table}`)
            return rows(sql, { ...adaOfGlobex, administers: 'true' }, `ambit.${table} where org_id = $1`, [acme])
          }),
      },
    ]),
  ]

  const unscoped = Object.entries(OPENED).flatMap(([role, opened]) => opened.map((table) => [role as keyof typeof OPENED, table] as const)).map(([role, table]): Probe => ({
    name: `the ${role} sees ${table}`,
    expected: 'some',
    run: (sql) => under(sql, role, {}, async (inside) => some(Number((await inside.query(`select 1 from ambit.${table}`)).rows.length))),
  }))

  return [
    ...rightful, ...organisation, ...projects, ...privacy, ...company, ...readSet, ...names, ...record, ...events, ...others, ...removals, ...keys, ...files, ...settings,
    ...directory, ...ofOrganisation, ...unscoped,
  ]
}

/** Leaves of a table's restrictive policies only the organisation's. */
async function dropRestrictive(sql: Sql, table: string): Promise<void> {
  for (const policy of await listPolicies(sql)) {
    if (policy.table === table && !policy.permissive && policy.name !== 'organisation') await drop(sql, policy)
  }
}

function drop(sql: Sql, { table, name }: Policy): Promise<void> {
  return sql.script(`drop policy ${name} on ambit.${table}`)
}

/** The same policy, for the same role and command, that lets everything through. */
async function open(sql: Sql, policy: Policy): Promise<void> {
  await drop(sql, policy)
  const clause = policy.command === 'INSERT' ? 'with check (true)' : 'using (true)'
  const kind = policy.permissive ? 'permissive' : 'restrictive'
  await sql.script(`create policy ${policy.name} on ambit.${policy.table} as ${kind} for ${policy.command} to ${policy.roles.join()} ${clause}`)
}

async function backToHere<T>(sql: Sql, work: () => Promise<T>): Promise<T> {
  await sql.script('savepoint here')
  try {
    return await work()
  } finally {
    await sql.script('rollback to savepoint here; release savepoint here')
  }
}

async function run(sql: Sql, probes: readonly Probe[]): Promise<Readonly<Record<string, string>>> {
  const outcomes: Record<string, string> = {}
  for (const probe of probes) outcomes[probe.name] = await probe.run(sql)
  return outcomes
}

/** All of them, those that name its table first: whoever misses a policy is mostly one of these, and nobody after him is asked. */
function nearestFirst(probes: readonly Probe[], { table }: Policy): readonly Probe[] {
  const isNear = ({ name }: Probe): boolean => name.split(/\W/).includes(table)
  return [...probes.filter(isNear), ...probes.filter((probe) => !isNear(probe))]
}

describe.each(databaseKinds)('the policies on $name', (kind) => {
  let database: TestDatabase
  let probes: readonly Probe[]
  let policies: readonly Policy[]

  beforeAll(async () => {
    database = await kind.create()
    const world = await plantWorld(database.handles)
    const { handles } = database
    await signIn(handles, world.keys.ada, [])
    const ada = world.rows('acme', 'ada')
    const plant = (projectId: string, isShared: boolean, reads: readonly string[]) =>
      plantAnswer(handles, ada, { projectId, shared: isShared, reads, question: 'Asked?', answer: 'Answered.' })
    const [apollo = '', zephyr = ''] = [world.ids['acme/apollo'], world.ids['acme/zephyr']]
    const hidden = await plant(apollo, false, [apollo])
    const shared = await plant('*', true, ['*', zephyr])
    const common = await plant('*', true, ['*'])
    await handles.sweeper((sql) => registerNode(sql, 'planted', null))
    await handles.operator((sql) => putSettings(sql, { orgId: ada.orgId, projectId: '*', aiEnabled: true, instructions: '' }))
    probes = probesOf({ world, tables: await listTenantTables(database.superuser), hidden, shared, common })
    policies = await database.superuser.transaction('', listPolicies)
  })
  afterAll(() => database.drop())

  test('hold: every probe sees what it should', async () => {
    const expected = Object.fromEntries(probes.map((probe) => [probe.name, probe.expected]))
    expect(Object.keys(expected)).toHaveLength(probes.length)
    expect(await database.superuser.transaction('', (sql) => run(sql, probes))).toEqual(expected)
  })

  test.each([
    ['dropped', drop, (): boolean => true],
    ['opened', open, ({ using, check }: Policy): boolean => using !== 'true' && check !== 'true'],
  ] as const)('are each missed when %s', async (_, mutate, matters) => {
    const mutated = policies.filter(matters)
    expect(mutated.length).toBeGreaterThan(20)
    const unnoticed: string[] = []
    for (const policy of mutated) {
      const noticed = await database.superuser.transaction('', (sql) =>
        backToHere(sql, async () => {
          await mutate(sql, policy)
          for (const probe of nearestFirst(probes, policy)) if ((await probe.run(sql)) !== probe.expected) return probe.name
          return null
        }),
      )
      if (noticed === null) unnoticed.push(`${policy.table}.${policy.name}`)
    }
    expect(unnoticed).toEqual([])
    // Nothing of this stays.
    expect(await database.superuser.transaction('', listPolicies)).toEqual(policies)
  }, 120_000)
})
