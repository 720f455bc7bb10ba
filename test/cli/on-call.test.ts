import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { operatorWork } from '../../src/lib/cli/operator-work.ts'
import { runCommand } from '../../src/lib/cli/run-command.ts'
import { settingsOf } from '../../src/lib/cli/settings.ts'
import { tellRuns } from '../../src/lib/cli/tell-runs.ts'
import { tellStory } from '../../src/lib/cli/tell-story.ts'
import { troublesOf } from '../../src/lib/cli/trouble.ts'
import { STORY, UNENDED } from '../../src/lib/cli/on-call-work.ts'
import type { Story, Unended } from '../../src/lib/cli/on-call-work.ts'
import type { Sql } from '../../src/lib/store/database.ts'
import type { Handles, OperatorSql } from '../../src/lib/store/handles.ts'
import { databaseKinds } from '../support/databases.ts'
import type { DatabaseKind, TestDatabase } from '../support/databases.ts'
import { OWNER, urlOf } from '../support/templates.ts'
import { newDirectory } from './ambit.ts'

const WALL_MS = 15 * 60_000

/** How a run stands, with its times as seconds ago. Absent: as one that was begun just now and goes its way. */
interface Planted {
  readonly org?: string
  readonly project?: string
  readonly thread?: string
  readonly state?: 'queued' | 'running' | 'completed' | 'failed'
  readonly node?: string
  readonly created?: number
  readonly started?: number
  readonly claimed?: number
  readonly ended?: number
  readonly stopAsked?: number
  readonly takeovers?: number
  readonly number?: number
  readonly errorCode?: string
}

/** The node `clock` says when all was planted. */
const NODES = `insert into ambit.nodes (id, epoch, expires_at) values
  ('clock', 1, now()), ('alive', 1, now() + interval '1 hour'), ('dead', 1, now() - interval '30 seconds'), ('fresh', 1, now() - interval '3 seconds'), ('reborn', 2, now() + interval '1 hour')`

/** Makes every time as long ago as it was when it was planted, and goes on as the operator: a test may stand still in between. */
const AS_PLANTED = `
  do $$ declare shift constant interval := now() - (select expires_at from ambit.nodes where id = 'clock'); begin
    update ambit.runs set created_at = created_at + shift, started_at = started_at + shift, ended_at = ended_at + shift, stop_requested_at = stop_requested_at + shift;
    update ambit.claims set claimed_at = claimed_at + shift;
    update ambit.nodes set expires_at = expires_at + shift;
  end $$;
  set local role ambit_operator`

/** Every text that a person, a model or a tool could have said holds the canary. */
async function plant(sql: Sql, id: string, planted: Planted = {}): Promise<void> {
  const { org = 'acme_id', project = '*', thread = `thread-of-${id}`, state = 'running', node = 'alive', created = 1, started = created, claimed = started } = planted
  const { ended, stopAsked, takeovers = 0, number = 2, errorCode } = planted
  const ago = (seconds: number | undefined) => (seconds === undefined ? 'null' : `now() - interval '${seconds} seconds'`)
  const place = `'${org}', '${project}'`
  await sql.script(`
    insert into ambit.threads (org_id, project_id, id, author_id, title) values (${place}, '${thread}', 'ada', 'CNRY title') on conflict do nothing;
    insert into ambit.messages (org_id, project_id, thread_id, id, number, role, author_id) values
      (${place}, '${thread}', 'q-${id}', ${number * 10}, 'user', 'ada'), (${place}, '${thread}', 'a-${id}', ${number * 10 + 1}, 'assistant', 'ada');
    insert into ambit.runs (org_id, project_id, id, thread_id, user_message_id, message_id, author_id, model_id, state, error_code, stop_requested,
        stop_requested_at, node_id, epoch, fence, last_seq, number, principal, target, context, about, created_at, started_at, ended_at)
      values (${place}, '${id}', '${thread}', 'q-${id}', 'a-${id}', 'ada', 'offline', '${state}', ${errorCode ? `'${errorCode}'` : 'null'},
        ${stopAsked !== undefined}, ${ago(stopAsked)}, '${node}', 1, ${takeovers + 1}, 7, ${number}, '"CNRY principal"', '"CNRY target"', '"CNRY context"',
        '["CNRY about"]', ${ago(created)}, ${ago(started)}, ${ago(ended)});
    insert into ambit.claims (org_id, project_id, run_id, fence, base, node_id, epoch, reason, claimed_at)
      select ${place}, '${id}', f, 0, '${node}', 1, case f when 1 then 'opened' else 'takeover' end, ${ago(claimed)} from generate_series(1, ${takeovers + 1}) f`)
}

async function plantWorld(sql: Sql): Promise<void> {
  await sql.script(`${NODES};
    insert into ambit.organisations (id, slug, name) values ('acme_id', 'acme', 'Acme'), ('globex_id', 'globex', 'Globex');
    insert into ambit.projects (org_id, id, slug, name, visibility) values ('acme_id', 'apollo_id', 'apollo', 'Apollo', 'organisation')`)
  await plant(sql, 'dead-node', { node: 'dead', created: 900, started: 600, project: 'apollo_id' })
  await plant(sql, 'forgotten-node', { node: 'gone', created: 800, claimed: 700 })
  await plant(sql, 'earlier-life', { node: 'reborn', created: 100, claimed: 50 })
  await plant(sql, 'just-lost', { node: 'fresh', created: 90 })
  await plant(sql, 'healthy', { created: 60, started: 60, claimed: 60 })
  await plant(sql, 'in-line', { state: 'queued', node: '', thread: 'thread-of-healthy', number: 3, created: 50 })
  await plant(sql, 'second-in-line', { state: 'queued', node: '', thread: 'thread-of-healthy', number: 4, created: 49 })
  await plant(sql, 'unheard', { stopAsked: 6, created: 40 })
  await plant(sql, 'just-asked', { stopAsked: 2, created: 39 })
  await plant(sql, 'first-in-line', { state: 'queued', node: '', created: 30, org: 'globex_id' })
  await plant(sql, 'before', { state: 'completed', thread: 'thread-of-next', ended: 2, created: 29 })
  await plant(sql, 'next', { state: 'queued', node: '', number: 3, created: 28, thread: 'thread-of-next' })
  await plant(sql, 'tossed', { takeovers: 4, created: 20 })
  await plant(sql, 'handed-over', { takeovers: 3, created: 19 })
  await plant(sql, 'overdue', { created: 960 })
  await plant(sql, 'of-a-host', { org: 'host_org', project: 'host_project', created: 1 })
  await plant(sql, 'of-before-0003', { state: 'completed', created: 120, started: 10, ended: 110 })
  await plant(sql, 'failed', { state: 'failed', errorCode: 'scope_changed', ended: 5, created: 10 })
  await plant(sql, 'unanswered', { state: 'failed', errorCode: 'model_idle', ended: 5, created: 10 })
  await sql.script(`
    insert into ambit.read_sets (org_id, project_id, run_id, projects) values ('acme_id', '*', 'unheard', '["CNRY read"]');
    insert into ambit.message_contents (org_id, project_id, thread_id, message_id, run_id, parts) values ('acme_id', '*', 'thread-of-unheard', 'a-unheard', 'unheard', 'CNRY parts');
    insert into ambit.frames (org_id, project_id, run_id, first_seq, last_seq, text) values ('acme_id', '*', 'unheard', 1, 7, 'CNRY frames');
    insert into ambit.steps (org_id, project_id, run_id, number, fence, finish_reason, usage)
      values ('acme_id', '*', 'unheard', 1, 1, 'tool-calls', '{"inputTokens":{"total":1200},"outputTokens":{},"raw":"CNRY usage"}');
    insert into ambit.calls (org_id, project_id, run_id, id, step, place, name, effect, input, state, fence, outcome, claimed_at, settled_at) values
      ('acme_id', '*', 'unheard', 'call_1', 1, 1, 'find_orders', 'read', 'CNRY input', 'done', 1, 'CNRY outcome', now(), now()),
      ('acme_id', '*', 'unheard', 'call_2', 1, 2, 'send_mail', 'write', 'CNRY input', 'unknown', 1, 'CNRY outcome', now(), now()),
      ('acme_id', '*', 'unheard', 'call_3', 2, 1, 'book_flight', 'write', 'CNRY input', 'claimed', 1, null, now(), null)`)
}

/** Those that would need somebody if nobody did anything for seconds. */
const BORDERLINE = ['just-lost', 'just-asked', 'next']

const STUCK = ['overdue', 'dead-node', 'forgotten-node', 'earlier-life', 'unheard', 'first-in-line', 'tossed']

describe.each(databaseKinds)('on $name, the operator', (kind: DatabaseKind) => {
  let database: TestDatabase
  beforeAll(async () => {
    database = await kind.create()
    await database.superuser.transaction('', plantWorld)
  })
  afterAll(() => database.drop())

  const operator: Handles['operator'] = (then) =>
    database.superuser.transaction('', async (sql) => {
      await sql.script(AS_PLANTED)
      return then(sql as OperatorSql)
    })
  const work = (name: string, body: unknown, served = true) => operatorWork({ handles: { operator }, newId: (what) => what, served })(name, body)
  const look = async (org: string | null = null, served = true) => UNENDED.answer.parse(await work('runs', { org }, served))
  const story = async (run: string): Promise<Story> => STORY.answer.parse(await work('why', { run }))
  const codesOf = ({ runs }: Unended) => Object.fromEntries(runs.map((run) => [run.id, troublesOf(run, WALL_MS).map(({ code }) => code)]))

  test('sees the runs that have not ended, of every organisation, the oldest first', async () => {
    const { runs, nodes } = await look()
    expect(nodes).toBe(2)
    expect(runs.map(({ id }) => id)).toEqual([
      'overdue', 'dead-node', 'forgotten-node', 'earlier-life', 'just-lost', 'healthy', 'in-line', 'second-in-line', 'unheard', 'just-asked', 'first-in-line', 'next', 'tossed',
      'handed-over', 'of-a-host',
    ])
    const at = (id: string) => runs.find((run) => run.id === id)
    expect([at('dead-node'), at('healthy'), at('of-a-host')].map((run) => [run?.org, run?.project])).toEqual([['acme', 'apollo'], ['acme', null], ['host_org', 'host_project']])
    expect([at('in-line')?.behind, at('second-in-line')?.behind, at('next')?.behind]).toEqual(['healthy', 'in-line', null])
    expect(tellRuns(runs, WALL_MS)).toMatch(/^ {2}healthy +acme +thread-of-healthy +running +alive +holds +60 s +60 s ago +0 +–$/m)
  })

  test.each([['globex'], ['globex_id']])('sees those of one organisation, by slug and by id: %s', async (org) => {
    expect((await look(org)).runs.map(({ id }) => id)).toEqual(['first-in-line'])
    expect((await look('nobody')).runs).toEqual([])
  })

  test('is told which of them need somebody, and which go their way', async () => {
    const codes = codesOf(await look())
    expect(codes).toEqual({
      overdue: ['overdue'], 'dead-node': ['undriven'], 'forgotten-node': ['undriven'], 'earlier-life': ['undriven'], 'just-lost': [], healthy: [], 'in-line': [],
      'second-in-line': [], unheard: ['unstopped'], 'just-asked': [], 'first-in-line': ['unstarted'], next: [], tossed: ['tossed'], 'handed-over': [], 'of-a-host': [],
    })
    expect(Object.keys(codes).filter((id) => codes[id]?.length)).toEqual(STUCK)
  })

  test('knows that nothing is driven where this process holds the database', async () => {
    const { runs, nodes } = await look(null, false)
    expect(nodes).toBe(0)
    expect(runs.filter(({ state, leased }) => state === 'running' && leased)).toEqual([])
    expect(codesOf({ ok: true, nodes, runs })['healthy']).toEqual(['undriven'])
  })

  test('reads the story of one run: claims, steps, calls, how it stands, what to do', async () => {
    const told = tellStory(await story('unheard'), WALL_MS)
    expect(told).toMatch(/^Run unheard in acme, thread thread-of-unheard\nAsked for by ada at \d{4}-.+Z, of the model offline\n/)
    expect(told).toMatch(/^ {2}1 +0 +opened +alive +\d{4}-/m)
    expect(told).toMatch(/^ {2}1 +1 +tool-calls +1200 in, \? out +\d{4}-/m)
    expect(told).toMatch(/^ {2}1 +find_orders +read +done +\d{4}-\S+ +\d{4}-\S+$/m)
    expect(told).toMatch(/^ {2}2 +book_flight +write +claimed +\d{4}-\S+ +–$/m)
    expect(told).toContain('\nNow\n  Node alive drives it (for 40 s), ')
    expect(told).toContain('  It waits for the tool book_flight, in step 2.\n')
    expect(told).toMatch(/\nWhat to do\n {2}It was asked to stop 6 s ago, and has not\. Look at the log of node alive: /)
    expect(told).toContain('  The call call_2 of send_mail may have happened or not: ')
  })

  test.each([
    ['dead-node', /\nNow\n {2}Nobody drives it \(for 30 s\): the lease of node dead, which had it, has ended\.\n {2}It is at the model call of step 1\.\n\nWhat to do\n {2}Nobody has driven it for 30 s\. Any node takes it over/],
    ['in-line', /\nNow\n {2}It waits for run healthy in its thread\.\n\nWhat to do\n {2}Nothing: it goes its way\.\n$/],
    ['healthy', /\nWhat to do\n {2}Nothing: it goes its way\. \(A node that has died since is found out when its lease ends: look again in 10 s\.\)\n$/],
    ['first-in-line', /\nNow\n {2}It is the first of its queue, and may begin \(for 30 s\)\.\n/],
    ['tossed', /^ {2}5 +0 +takeover +alive +/m],
    ['before', /\nNow\n {2}It ended at \S+: completed\.\n\nWhat to do\n {2}Nothing: it has ended\.\n$/],
    ['failed', /\nNow\n {2}It ended at \S+: failed \(scope_changed\)\.\n\nWhat to do\n {2}Who asked may no longer do so there: .+ has it as `lost`\. .+\n {2}The lines of the log with "run_id":"failed" hold the cause\.\n$/],
    ['unanswered', /\nWhat to do\n {2}Its provider fell silent /],
    ['of-a-host', /^Run of-a-host in host_org\/host_project, /],
  ])('of %s', async (id, expected) => {
    expect(tellStory(await story(id), WALL_MS)).toMatch(expected)
  })

  test('where nothing drives answers, and says once what to start', async () => {
    const told = tellStory({ ...(await story('dead-node')), nodes: 0 }, WALL_MS)
    expect(told).toMatch(/\nWhat to do\n {2}Nothing drives answers on this database: start a node, or a worker\.\n$/)
  })

  test('of one that had ended before its start was written down, and so began with its end at the latest', async () => {
    const { run } = await story('of-before-0003')
    expect(run.started_at).toBe(run.ended_at)
    expect(run.driven_ms).toBeGreaterThan(100_000)
  })

  test('finds no run that is not there', async () => {
    expect(await work('why', { run: 'run_nothing' })).toMatchObject({ ok: false, code: 'not_found', detail: expect.stringContaining('There is no run "run_nothing"') as string })
    expect(await work('why', {})).toMatchObject({ ok: false, code: 'malformed' })
  })

  test('reads no word of what was said, and could not', async () => {
    const all = await look()
    const one = await story('unheard')
    expect(one).toMatchObject({ steps: [{ input_tokens: 1200, output_tokens: null }], calls: [{ name: 'find_orders' }, { name: 'send_mail' }, { name: 'book_flight' }] })
    expect(JSON.stringify([all, one]) + tellStory(one, WALL_MS) + tellRuns(all.runs, WALL_MS)).not.toContain('CNRY')
    const reads = [
      'select input from ambit.calls', 'select outcome from ambit.calls', 'select context from ambit.runs', 'select principal from ambit.runs', 'select target from ambit.runs',
      'select about from ambit.runs', 'select title from ambit.threads', 'select parts from ambit.message_contents', 'select text from ambit.frames',
      'select content from ambit.manifests', 'select projects from ambit.read_sets', 'select * from ambit.runs', 'select * from ambit.calls', 'select body from ambit.documents',
    ]
    const refused = await Promise.all(reads.map((text) => database.handles.operator((sql) => sql.query(text)).then(() => text, (error: { code: string }) => error.code)))
    expect(refused).toEqual(reads.map(() => '42501'))
  })
})

const postgres = databaseKinds.find(({ name }) => name === 'PostgreSQL')

describe.skipIf(!postgres)('the commands, as the owner of a PostgreSQL', () => {
  let database: TestDatabase
  beforeAll(async () => {
    if (!postgres) throw new Error('There is no PostgreSQL.')
    database = await postgres.create()
    await database.superuser.transaction('', async (sql) => {
      await plantWorld(sql)
      await sql.query('delete from ambit.runs where id = any($1::text[])', [BORDERLINE])
    })
  })
  afterAll(() => database.drop())

  async function command(line: string, environment: Record<string, string> = { AMBIT_DATABASE_OWNER_URL: urlOf(inject('postgresUrl'), new URL(String(database.source)).pathname.slice(1), OWNER) }) {
    const said = { out: '', err: '' }
    const code = await runCommand(line.split(' '), {
      terminal: { out: (text) => (said.out += text), err: (text) => (said.err += text), logs: process.stderr, interactive: false, color: false },
      version: '0',
      settings: () => settingsOf(environment),
      newId: (kind) => kind,
      listen: () => expect.unreachable('nothing is served'),
    })
    return { code, ...said }
  }

  test('runs lists; runs --stuck lists what needs somebody, says what to do, and ends with 3', async () => {
    const [all, stuck] = await Promise.all([command('runs'), command('runs --stuck')])
    expect(all).toMatchObject({ code: 0, err: '2 nodes live on this database.\n' })
    expect(stuck.code).toBe(3)
    expect([...stuck.out.matchAll(/^ {2}(\S+) +(?:acme|globex)/gm)].map(([, id]) => id)).toEqual(STUCK)
    expect([...stuck.out.matchAll(/^ {4}! /gm)]).toHaveLength(STUCK.length)
    expect(stuck.out).toContain('    ! nobody has driven it for ')
  })

  test('runs --stuck ends with 0 where nothing is, and takes another wall', async () => {
    expect(await command('runs --stuck --org nobody')).toMatchObject({ code: 0, out: 'Nothing is stuck.\n' })
    expect(await command('runs --org nobody')).toMatchObject({ code: 0, out: 'Nothing runs.\n' })
    expect((await command('runs --stuck --wall 60')).out).not.toContain('overdue')
    expect(await command('runs --wall soon')).toMatchObject({ code: 1, err: '--wall is "soon": it must be a whole number of minutes.\n' })
  })

  test('--json is for scripts', async () => {
    const { code, out } = await command('runs --stuck --json')
    const told = JSON.parse(out) as { nodes: number; runs: { id: string; troubles: { code: string }[] }[] }
    expect({ code, nodes: told.nodes, ids: told.runs.map(({ id }) => id), first: told.runs[1]?.troubles[0]?.code }).toEqual({ code: 3, nodes: 2, ids: STUCK, first: 'undriven' })
    expect(JSON.parse((await command('why dead-node --json')).out)).toMatchObject({ run: { id: 'dead-node' }, claims: [{ reason: 'opened' }], troubles: [{ code: 'undriven' }] })
  })

  test('why tells one, or that there is none', async () => {
    expect(await command('why unheard')).toMatchObject({ code: 0, out: expect.stringMatching(/^Run unheard in acme, /) as string, err: '' })
    expect(await command('why run_nothing')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('There is no run "run_nothing"') as string })
  })

  test('without an owner, or a database, they say what is missing', async () => {
    const AMBIT_DIRECTORY = newDirectory()
    expect(await command('runs', { AMBIT_DATABASE_URL: String(database.source) })).toMatchObject({ code: 1, err: expect.stringContaining('set AMBIT_DATABASE_OWNER_URL') as string })
    expect(await command('why x', { AMBIT_DIRECTORY })).toMatchObject({ code: 1, err: expect.stringContaining(`There is no database in ${AMBIT_DIRECTORY}/ yet`) as string })
    expect(readdirSync(AMBIT_DIRECTORY)).toEqual([])
  })
})
