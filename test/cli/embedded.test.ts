import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, rmSync, statSync } from 'node:fs'
import { request } from 'node:http'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chatCompletions } from '../support/chat-completions.ts'
import type { Upstream } from '../support/chat-completions.ts'
import { checkedFetch } from '../support/check-answers.ts'
import { ambit, begin, newDirectory, readJson, startAmbit } from './ambit.ts'
import type { Started } from './ambit.ts'

interface Demo {
  url: string
  people: Record<string, { org: string; role: string; projects: string[]; key: string }>
}

const directory = newDirectory()
const here = { AMBIT_DIRECTORY: directory }
const QUESTION = 'What is the launch date of Apollo?'
const asAda = ['--org', 'acme', '--project', 'apollo', '--as', 'ada']

let server: Started
let upstream: Upstream
let demo: Demo

const get = async (path: string, who: string) => {
  const response = await checkedFetch(server.url + path, { headers: { authorization: `Bearer ${demo.people[who]?.key}` } })
  return { status: response.status, body: (await response.json()) as { threads?: { id: string }[]; runs?: { state: string }[] } }
}

beforeAll(async () => {
  upstream = await chatCompletions(unending)
  server = await startAmbit(here)
  demo = readJson<Demo>(directory, 'demo.json')
})
afterAll(async () => {
  if (server.child.exitCode === null) await server.end('SIGKILL')
  await upstream.close()
  rmSync(directory, { recursive: true, force: true })
})

describe('a first start', () => {
  test('prints a line that streams an answer when it is pasted into a shell', async () => {
    const line = /^ {2}(curl -N [^]*?)\n\n/m.exec(server.out)?.[1] ?? ''
    const { stdout } = await promisify(execFile)('sh', ['-c', line.replace('curl', 'curl -s')])
    expect(stdout).toContain('"type":"text-delta"')
    expect(stdout).toContain('14 September 2026')
    expect(stdout).toMatch(/data: \[DONE\]\n\n$/)
  })

  test('writes who there is, what they see and their keys, for this user only', () => {
    const shape = Object.entries(demo.people).map(([id, { org, role, projects }]) => [id, org, role, projects.join()])
    expect(demo.url).toBe(server.url)
    expect(shape).toEqual([
      ['ada', 'acme', 'owner', 'apollo,zephyr'],
      ['bob', 'acme', 'member', 'apollo'],
      ['carol', 'acme', 'admin', 'apollo,zephyr'],
      ['dave', 'acme', 'viewer', 'apollo'],
      ['erin', 'acme', 'none', 'apollo'],
      ['gus', 'globex', 'owner', 'apollo'],
      ['hana', 'globex', 'member', 'apollo'],
    ])
    for (const file of ['demo.json', 'server.json']) expect(statSync(join(directory, file)).mode & 0o777).toBe(0o600)
  })

  test('says nothing of a key but where it shows ada\'s', () => {
    const printed = Object.entries(demo.people).filter(([, { key }]) => server.out.includes(key))
    expect(printed.map(([id]) => id)).toEqual(['ada'])
  })
})

describe('a browser', () => {
  const visit = async (path: string, body?: object, headers: Record<string, string> = {}) =>
    fetch(server.url + path, { method: body ? 'POST' : 'GET', headers: { origin: server.url, 'content-type': 'application/json', ...headers }, ...(body && { body: JSON.stringify(body) }) })

  test('is shown the people of the demo, and signs in as one of them', async () => {
    const { people } = (await (await visit('/_demo/people')).json()) as { people: { id: string; name: string }[] }
    expect(people).toHaveLength(7)
    expect(people.find(({ id }) => id === 'erin')).toEqual({ id: 'erin', name: 'Erin Castellanos', org: 'acme', role: 'none', projects: ['apollo'] })
    const signedIn = await visit('/_demo/sign-in', { person: 'erin' })
    expect([signedIn.status, signedIn.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const me = await signedIn.text()
    expect(JSON.parse(me)).toMatchObject({ subject: 'erin', name: 'Erin Castellanos', organisations: [{ org: 'acme', role: null, projects: [{ project: 'apollo' }] }] })
    const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';')
    expect(await (await checkedFetch(`${server.url}/v1/me`, { headers: { cookie } })).text()).toBe(me)
    // The same is open to whoever has a key, and to no page of elsewhere.
    expect((await visit('/v1/sign-in', { key: demo.people['erin']?.key })).status).toBe(200)
    expect((await visit('/_demo/sign-in', { person: 'erin' }, { origin: 'http://127.0.0.1:1' })).status).toBe(404)
    expect((await fetch(`${server.url}/v1/me`, { headers: { cookie, origin: 'http://127.0.0.1:1' } })).status).toBe(401)
    const out = await fetch(`${server.url}/v1/sign-in`, { method: 'DELETE', headers: { cookie, origin: server.url } })
    expect([out.status, (await checkedFetch(`${server.url}/v1/me`, { headers: { cookie } })).status]).toEqual([204, 401])
  })
})

describe('chat', () => {
  test('streams the answer, the tools it calls, and its sources', async () => {
    const { code, out, err } = await ambit(['chat', QUESTION, ...asAda], here)
    expect(code).toBe(0)
    expect(out).toContain('14 September 2026')
    expect(out).toMatch(/\n\n\[\d+\] Apollo .+\n/)
    expect(err).toContain('· search_documents {"query":')
    expect(`${out}${err}`).not.toContain('\u001B')
  })

  test('goes on in a thread, in an organisation', async () => {
    const first = await ambit(['chat', 'What is the hotel limit per night?', '--org', 'acme', '--as', 'bob'], here)
    expect(first.out).toContain('€165')
    const thread = /thread (\S+)/.exec(first.err)?.[1] ?? ''
    const second = await ambit(['chat', 'What is the hotel limit per night?', '--org', 'acme', '--as', 'bob', '--thread', thread], here)
    expect(second.err).toContain(`thread ${thread} `)
  })

  test('prints a refusal in one sentence', async () => {
    const [foreign, unknown] = await Promise.all([
      ambit(['chat', QUESTION, '--org', 'acme', '--project', 'zephyr', '--as', 'bob'], here),
      ambit(['chat', QUESTION, '--org', 'acme', '--as', 'zed'], here),
    ])
    expect(foreign).toEqual({ code: 1, out: '', err: 'There is nothing at this address for you. Check the address and the credential.\n' })
    expect(unknown).toMatchObject({ code: 1, out: '', err: expect.stringContaining('There is no key for "zed"') as string })
  })
})

describe('operator work through the server that runs', () => {
  test('makes an organisation, and keys for its people', async () => {
    const made = await ambit(['org', 'create', 'initech', '--owner', 'zoe', '--name', 'Initech'], here)
    expect(made).toMatchObject({ code: 0, err: 'Organisation initech, owned by zoe. The key, shown this once:\n' })
    const me = await checkedFetch(`${server.url}/v1/me`, { headers: { authorization: `Bearer ${made.out.trim()}` } })
    expect(await me.json()).toMatchObject({ subject: 'zoe', memberships: [{ org: 'initech', project: null, role: 'owner' }] })

    const again = await ambit(['org', 'create', 'initech', '--owner', 'zoe'], here)
    expect(again).toEqual({ code: 1, out: '', err: 'There is already an organisation "initech".\n' })
  })

  test('makes nobody a member who was not asked to be one', async () => {
    const key = (...more: string[]) => ambit(['key', 'create', '--org', 'acme', '--person', 'max', ...more], here)
    const [stranger, endless] = await Promise.all([key(), key('--role', 'viewer', '--expires-days', 'soon')])
    expect(stranger).toMatchObject({ code: 1, out: '', err: expect.stringContaining('max is nobody in acme') as string })
    expect(endless).toMatchObject({ code: 1, out: '', err: '--expires-days is "soon": it must be a whole number of days.\n' })
    const made = await key('--role', 'viewer', '--expires-days', '3')
    expect(made.out).toMatch(/^ambit_\S+\n$/)
    expect(await key('--role', 'owner')).toMatchObject({ code: 1, out: '', err: expect.stringContaining('max is already viewer') as string })
  })

  test('takes a key back, by its beginning or whole, and repeats no secret', async () => {
    const made = await ambit(['key', 'create', '--org', 'acme', '--person', 'bob'], here)
    const key = made.out.trim()
    const opens = async () => (await checkedFetch(`${server.url}/v1/me`, { headers: { authorization: `Bearer ${key}` } })).status
    expect(await opens()).toBe(200)
    const revoked = await ambit(['key', 'revoke', key.slice(0, 18)], here)
    expect(revoked).toEqual({ code: 0, out: '', err: 'The key of bob in acme opens nothing any more. What it had begun ends within seconds.\n' })
    expect(await opens()).toBe(401)
    expect(await ambit(['key', 'revoke', key], here)).toEqual(revoked)
    const [unknown, wrong] = await Promise.all([ambit(['key', 'revoke', `ambit_${'a'.repeat(12)}`], here), ambit(['key', 'revoke', key.slice(1)], here)])
    expect(unknown).toMatchObject({ code: 1, out: '', err: expect.stringContaining('There is no key that begins with') as string })
    expect(wrong).toEqual({ code: 1, out: '', err: 'A key begins with "ambit_" and 12 characters after it. Give these, or the whole key.\n' })
  })

  test('is for this machine, and for who can read the secret', async () => {
    const { secret } = readJson<{ secret: string }>(directory, 'server.json')
    const knock = (authorization: string, host: string, method = 'POST') =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization, host, 'content-type': 'application/json' }
        const sent = request(`${server.url}/_operator/nothing`, { method, headers, agent: false }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        sent.on('error', reject).end('{}')
      })
    const { host } = new URL(server.url)
    expect(await knock('Bearer wrong', host)).toBe(401)
    expect(await knock(`Bearer ${demo.people['ada']?.key}`, host)).toBe(401)
    expect(await knock(`Bearer ${secret}`, 'rebound.example')).toBe(404)
    expect(await knock(`Bearer ${secret}`, host)).toBe(404) // through the walls: there is no such work
  })
})

describe('a directory', () => {
  test('belongs to one process', async () => {
    const second = await ambit(['start'], { ...here, AMBIT_PORT: '0' })
    expect(second).toMatchObject({ code: 1, out: '' })
    expect(second.err).toBe(
      `Ambit already runs on ${directory}/, at ${server.url} (process ${server.child.pid}): use that one, stop it, or choose another AMBIT_DIRECTORY.\n`,
    )
  })

  test('keeps its threads and keys when the server ends in order, and begins again', async () => {
    const before = await get('/v1/orgs/acme/projects/apollo/threads', 'ada')
    expect(before.body.threads?.length).toBeGreaterThan(0)

    // The connections that `fetch` keeps open for another request do not hold the end up.
    const { code, err } = await server.end('SIGTERM')
    expect(code).toBe(0)
    expect(err).not.toMatch(/"level":(50|60)/)
    expect(existsSync(join(directory, 'server.json'))).toBe(false)

    server = await startAmbit(here)
    const now = readJson<Demo>(directory, 'demo.json')
    expect(now).toEqual({ ...demo, url: server.url })
    expect(await get('/v1/orgs/acme/projects/apollo/threads', 'ada')).toEqual(before)
  })

  test('is proved by hand where no server holds it', async () => {
    const running = await ambit(['doctor'], here)
    expect(running).toMatchObject({ code: 1, out: '', err: expect.stringContaining(`(process ${server.child.pid}), and only that process can open its database: stop it, and ask again.`) as string })
    const none = await ambit(['doctor'], { AMBIT_DIRECTORY: join(directory, 'none') })
    expect(none).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^There is no database in .+none\/ yet: /) as string })
    expect(existsSync(join(directory, 'none'))).toBe(false)

    await server.end('SIGTERM')
    const stopped = await ambit(['doctor'], here)
    server = await startAmbit(here)
    expect(stopped).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/\nThe walls hold: \d+ checks, and nothing was found\. \(9 were not asked\.\)\n$/) as string })
  })

  test('is taken over from a killed server, by any command that needs it', async () => {
    await server.end('SIGKILL')
    expect(existsSync(join(directory, 'server.json'))).toBe(true)

    const made = await ambit(['org', 'create', 'hooli', '--owner', 'ada'], here)
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^ambit_\S+\n$/) as string })
    const answered = await ambit(['chat', QUESTION, ...asAda], here)
    expect(answered).toMatchObject({ code: 0, out: expect.stringContaining('14 September 2026') as string })

    server = await startAmbit({ ...here, AMBIT_MODEL: 'openai-compatible:x', AMBIT_MODEL_BASE_URL: upstream.baseURL })
    expect(await get('/v1/me', 'ada')).toMatchObject({ status: 200 })
  })
})

test('Ctrl-C in a chat stops the run at the server, and the chat ends with what was said', async () => {
  const { child, finished } = begin(['chat', QUESTION, ...asAda], here)
  const closed = once(child, 'close')
  while (!finished().out.includes('Apollo')) await once(child.stdout ?? child, 'data')
  child.kill('SIGINT')
  await closed
  const { code, out, err } = finished()
  expect({ code, out }).toEqual({ code: 130, out: 'Apollo\n' })
  expect(err).toMatch(/^The answer was stopped\.\n/)
  const { body } = await get('/v1/orgs/acme/projects/apollo/runs', 'ada')
  expect(body.runs?.[0]?.state).toBe('stopped')
})

test('whoever is on call sees what runs through the door of the server, and that nothing drives it where there is none', async () => {
  const { child, finished } = begin(['chat', QUESTION, ...asAda], here)
  const closed = once(child, 'close')
  while (!finished().out.includes('Apollo')) await once(child.stdout ?? child, 'data')
  const runs = await ambit(['runs'], here)
  expect(runs).toMatchObject({ code: 0, out: expect.stringMatching(/\n {2}run_\w+ +acme\/apollo +\S+ +running +embedded +holds /) as string, err: 'One node lives on this database.\n' })
  const id = /run_\w+/.exec(runs.out)?.[0] ?? ''
  const [why, unknown, stuck] = await Promise.all([ambit(['why', id], here), ambit(['why', 'run_0'], here), ambit(['runs', '--stuck'], here)])
  expect(why).toMatchObject({ code: 0, out: expect.stringContaining('  It is at the model call of step 1.\n\nWhat to do\n  Nothing: it goes its way.\n') as string })
  expect(unknown).toMatchObject({ code: 1, out: '', err: expect.stringContaining('There is no run "run_0"') as string })
  expect(stuck).toMatchObject({ code: 0, out: 'Nothing is stuck.\n' })

  await server.end('SIGKILL')
  await closed
  const dead = await ambit(['why', id], here)
  expect(dead).toMatchObject({ code: 0, out: expect.stringMatching(/\n {2}Nobody drives it \(for \d+ s\): .+\n[^]+\n {2}Nothing drives answers on this database: start a node, or a worker\.\n/) as string })
})

/** Says one word, and never ends. */
function unending(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const choices = [{ index: 0, delta: { content: 'Apollo' }, finish_reason: null }]
  response.write(`data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'x', choices })}\n\n`)
}
