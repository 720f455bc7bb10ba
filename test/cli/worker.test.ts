import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { checkedFetch } from '../support/check-answers.ts'
import { parseStream, question, said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { heldUpstream } from '../support/held-upstream.ts'
import type { HeldUpstream } from '../support/held-upstream.ts'
import { readUntil } from '../support/stage.ts'
import { plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import { newDirectory, startAmbit } from './ambit.ts'
import type { Started } from './ambit.ts'

const INDEX = new URL('../../src/index.ts', import.meta.url).href
const postgres = databaseKinds.find(({ name }) => name === 'PostgreSQL')

describe.skipIf(!postgres)('a worker', () => {
  let database: TestDatabase
  let world: World
  let upstream: HeldUpstream
  let path: string
  let door: Started
  const running: Started[] = []
  beforeAll(async () => {
    if (!postgres) throw new Error('There is no PostgreSQL.')
    database = await postgres.create()
    world = await plantWorld(database.handles)
    upstream = await heldUpstream()
    path = configFile()
    door = await startAmbit({}, ['start', path])
  })
  afterEach(async () => {
    await Promise.all(running.splice(0).map(({ child, end }) => (child.exitCode === null && child.signalCode === null ? end('SIGKILL') : null)))
  })
  afterAll(async () => {
    await door.end('SIGTERM')
    await upstream.close()
    await database.drop()
  })

  /** A file that the door and the worker share. */
  function configFile(more = ''): string {
    const file = join(newDirectory(), 'ambit.config.ts')
    writeFileSync(file, `import { apiKeys, createAmbit, createLog } from '${INDEX}'
      export const ambit = createAmbit({
        store: ${JSON.stringify(String(database.source))}, authenticate: apiKeys(), log: createLog({ level: 'info', destination: process.stderr }),
        model: 'openai-compatible:x', providers: { 'openai-compatible': { baseURL: '${upstream.baseURL}' } }, drive: 'elsewhere', ${more}
      })\n`)
    return file
  }
  /** Without a port that is named, unless the test names one. */
  async function work(environment: Record<string, string> = {}, file = path): Promise<Started> {
    const started = await startAmbit({ AMBIT_PORT: '', ...environment }, ['worker', file])
    running.push(started)
    return started
  }
  async function ask(thread: string) {
    const headers = { authorization: `Bearer ${world.keys.bob}`, 'content-type': 'application/json' }
    const response = await checkedFetch(`${door.url}/v1/orgs/acme/projects/apollo/chat`, { method: 'POST', headers, body: JSON.stringify(question(thread, 'Go on.')) })
    expect(response.status).toBe(200)
    if (!response.body) throw new Error('There is no body.')
    const reader = response.body.getReader()
    return { until: (mark: string) => readUntil(reader, mark) }
  }

  test('drives what a door opened that drives nothing', async () => {
    expect(door.out).toBe(`Ambit runs at ${door.url} (${path}). It drives no answer itself: "ambit worker ${path}" must run, too. Ctrl-C stops it.\n`)
    const asked = await ask('elsewhere')
    const first = await asked.until('"start"')
    const worker = await work()
    expect(worker.out).toBe(`Ambit drives answers (${path}). Ctrl-C stops it.\n`)
    const call = await upstream.call(1)
    call.finish()
    const { chunks } = parseStream(first + (await asked.until('[DONE]')))
    expect(said(chunks)).toBe('One two three.')
    expect(chunks.at(-1)?.type).toBe('finish')
    const { code, err } = await worker.end('SIGTERM')
    expect(code).toBe(0)
    // Nobody had it before: that is a beginning, and no node has died.
    const { rows } = await database.superuser.transaction('', (sql) => sql.query<{ reason: string }>('select reason from ambit.claims order by fence'))
    expect(rows.map(({ reason }) => reason)).toEqual(['opened', 'started'])
    expect(err).toContain('"msg":"a run begins"')
    expect(err).not.toContain('taken over')
  })

  test('lets an answer end when it is asked to end', async () => {
    const asked = await ask('drained')
    const patient = await work()
    const call = await upstream.call(2)
    const ended = patient.end('SIGTERM')
    call.finish()
    expect(said(parseStream(await asked.until('[DONE]')).chunks)).toBe('One two three.')
    expect(await ended).toMatchObject({ code: 0 })
  })

  test('hands over what takes longer than its grace', async () => {
    const asked = await ask('handed-over')
    const hasty = await work({ AMBIT_GRACE_MS: '0' })
    const dropped = await upstream.call(3)
    expect(await hasty.end('SIGTERM')).toMatchObject({ code: 0 })
    await dropped.closed
    await work()
    const retried = await upstream.call(4)
    retried.finish()
    const { chunks } = parseStream(await asked.until('[DONE]'))
    expect(said(chunks)).toBe('One two three.')
    expect(chunks.at(-1)?.type).toBe('finish')
  })

  test('answers probes where a port is named, below the base path, and nothing else', async () => {
    const file = configFile("basePath: '/api', metrics: true")
    const worker = await work({ AMBIT_PORT: '0' }, file)
    expect(worker.out).toBe(`Ambit drives answers (${file}; probes at ${worker.url}). Ctrl-C stops it.\n`)
    const status = async (at: string, method = 'GET') => (await fetch(worker.url + at, { method })).status
    const probes = await Promise.all(['/api/health/live', '/api/health/ready', '/api/metrics'].map((at) => status(at)))
    expect(probes).toEqual([200, 200, 200])
    const others = await Promise.all(['/health/live', '/api/v1/me', '/api/openapi.json', '/api/v1/orgs/acme/threads', '/api/v1/orgs/acme/threads/metrics', '/'].map((at) => status(at)))
    expect(others).toEqual([404, 404, 404, 404, 404, 404])
    expect(await status('/api/health/live', 'POST')).toBe(404)
    expect(await worker.end('SIGINT')).toMatchObject({ code: 0 })
  })
})

test('passes the time that an answer has to end to what it stops, as start does', async () => {
  const path = join(newDirectory(), 'ambit.config.ts')
  writeFileSync(path, `const say = (name) => async (options) => void process.stderr.write(name + JSON.stringify(options ?? null) + ' ')
    export const ambit = { basePath: '', drive: 'here', fetch: async () => new Response(), start: say('start'), close: say('close') }`)
  const ends = await Promise.all(['worker', 'start'].map(async (word) => {
    const started = await startAmbit({ AMBIT_GRACE_MS: '1234' }, [word, path])
    return (await started.end('SIGTERM')).err
  }))
  expect(ends).toEqual(['start{"drive":"here"} close{"graceMs":1234} ', 'startnull close{"graceMs":1234} '])
})
