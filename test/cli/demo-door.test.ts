import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createDemoDoor, isDemoRequest } from '../../src/lib/http/demo-door.ts'
import { createLog } from '../../src/lib/observe/log.ts'

const KEY = `ambit_${'p'.repeat(12)}_${'s'.repeat(43)}`
const logged = new PassThrough().setEncoding('utf8')
const signedIn: Request[] = []

const ada = { id: 'ada', name: 'Ada Lindqvist', org: 'acme', role: 'owner', projects: ['apollo', 'zephyr'] }

const door = createDemoDoor({
  people: [{ ...ada, key: KEY }],
  log: createLog({ level: 'info', destination: logged }),
  newRequestId: () => 'req_1',
  fetch: async (request) => {
    signedIn.push(request)
    if (request.headers.get('cookie') === 'fault') throw new Error('the database said something')
    return new Response('{"subject":"ada"}', { headers: { 'set-cookie': 'ambit_signed_in=x' } })
  },
})

interface Knock {
  readonly peer?: string | undefined
  readonly headers?: Readonly<Record<string, string | null>>
  readonly method?: string
  readonly path?: string
  readonly body?: unknown
}

async function knock(how: Knock = {}): Promise<{ status: number; text: string; cookie: string | null }> {
  const { method = 'POST', path = '/_demo/sign-in', body = { person: 'ada' }, headers = {} } = how
  const all = { host: '127.0.0.1:8787', origin: method === 'GET' ? null : 'http://127.0.0.1:8787', 'content-type': 'application/json', ...headers }
  const sent = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [[name, value] as [string, string]]))
  const request = new Request(`http://127.0.0.1:8787${path}`, { method, headers: sent, ...(method === 'POST' && { body: JSON.stringify(body) }) })
  const response = await door(request, 'peer' in how ? how.peer : '127.0.0.1')
  return { status: response.status, text: await response.text(), cookie: response.headers.get('set-cookie') }
}

test('shows who there is, and no key', async () => {
  const { status, text } = await knock({ method: 'GET', path: '/_demo/people' })
  expect([status, JSON.parse(text)]).toEqual([200, { people: [ada] }])
})

test('signs in as one of them, as their own page would', async () => {
  signedIn.length = 0
  const answer = await knock({ headers: { 'sec-fetch-site': 'same-origin', cookie: 'ambit_signed_in=before', authorization: 'Bearer other', 'x-forwarded-proto': 'https' } })
  expect(answer).toEqual({ status: 200, text: '{"subject":"ada"}', cookie: 'ambit_signed_in=x' })
  const [request] = signedIn
  expect([request?.method, request?.url, await request?.json()]).toEqual(['POST', 'http://127.0.0.1:8787/v1/sign-in', { key: KEY }])
  expect(Object.fromEntries(request?.headers ?? [])).toEqual({
    'content-type': 'application/json', 'x-request-id': 'req_1', host: '127.0.0.1:8787', origin: 'http://127.0.0.1:8787', 'sec-fetch-site': 'same-origin', cookie: 'ambit_signed_in=before',
  })
})

test.for<[what: string, how: Knock, status: number]>([
  ['another machine', { peer: '10.0.0.7' }, 404],
  ['a socket that is gone', { peer: undefined }, 404],
  ['a host name that was made to point here', { headers: { host: 'rebound.example:8787', origin: 'http://rebound.example:8787' } }, 404],
  ['a proxy on this machine', { headers: { 'x-forwarded-for': '203.0.113.7' } }, 404],
  ['no host name', { headers: { host: null } }, 404],
  ['a page of another site', { headers: { 'sec-fetch-site': 'cross-site' } }, 404],
  ['a page of another port', { headers: { origin: 'http://127.0.0.1:3000' } }, 404],
  ['what says nothing of where it comes from', { headers: { origin: null } }, 404],
  ['somebody who is not of the demo', { body: { person: 'zoe' } }, 404],
  ['a name of every object', { body: { person: 'constructor' } }, 404],
  ['no body', { headers: { 'content-type': null } }, 415],
  ['no person', { body: {} }, 400],
  ['another method', { method: 'GET' }, 404],
  ['another path', { path: '/_demo/keys' }, 404],
  ['a path below', { path: '/_demo/sign-in/ada' }, 404],
])('signs in nobody for %s', async ([, how, status]) => {
  const before = signedIn.length
  expect((await knock(how)).status).toBe(status)
  expect(signedIn).toHaveLength(before)
})

test.for(['10.0.0.7', undefined])('shows nobody to %s', async (peer) => {
  expect((await knock({ method: 'GET', path: '/_demo/people', peer })).status).toBe(404)
})

test('tells nothing of a fault, and logs no key', async () => {
  const fault = await knock({ headers: { cookie: 'fault' } })
  expect([fault.status, fault.text]).toEqual([500, expect.not.stringContaining('database')])
  const lines = String(logged.read())
  expect(lines).toContain('the database said something')
  expect(lines).not.toContain('s'.repeat(43))
})

test('only its own paths are its own', () => {
  const at = (path: string) => isDemoRequest(new Request(`http://127.0.0.1${path}`))
  expect([at('/_demo/people'), at('/v1/orgs/_demo/chat'), at('/_demo'), at('/health/live?x=/_demo/')]).toEqual([true, false, false, false])
})
