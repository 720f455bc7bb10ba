import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Sql } from '../../src/lib/store/database.ts'
import { digestOf, listColumns, listTenantTables } from '../support/catalogue.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { plantAnswer } from '../support/plant-answer.ts'
import type { PlantedAnswer } from '../support/plant-answer.ts'
import { attempt, countRows, settingsOf } from '../support/under.ts'
import type { Settings } from '../support/under.ts'
import { newId, plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

// Row-level security alone: no code of Ambit filters anything here. Whoever may see a row sees it, and nobody else does.

describe.each(databaseKinds)('rows on $name', (kind) => {
  let database: TestDatabase
  let world: World
  let tables: readonly string[]
  let acme: string
  let globex: string
  /** In acme's apollo, by `same`: a person of that id is in both organisations, so that no policy about authors hides anything. */
  let own: PlantedAnswer
  let secret: PlantedAnswer
  let foreign: PlantedAnswer

  const idOf = (name: string): string => world.ids[name] ?? ''
  const scoped = <T>(settings: Settings, work: (sql: Sql) => Promise<T>) => attempt(database.superuser, 'scoped', settings, work)
  // Opened to administer, so that what is refused here is refused for its place.
  const acmeRows = () => ({ ...world.rows('acme', 'same'), administers: true as const })
  const globexRows = () => ({ ...world.rows('globex', 'same'), administers: true as const })

  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
    tables = await listTenantTables(database.superuser)
    acme = idOf('acme')
    globex = idOf('globex')
    const plant = (org: string, projectId: string, userId: string, shared: boolean) =>
      plantAnswer(database.handles, world.rows(org, userId), { projectId, shared, reads: [projectId], question: 'Asked?', answer: 'Answered.' })
    own = await plant('acme', idOf('acme/apollo'), 'same', true)
    secret = await plant('acme', idOf('acme/apollo'), 'somebody', false)
    await plant('acme', '*', 'same', true)
    await plant('acme', idOf('acme/zephyr'), 'same', true)
    foreign = await plant('globex', idOf('globex/apollo'), 'same', true)
    await plant('globex', '*', 'same', true)
  })
  afterAll(() => database.drop())

  test('are there for the rightful scope, in every tenant table', async () => {
    for (const table of tables) {
      const seen = await database.handles.scoped(acmeRows(), (sql) => countRows(sql, `ambit.${table}`))
      expect([table, seen > 0]).toEqual([table, true])
      const others = await database.handles.scoped(acmeRows(), (sql) => countRows(sql, `ambit.${table} where org_id <> $1`, [acme]))
      expect([table, others]).toEqual([table, 0])
    }
  })

  test('of one project are there for its scope, and no others', async () => {
    const scope = { ...acmeRows(), projectIds: [idOf('acme/apollo')] }
    for (const table of tables) {
      const projects = await database.handles.scoped(scope, (sql) => sql.query<{ project_id: string }>(`select distinct project_id from ambit.${table}`))
      expect([table, projects.rows]).toEqual([table, [{ project_id: idOf('acme/apollo') }]])
    }
  })

  /** What a mistake, or another tenant, could put into the settings. None of them may show a row of acme. */
  const wrong: readonly (readonly [name: string, settings: () => Settings])[] = [
    ['no settings at all', () => ({})],
    ['only the projects', () => ({ project_ids: JSON.stringify(acmeRows().projectIds) })],
    ['only the organisation', () => ({ org_id: acme })],
    ['only a user', () => ({ user_id: 'same' })],
    ['an empty organisation', () => ({ ...settingsOf(acmeRows()), org_id: '' })],
    ['a garbage organisation', () => ({ ...settingsOf(acmeRows()), org_id: `${acme}' or '1'='1` })],
    ['an organisation that does not exist', () => ({ ...settingsOf(acmeRows()), org_id: 'org_never' })],
    ['a foreign organisation', () => settingsOf(globexRows())],
    ['a foreign organisation with the projects of this one', () => ({ ...settingsOf(acmeRows()), org_id: globex })],
    ['the slug instead of the id', () => ({ ...settingsOf(acmeRows()), org_id: 'acme' })],
    ['the projects of a foreign organisation', () => ({ ...settingsOf(acmeRows()), project_ids: JSON.stringify([idOf('globex/apollo')]) })],
    ['projects by slug', () => ({ ...settingsOf(acmeRows()), project_ids: '["apollo","zephyr"]' })],
    ['a pattern for projects', () => ({ ...settingsOf(acmeRows()), project_ids: '["%","prj_%"]' })],
    ['no projects', () => ({ ...settingsOf(acmeRows()), project_ids: '[]' })],
    ['empty projects', () => ({ ...settingsOf(acmeRows()), project_ids: '' })],
    ['null for projects', () => ({ ...settingsOf(acmeRows()), project_ids: '[null]' })],
    ['nested projects', () => ({ ...settingsOf(acmeRows()), project_ids: JSON.stringify([acmeRows().projectIds]) })],
    ['projects as an object', () => ({ ...settingsOf(acmeRows()), project_ids: JSON.stringify({ [idOf('acme/apollo')]: true }) })],
    ['projects as a text', () => ({ ...settingsOf(acmeRows()), project_ids: JSON.stringify(idOf('acme/apollo')) })],
    ['projects that are no JSON', () => ({ ...settingsOf(acmeRows()), project_ids: `[${idOf('acme/apollo')}` })],
    ['projects as a list of PostgreSQL', () => ({ ...settingsOf(acmeRows()), project_ids: `{${idOf('acme/apollo')}}` })],
  ]

  test.each(wrong)('are not there with %s', async (_, settings) => {
    for (const table of tables) {
      const seen = await scoped(settings(), (sql) => countRows(sql, `ambit.${table} where org_id = $1`, [acme]))
      // Zero rows, or an error about the JSON. Never rows.
      expect([table, String(seen)]).toEqual([table, expect.stringMatching(/^(0|22\w{3})$/)])
    }
  })

  test('of others cannot be changed or removed, only own ones', async () => {
    const before = await digestOf(database.superuser, tables, acme)
    let changed = 0
    for (const table of tables) {
      const [column] = await listColumns(database.superuser, table, 'update', 'scoped')
      if (column === undefined) continue
      const change = (settings: Settings) =>
        scoped(settings, async (sql) => (await sql.query(`update ambit.${table} set ${column} = ${column} where org_id = $1`, [acme])).count)
      expect([table, await change(settingsOf(globexRows()))]).toEqual([table, 0])
      expect([table, await change({})]).toEqual([table, 0])
      expect([table, await change(settingsOf(acmeRows()))]).toEqual([table, expect.toSatisfy((count: number) => count > 0)])
      changed += 1
    }
    expect(changed).toBeGreaterThanOrEqual(5)
    for (const table of ['postings', 'documents', 'idempotency_keys']) {
      const remove = (settings: Settings) =>
        scoped(settings, async (sql) => (await sql.query(`delete from ambit.${table} where org_id = $1`, [acme])).count)
      expect([table, await remove(settingsOf(globexRows()))]).toEqual([table, 0])
      expect([table, await remove({})]).toEqual([table, 0])
      expect([table, await remove(settingsOf(acmeRows()))]).toEqual([table, expect.toSatisfy((count: number) => count > 0)])
    }
    expect(await digestOf(database.superuser, tables, acme)).toBe(before)
  })

  test('cannot be written into another organisation, nor into a project outside the scope', async () => {
    const apollo = settingsOf({ ...acmeRows(), projectIds: [idOf('acme/apollo')] })
    for (const table of tables) {
      const columns = await listColumns(database.superuser, table, 'insert', 'scoped')
      /** A copy of an own row that claims to be of this place. */
      const copyTo = (org: string, project: string) =>
        scoped(apollo, async (sql) => {
          const values = columns.map((column) => ({ org_id: '$1', project_id: '$2' })[column] ?? column)
          await sql.query(`insert into ambit.${table} (${columns.join()}) select ${values.join()} from ambit.${table} limit 1`, [org, project])
          return 'written'
        })
      expect([table, await copyTo(globex, idOf('globex/apollo'))]).toEqual([table, '42501'])
      expect([table, await copyTo(globex, '*')]).toEqual([table, '42501'])
      expect([table, await copyTo(globex, idOf('acme/apollo'))]).toEqual([table, '42501'])
      expect([table, await copyTo(acme, idOf('acme/zephyr'))]).toEqual([table, '42501'])
      expect([table, await copyTo(acme, '*')]).toEqual([table, '42501'])
      // In its own place the same row passes every policy, and only then meets itself. (An event is given its number.)
      expect([table, await copyTo(acme, idOf('acme/apollo'))]).toEqual([table, table === 'events' ? 'written' : '23505'])
    }
  })

  describe('say nothing about foreign ids', () => {
    const insertThread = `insert into ambit.threads (org_id, project_id, id, author_id, alias) values (current_setting('ambit.org_id'), $1, $2, 'same', $3)`
    const insertMessage = `insert into ambit.messages (org_id, project_id, thread_id, id, number, role, author_id)
      values (current_setting('ambit.org_id'), $1, $2, $3, (select max(number) + 1 from ambit.messages), 'user', 'same')`
    const insertRun = `insert into ambit.runs (org_id, project_id, id, thread_id, user_message_id, message_id, author_id, model_id, state,
        node_id, epoch, fence, last_seq, principal, target, context)
      values (current_setting('ambit.org_id'), $1, $2, $3, $4, $5, 'same', 'm', 'completed', 'n', 1, 1, 0, '{}', '{}', '{}')`
    const insertDocument = `insert into ambit.documents (org_id, project_id, id, title, body) values (current_setting('ambit.org_id'), $1, $2, '', '')`

    const insertCall = 'insert into ambit.calls (org_id, project_id, run_id, id, step, place, name, effect, input, state, fence)'
    const insertEvent = `insert into ambit.events (org_id, project_id, kind, thread_id, run_id) values (current_setting('ambit.org_id'), $1, 'told', $2, $3)`
    const insertKey = `insert into ambit.idempotency_keys (org_id, project_id, author_id, request, key, body_hash, run_id)
      values (current_setting('ambit.org_id'), $1, 'same', 'POST /chat', $2, '', $3)`

    /** A message of the own thread that no run answers in yet. */
    const unanswered = 'msg_unanswered'
    beforeAll(() => database.handles.scoped(acmeRows(), (sql) => sql.query(insertMessage, [idOf('acme/apollo'), own.threadId, unanswered])))

    /** Which of the two is used must not be told apart: not by success, not by the error, not by its words. */
    const write = (text: string, values: readonly unknown[]) =>
      scoped(settingsOf(acmeRows()), async (sql) => {
        try {
          return `ok ${(await sql.query(text, values)).count}`
        } catch (error) {
          const { code, message, detail = '', constraint = '' } = error as Error & { code?: string; detail?: string; constraint?: string }
          return values.filter((value) => typeof value === 'string').reduce((words, value) => words.replaceAll(value, '…'), [code, message, detail, constraint].join(' '))
        }
      })

    test('when an own row takes one', async () => {
      const apollo = idOf('acme/apollo')
      const foreignDocument = (await database.handles.scoped(globexRows(), (sql) => sql.query<{ id: string }>('select id from ambit.documents'))).rows[0]?.id
      const pairs: readonly (readonly [string, (id: string) => readonly unknown[], string | undefined])[] = [
        [insertThread, (id) => [apollo, id, null], foreign.threadId],
        [insertThread, (id) => [apollo, newId('thr'), id], foreign.threadId],
        [insertMessage, (id) => [apollo, own.threadId, id], foreign.questionId],
        [insertRun, (id) => [apollo, id, own.threadId, own.questionId, unanswered], foreign.runId],
        [insertDocument, (id) => [apollo, id], foreignDocument],
        [`${insertCall} values (current_setting('ambit.org_id'), $1, $2, $3, 1, 1, '', '', '', 'done', 1)`, (id) => [apollo, own.runId, id], `call_${foreign.runId}`],
        [insertKey, (id) => [apollo, id, null], `key_${foreign.runId}`],
        [insertKey, (id) => [apollo, newId('key'), id], foreign.runId],
      ]
      for (const [text, values, id] of pairs) {
        expect(id).toBeTypeOf('string')
        const [taken, free] = [await write(text, values(id ?? '')), await write(text, values(newId('never')))]
        expect([text, taken, free]).toEqual([text, 'ok 1', 'ok 1'])
      }
    })

    test('when an own row points to one', async () => {
      const apollo = idOf('acme/apollo')
      const pairs: readonly (readonly [string, (id: string) => readonly unknown[], string])[] = [
        [insertMessage, (id) => [apollo, id, newId('msg')], foreign.threadId],
        [insertRun, (id) => [apollo, newId('run'), own.threadId, id, unanswered], foreign.questionId],
        [insertRun, (id) => [apollo, newId('run'), id, own.questionId, unanswered], foreign.threadId],
        [`insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch) values (current_setting('ambit.org_id'), $1, $2, 9, 0, 'n', 1)`, (id) => [apollo, id], foreign.runId],
        [`insert into ambit.read_sets (org_id, project_id, run_id, projects) values (current_setting('ambit.org_id'), $1, $2, '[]')`, (id) => [apollo, id], foreign.runId],
        [`insert into ambit.steps (org_id, project_id, run_id, number, fence, finish_reason, usage) values (current_setting('ambit.org_id'), $1, $2, 9, 1, '', '')`, (id) => [apollo, id], foreign.runId],
        [`${insertCall} values (current_setting('ambit.org_id'), $1, $2, 'c', 1, 1, '', '', '', 'done', 1)`, (id) => [apollo, id], foreign.runId],
        [insertEvent, (id) => [apollo, id, null], foreign.threadId],
        [insertEvent, (id) => [apollo, own.threadId, id], foreign.runId],
        [`insert into ambit.frames (org_id, project_id, run_id, first_seq, last_seq, text) values (current_setting('ambit.org_id'), $1, $2, 9, 9, '')`, (id) => [apollo, id], foreign.runId],
        [`insert into ambit.message_contents (org_id, project_id, thread_id, message_id, run_id, parts) values (current_setting('ambit.org_id'), $1, $2, $3, null, '')`, (id) => [apollo, id, own.questionId], foreign.threadId],
        [`insert into ambit.postings (org_id, project_id, document_id, lexeme, weight) values (current_setting('ambit.org_id'), $1, $2, 'word', 1)`, (id) => [apollo, id], foreign.threadId],
      ]
      for (const [text, values, id] of pairs) {
        const [taken, free] = [await write(text, values(id)), await write(text, values(newId('never')))]
        expect([text, taken]).toEqual([text, free])
        expect([text, taken]).toEqual([text, expect.stringMatching(/^(42501|23503)/)])
      }
    })

    test('nor about ids of a private thread in the same project', async () => {
      const apollo = idOf('acme/apollo')
      const pairs: readonly (readonly [string, (answer: PlantedAnswer) => readonly unknown[]])[] = [
        [insertMessage, ({ threadId }) => [apollo, threadId, newId('msg')]],
        [insertRun, ({ threadId, questionId, answerId }) => [apollo, newId('run'), threadId, questionId, answerId]],
        [insertEvent, ({ threadId }) => [apollo, threadId, null]],
        [insertEvent, ({ threadId, runId }) => [apollo, threadId, runId]],
        [insertEvent, ({ runId }) => [apollo, own.threadId, runId]],
        [`${insertCall} values (current_setting('ambit.org_id'), $1, $2, 'c', 1, 1, '', '', '', 'done', 1)`, ({ runId }) => [apollo, runId]],
      ]
      const never = { threadId: newId('thr'), questionId: newId('msg'), answerId: newId('msg'), runId: newId('run') }
      for (const [text, values] of pairs) {
        const [taken, free] = [await write(text, values(secret)), await write(text, values(never))]
        expect([text, taken]).toEqual([text, free])
        expect([text, taken]).toEqual([text, expect.stringMatching(/^(42501|23503)/)])
      }
      // Where the thread is the writer's to see, both go in.
      expect(await write(insertMessage, [apollo, own.threadId, newId('msg')])).toBe('ok 1')
      expect(await write(insertRun, [apollo, newId('run'), own.threadId, own.questionId, unanswered])).toBe('ok 1')
      expect(await write(insertEvent, [apollo, own.threadId, null])).toBe('ok 1')
      expect(await write(insertEvent, [apollo, own.threadId, own.runId])).toBe('ok 1')
      // Another person's key of the same name in the same place is not in the way.
      expect(await write(insertKey, [apollo, `key_${secret.runId}`, secret.runId])).toBe('ok 1')
    })
  })

  test('an event is given its number and its time: whoever chose them could hide what comes after', async () => {
    const values = `values ('${acme}', '${idOf('acme/apollo')}', 'told', '${own.threadId}', $1)`
    for (const column of ['number', 'at']) {
      const told = await scoped(settingsOf(acmeRows()), (sql) =>
        sql.query(`insert into ambit.events (org_id, project_id, kind, thread_id, ${column}) overriding system value ${values}`, [column === 'at' ? '2999-01-01' : '1']))
      expect([column, told]).toEqual([column, '42501'])
    }
  })

  test('a run is what hides its rows: who sees no run sees nothing that was said in it', async () => {
    const reader = { ...acmeRows(), userId: 'reader' }
    for (const table of ['runs', 'claims', 'read_sets', 'steps', 'frames', 'calls', 'events']) {
      const column = table === 'runs' ? 'id' : 'run_id'
      const seen = (runId: string) => database.handles.scoped(reader, (sql) => countRows(sql, `ambit.${table} where ${column} = $1`, [runId]))
      expect([table, await seen(secret.runId)]).toEqual([table, 0])
      expect([table, await seen(own.runId)]).toEqual([table, 1])
    }
  })
})
