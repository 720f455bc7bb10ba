import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { createOperatorDoor, isOperatorRequest } from '../../src/lib/http/operator-door.ts'
import { createLog } from '../../src/lib/observe/log.ts'

const secret = 'a'.repeat(43)
const logged = new PassThrough().setEncoding('utf8')
const worked: unknown[] = []

const door = createOperatorDoor({
  secret,
  log: createLog({ level: 'info', destination: logged }),
  newRequestId: () => 'req_1',
  perform: async (work, body) => {
    worked.push(body)
    if (work === 'fault') throw new Error('the database said something')
    return work === 'keys' ? { ok: true } : null
  },
})

interface Knock {
  readonly peer?: string | undefined
  readonly host?: string | null
  readonly authorization?: string
  readonly method?: string
  readonly work?: string
}

async function knock(how: Knock = {}): Promise<{ status: number; text: string }> {
  const { peer = '127.0.0.1', host = '127.0.0.1:8787', authorization = `Bearer ${secret}`, method = 'POST', work = 'keys' } = how
  const headers = { authorization, 'content-type': 'application/json', ...(host !== null && { host }) }
  const request = new Request(`http://ambit.test/_operator/${work}`, { method, headers, ...(method === 'POST' && { body: '{"a":1}' }) })
  const response = await door(request, 'peer' in how ? how.peer : peer)
  return { status: response.status, text: await response.text() }
}

test.for(['127.0.0.1', '127.8.0.1', '::1', '::ffff:127.0.0.1'])('opens to the secret, from %s', async (peer) => {
  expect(await knock({ peer })).toEqual({ status: 200, text: '{"ok":true}' })
})

test.for<[what: string, how: Knock, status: number]>([
  ['another machine', { peer: '10.0.0.7' }, 404],
  ['another machine that is called like this one', { peer: '::ffff:10.127.0.0' }, 404],
  ['a socket that is gone', { peer: undefined }, 404],
  ['a host name that was made to point here', { host: 'rebound.example:8787' }, 404],
  ['a host name that begins like this machine', { host: '127.0.0.1.rebound.example' }, 404],
  ['no host name', { host: null }, 404],
  ['no secret', { authorization: '' }, 401],
  ['another secret', { authorization: `Bearer ${'b'.repeat(43)}` }, 401],
  ['a part of the secret', { authorization: `Bearer ${secret.slice(1)}` }, 401],
  ['another method', { method: 'GET' }, 404],
])('stays shut to %s', async ([, how, status]) => {
  const before = worked.length
  expect((await knock(how)).status).toBe(status)
  expect(worked).toHaveLength(before)
})

test('tells nothing of a fault, and logs neither body nor secret', async () => {
  expect(await knock({ work: 'unknown' })).toMatchObject({ status: 404 })
  const fault = await knock({ work: 'fault' })
  expect(fault.status).toBe(500)
  expect(fault.text).not.toContain('database')
  const lines = String(logged.read())
  expect(lines).toContain('the database said something')
  expect(lines).not.toContain(secret)
})

test('only its own paths are its own', () => {
  const at = (path: string) => isOperatorRequest(new Request(`http://127.0.0.1${path}`))
  expect([at('/_operator/keys'), at('/v1/orgs/_operator/chat'), at('/health/live?x=/_operator/')]).toEqual([true, false, false])
})
