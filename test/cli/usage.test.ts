import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { authenticateOf } from '../../src/lib/cli/authenticate-of.ts'
import { explainError } from '../../src/lib/cli/explain-error.ts'
import { runCommand } from '../../src/lib/cli/run-command.ts'
import { settingsOf } from '../../src/lib/cli/settings.ts'
import { listen } from '../../src/node.ts'
import { ambit, readJson } from './ambit.ts'

// A directory of nobody: what is refused must be refused before anything is made.
const nowhere = '/nonexistent/ambit'
const here = { AMBIT_DIRECTORY: nowhere }

test('--help and --version answer, also where the settings are wrong', async () => {
  const wrong = { ...here, AMBIT_PORT: 'x' }
  const [help, one, version] = await Promise.all([ambit(['--help'], wrong), ambit(['org', 'create', '--help'], wrong), ambit(['--version'], wrong)])
  expect(help).toMatchObject({ code: 0, err: '' })
  for (const name of ['start', 'worker', 'runs', 'why', 'chat', 'org create', 'key create', 'key revoke', 'migrate', 'doctor', 'AMBIT_DATABASE_URL']) expect(help.out).toContain(name)
  expect(one).toMatchObject({ code: 0, out: expect.stringContaining('Usage: ambit org create <slug> --owner <person> [options]') as string })
  expect(version.out).toBe(`${readJson<{ version: string }>('package.json').version}\n`)
})

test.for<[words: string, err: string]>([
  ['frobnicate', 'There is no command "frobnicate". Try "ambit --help".\n'],
  ['org delete acme', 'There is no command "org delete". Try "ambit --help".\n'],
  ['--frob', 'There is no option "--frob". Try "ambit --help".\n'],
  ['start --frob', `Unknown option '--frob'. Try "ambit start --help".\n`],
  ['chat two words --org acme', '"words" is one argument too many (a text with spaces needs quotes). Try "ambit chat --help".\n'],
  ['chat question', '--org <slug> is missing. Try "ambit chat --help".\n'],
  ['worker', '<config> is missing. Try "ambit worker --help".\n'],
  ['why', '<run> is missing. Try "ambit why --help".\n'],
  ['org create --owner ada', '<slug> is missing. Try "ambit org create --help".\n'],
])('ambit %s', async ([words, err]) => {
  const said = { out: '', err: '' }
  const code = await runCommand(words.split(' '), {
    terminal: { out: (text) => (said.out += text), err: (text) => (said.err += text), logs: process.stderr, interactive: false, color: false },
    version: '0',
    settings: () => expect.unreachable('a command line that is wrong needs no settings'),
    newId: (kind) => kind,
    listen: () => expect.unreachable('nothing is served'),
  })
  expect({ code, ...said }).toEqual({ code: 2, out: '', err })
})

test.for<[variable: string, value: string, err: RegExp]>([
  ['AMBIT_HOST', '0.0.0.0', /^AMBIT_HOST is "0\.0\.0\.0", but the embedded start listens on this machine only: .+\n$/],
  ['AMBIT_MODEL', 'gpt', /^AMBIT_MODEL: "gpt" is no model\. Use .+\n$/],
  ['AMBIT_DATABASE_URL', 'postgres://app:secret@127.0.0.1:1/ambit', /^PostgreSQL does not answer at 127\.0\.0\.1:1 \(ECONNREFUSED\): check that it runs, .+\n$/],
])('a start with %s=%s is refused', async ([variable, value, err]) => {
  const refused = await ambit(['start'], { ...here, [variable]: value, AMBIT_LOG_LEVEL: 'silent' })
  expect(refused).toEqual({ code: 1, out: '', err: expect.stringMatching(err) as string })
  expect(existsSync(nowhere)).toBe(false)
})

test('a server takes cookies beside keys, and is told whether they go over https only', () => {
  const told = ['', 'true', 'false'].map((value) => authenticateOf(settingsOf({ AMBIT_SECURE_COOKIE: value })).signIn)
  expect(told).toEqual([{}, { secureCookie: true }, { secureCookie: false }])
  const issuer = { AMBIT_JWT_ISSUER: 'https://issuer.test/', AMBIT_JWT_AUDIENCE: 'here' }
  expect(authenticateOf(settingsOf(issuer)).signIn).toEqual({})
})

test.for<[variable: string, value: string]>([
  ['AMBIT_PORT', '80a'],
  ['AMBIT_GRACE_MS', '10s'],
  ['AMBIT_GRACE_MS', '86400001'],
  ['AMBIT_CONTEXT_TOKENS', '999'],
  ['AMBIT_CONTEXT_TOKENS', '8k'],
  ['AMBIT_PORT', '65536'],
  ['AMBIT_LOG_LEVEL', 'loud'],
  ['AMBIT_SECURE_COOKIE', 'yes'],
  ['AMBIT_DATABASE_URL', 'mysql://app:hunter2@host/db'],
  ['AMBIT_DATABASE_URL', 'postgres://app:hunter2%@host/db'],
  ['AMBIT_DATABASE_OWNER_URL', 'hunter2'],
  ['AMBIT_MODEL_BASE_URL', 'hunter2'],
  ['AMBIT_URL', 'localhost:8787'],
  ['AMBIT_REDIS_URL', 'redis://one:6379,http://:hunter2@two:6379'],
])('%s cannot be %s, and no secret is repeated', ([variable, value]) => {
  let message = ''
  try {
    settingsOf({ [variable]: value })
  } catch (error) {
    message = explainError(error) ?? ''
  }
  expect(message).toMatch(new RegExp(`^${variable} is .+\\.$`))
  expect(message).not.toContain('hunter2')
})

test('the model is offline only where nothing else is asked for', () => {
  expect(settingsOf({}).model.name).toBe('offline')
  expect(settingsOf({ AMBIT_DATABASE_URL: 'postgres://h/d' }).model.name).toBe('none')
  expect(settingsOf({ AMBIT_MODEL: '', AMBIT_PORT: ' ' })).toMatchObject({ model: { name: 'offline' }, port: 8787, host: '127.0.0.1' })
})

test('a taken port is explained', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const error: unknown = await listen({ fetch: async () => new Response() }, { host: '127.0.0.1', port }).catch((reason: unknown) => reason)
  expect(explainError(error)).toBe(`Port ${port} on 127.0.0.1 is taken: stop what listens there, or choose another with AMBIT_PORT.`)
})

test.for<[how: 'end' | 'resetAndDestroy', why: string]>([
  ['end', 'connection lost'],
  ['resetAndDestroy', 'ECONNRESET'],
])('a PostgreSQL that takes connections and hangs up (%s) is explained', async ([how, why]) => {
  const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket[how]())).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const AMBIT_DATABASE_OWNER_URL = `postgres://owner:hunter2@127.0.0.1:${(server.address() as AddressInfo).port}/app`
  const { code, out, err } = await ambit(['runs'], { ...here, AMBIT_DATABASE_OWNER_URL })
  expect({ code, out, err }).toEqual({ code: 1, out: '', err: `PostgreSQL does not answer (${why}): check that it runs, and the host and port in the database URL.\n` })
})

test('migrate asks for the owner, and prints SQL without one', async () => {
  const [refused, printed] = await Promise.all([ambit(['migrate'], here), ambit(['migrate', '--print'], here)])
  expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringMatching(/^Set AMBIT_DATABASE_OWNER_URL .+\n$/) as string })
  expect(printed).toMatchObject({ code: 0, err: '' })
  expect(printed.out).toMatch(/create table ambit\.organisations[^]+create role %I login noinherit nosuperuser/)
})
