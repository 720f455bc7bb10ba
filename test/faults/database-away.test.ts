import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { openHandles } from '../../src/lib/store/handles.ts'
import type { Database } from '../../src/lib/store/database.ts'
import { APOLLO, parseStream, question, readStream, said, send, startAmbit } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { expectSound } from '../support/grammar.ts'
import { startOwnPostgres } from '../support/postgres-server.ts'
import type { PostgresServer } from '../support/postgres-server.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, logged, must, post, readRest, readUntil, useStage } from '../support/stage.ts'
import { APP, TEMPLATE_DATABASE, preparePostgres, urlOf } from '../support/templates.ts'
import { plantWorld } from '../support/world.ts'

const postgres = databaseKinds.filter(({ name }) => name === 'PostgreSQL')

async function health(ambit: Ambit, name: 'live' | 'ready'): Promise<number> {
  return (await ambit.fetch(new Request(`http://ambit.test/health/${name}`))).status
}

const UNAVAILABLE = {
  type: 'urn:ambit:problem:unavailable',
  title: 'Not available at the moment',
  status: 503,
  code: 'unavailable',
  detail: 'The database does not answer at the moment. Send the same request again in a few seconds.',
  retry_after: 5,
  request_id: expect.any(String) as string,
}

/** Refused for a while, and nothing of the cause is told. */
async function expectUnavailable(asked: Promise<Response>): Promise<void> {
  const response = await asked
  expect([response.status, response.headers.get('retry-after'), await response.json()]).toEqual([503, '5', UNAVAILABLE])
}

describe.each(postgres)('a database that is away, on $name', (kind) => {
  const stage = useStage(kind)

  function urlOfStage(): string {
    const { source } = stage.database
    if (typeof source !== 'string') throw new Error('A PostgreSQL URL was expected.')
    return source
  }

  async function proxied(): Promise<{ proxy: FaultProxy; store: string }> {
    const proxy = await startFaultProxy(urlOfStage())
    onTestFinished(() => proxy.close())
    return { proxy, store: proxy.through(urlOfStage()) }
  }

  const threads = (ambit: Ambit) => send(ambit, stage.world, 'bob', `${APOLLO}/threads`)
  const chat = (ambit: Ambit, thread: string) => send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(thread, 'Go on.', `m-${thread}`) })

  test('refuses: alive and not ready, requests are told to come back, and it goes on by itself', async () => {
    const { proxy, store } = await proxied()
    const { ambit, lines } = stage.start({ store, model: scriptedModel(says('Now.')) })
    expect((await threads(ambit)).status).toBe(200)
    await proxy.refuse()
    for (let turn = 0; turn < 3; turn += 1) {
      expect([await health(ambit, 'live'), await health(ambit, 'ready')]).toEqual([200, 503])
      await expectUnavailable(threads(ambit))
      await expectUnavailable(chat(ambit, freshThread()))
    }
    expect(await logged(lines, 'request refused: the database is away')).toMatchObject({ route: `GET /v1/orgs/:org/projects/:project/threads` })
    await proxy.pass()
    expect([await health(ambit, 'live'), await health(ambit, 'ready')]).toEqual([200, 200])
    expect(said((await readStream(await chat(ambit, freshThread()))).chunks)).toBe('Now.')
  })

  test('from the beginning: it is opened when it is there', async () => {
    const { proxy, store } = await proxied()
    await proxy.refuse()
    const { ambit } = stage.start({ store, model: scriptedModel(says('Now.')) })
    expect([await health(ambit, 'live'), await health(ambit, 'ready')]).toEqual([200, 503])
    await expectUnavailable(threads(ambit))
    await proxy.pass()
    expect(await health(ambit, 'ready')).toBe(200)
    expect((await threads(ambit)).status).toBe(200)
  })

  test('says nothing: no request and no check waits for ever, and no silent connection is used again', async () => {
    const { proxy, store } = await proxied()
    const { ambit } = stage.start({ store, connections: 1, model: scriptedModel(says('Now.')) })
    // A host's pool has no bound where the host gave it none: without Ambit's, a request would wait for it for ever.
    const pool = new pg.Pool({ connectionString: store, max: 1 }).on('error', () => {})
    onTestFinished(() => pool.end())
    const { ambit: hosted } = stage.start({ store: pool, model: scriptedModel(says('Now.')) })
    for (const one of [ambit, hosted]) expect((await threads(one)).status).toBe(200)
    proxy.hang()
    const begun = performance.now()
    // Each takes the one connection, which says nothing; the requests wait behind it.
    const checks = [ambit, hosted].map((one) => health(one, 'ready'))
    const requests = [threads(ambit), threads(ambit), threads(hosted), threads(hosted)].map(expectUnavailable)
    expect(await Promise.all(checks)).toEqual([503, 503])
    expect(performance.now() - begun).toBeLessThan(8_000) // 5 s, where a statement has 10
    await Promise.all(requests)
    expect(await health(ambit, 'live')).toBe(200)
    await proxy.pass()
    await vi.waitFor(async () => expect(await health(ambit, 'ready')).toBe(200), { timeout: 20_000, interval: 200 })
    expect((await threads(ambit)).status).toBe(200)
    // The host's pool may be opening a connection that will never be one: it ends when the other side does.
    await proxy.refuse()
  }, 60_000)

  test('ends connections, idle and in mid-statement: the next request has a new one', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Now.')) })
    expect((await threads(ambit)).status).toBe(200)
    await endBackends(stage.database.superuser)
    await vi.waitFor(async () => expect((await threads(ambit)).status).toBe(200))

    const waiting = await locked(stage.database, 'threads')
    const asked = expectUnavailable(threads(ambit))
    await waiting.untilBlocked()
    await endBackends(stage.database.superuser)
    await asked
    await waiting.release()
    await vi.waitFor(async () => expect((await threads(ambit)).status).toBe(200))
  })

  test('is locked by somebody for too long: told to come back', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Now.')) })
    expect((await threads(ambit)).status).toBe(200)
    const waiting = await locked(stage.database, 'threads')
    await expectUnavailable(threads(ambit))
    await waiting.release()
    expect((await threads(ambit)).status).toBe(200)
  })

  test('has no connection left for us', async () => {
    const name = new URL(urlOfStage()).pathname.slice(1)
    const limit = (connections: number) => stage.database.superuser.transaction('', (sql) => sql.script(`alter database ${name} connection limit ${connections}`))
    const { ambit } = stage.start({ model: scriptedModel(says('Now.')) })
    await limit(0)
    onTestFinished(() => limit(-1))
    await endBackends(stage.database.superuser) // a pooler's
    await expectUnavailable(threads(ambit))
    expect(await health(ambit, 'ready')).toBe(503)
    await limit(-1)
    await vi.waitFor(async () => expect(await health(ambit, 'ready')).toBe(200), { timeout: 20_000, interval: 200 })
  }, 60_000)

  test('goes in mid-answer, and comes back: the answer waits for it, and is whole', async () => {
    const { proxy, store } = await proxied()
    const waiting = gate()
    const running = stage.start({ store, model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)], says('Now.')) })
    const thread = freshThread()
    const reader = must((await post(stage, running.ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    await proxy.refuse()
    waiting.open()
    await expectUnavailable(threads(running.ambit))
    await proxy.pass()
    const streamed = parseStream(early + (await readRest(reader)))
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('Half, whole.')
    await expectStoredOnce(stage.database, thread)
    expect(said((await readStream(await post(stage, running.ambit, { thread, text: 'And now?' }))).chunks)).toBe('Now.')
  })

  // From the first message of a request to the last of its run: whatever was lost, the same request again finds one whole answer.
  test.each(['question', 'answer'] as const)('is cut off at each message, its %s lost: never half a thing, never a thing twice', async (lose) => {
    const { proxy, store } = await proxied()
    const { ambit } = stage.start({ store, connections: 1, model: scriptedModel(says('Once.')) })
    await ambit.start()
    const outcomes = new Set<string>()
    for (let message = 1, beyond = false; !beyond; message += 1) {
      const thread = freshThread()
      const before = proxy.messages
      proxy.cutAt(message, lose)
      outcomes.add(await outcomeOf(await chat(ambit, thread)))
      beyond = proxy.messages - before < message
      await skipSettling(stage.database)
      const again = await vi.waitFor(async () => {
        const response = await chat(ambit, thread)
        expect(response.status).toBe(200)
        return response
      })
      expectSound(await readStream(again))
      await expectStoredOnce(stage.database, thread)
      expect(message).toBeLessThan(100)
    }
    expect([...outcomes].toSorted()).toEqual(['200 whole', '503 unavailable', ...(outcomes.has('200 broken off') ? ['200 broken off'] : [])].toSorted())
  }, 120_000)
})

/** A whole answer, a broken one (never a short one that looks whole), or a refusal that says when to come back. */
async function outcomeOf(response: Response): Promise<string> {
  if (response.status !== 200) {
    await expectUnavailable(Promise.resolve(response))
    return '503 unavailable'
  }
  const streamed = await readStream(response).catch(() => null)
  if (streamed) expectSound(streamed)
  return streamed ? '200 whole' : '200 broken off'
}

/** A run whose opening was committed without word is found by a sweep, half a minute later: here, by the next one. */
async function skipSettling({ superuser }: TestDatabase): Promise<void> {
  await superuser.transaction('', (sql) => sql.query("update ambit.claims set claimed_at = now() - interval '1 hour'"))
}

/** One user message, one answer, one run, and that has ended with one terminal chunk. */
async function expectStoredOnce({ superuser }: TestDatabase, alias: string): Promise<void> {
  const rows = async (text: string) => (await superuser.transaction('', (sql) => sql.query<Record<string, unknown>>(text, [alias]))).rows
  const inThread = 'join ambit.threads t on t.org_id = x.org_id and t.project_id = x.project_id and t.id = x.thread_id where t.alias = $1'
  expect(await rows(`select x.role from ambit.messages x ${inThread} order by x.number`)).toEqual([{ role: 'user' }, { role: 'assistant' }])
  const runs = await rows(`select x.id, x.state from ambit.runs x ${inThread}`)
  expect(runs).toEqual([{ id: expect.any(String) as string, state: expect.stringMatching(/^(completed|failed)$/) as string }])
  const frames = await rows(
    `select f.text from ambit.frames f join ambit.runs x on x.org_id = f.org_id and x.project_id = f.project_id and x.id = f.run_id ${inThread} order by f.first_seq`)
  expectSound(parseStream(`${frames.map((row) => row['text']).join('')}data: [DONE]\n\n`))
}

async function endBackends(superuser: Database): Promise<void> {
  await superuser.transaction('', (sql) =>
    sql.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and usename = $1', [APP.user]))
}

/** A table that somebody else holds. */
async function locked({ superuser }: TestDatabase, table: string) {
  const released = gate()
  const taken = gate()
  const held = superuser.transaction('', async (sql) => {
    await sql.script(`lock table ambit.${table} in access exclusive mode`)
    taken.open()
    await released.opened
  })
  await taken.opened
  return {
    async untilBlocked() {
      await vi.waitFor(async () => {
        const { rows } = await superuser.transaction('', (sql) =>
          sql.query('select pid from pg_stat_activity where datname = current_database() and usename = $1 and wait_event_type = $2', [APP.user, 'Lock']))
        expect(rows).not.toEqual([])
      })
    },
    async release() {
      released.open()
      await held
    },
  }
}

const own = inject('postgresUrl') === '' || process.env['AMBIT_TEST_POSTGRES_URL'] ? [] : ['PostgreSQL']

describe.each(own)('a server that crashes and comes back, on %s', () => {
  let server: PostgresServer | null = null
  let superuser: Database
  beforeAll(async () => {
    server = await startOwnPostgres({ durable: true })
    const { url } = must(server)
    await preparePostgres(url)
    superuser = connect(urlOf(url, TEMPLATE_DATABASE), () => {})
  })
  afterAll(async () => {
    await superuser.close()
    await server?.stop()
  })

  test('takes all connections with it, and a run in course ends once', async () => {
    const { url } = must(server)
    const source = urlOf(url, TEMPLATE_DATABASE, APP)
    const world = await plantWorld(openHandles(superuser))
    const database: TestDatabase = { source, superuser, handles: openHandles(superuser), drop: async () => {} }
    const waiting = gate()
    const { ambit, lines } = startAmbit(database, { model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)], says('Now.')) })
    onTestFinished(() => ambit.close({ graceMs: 0 }))
    const chat = (thread: string, text: string) => send(ambit, world, 'bob', `${APOLLO}/chat`, { body: question(thread, text) })
    const reader = must((await chat('crashed', 'Go on.')).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    // One backend that dies takes the shared memory with it: the server ends all others and starts again.
    const { rows } = await superuser.transaction('', (sql) =>
      sql.query<{ pid: number }>('select pid from pg_stat_activity where usename = $1 limit 1', [APP.user]))
    process.kill(must(rows[0]).pid, 'SIGKILL')
    waiting.open()
    await vi.waitFor(async () => expect(await health(ambit, 'ready')).toBe(200), { timeout: 20_000, interval: 100 })
    const streamed = parseStream(early + (await readRest(reader)))
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('Half, whole.')
    await vi.waitFor(() => expectStoredOnce(database, 'crashed'))
    expect(said((await readStream(await chat('crashed', 'And now?'))).chunks)).toBe('Now.')
    expect(lines.filter((line) => line.msg === 'request failed')).toEqual([])
  }, 60_000)
})
