import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { StartError, apiKeys, createAmbit } from '../../src/index.ts'
import { createLog } from '../../src/lib/observe/log.ts'
import { explainDatabase } from '../../src/lib/store/explain-database.ts'
import { APP, TEMPLATE_DATABASE, urlOf } from '../support/templates.ts'

const PASSWORD = 'hunter2'

/** What `start()` rejects with. */
async function refusalAt(store: string): Promise<unknown> {
  const ambit = createAmbit({ store, model: 'offline', authenticate: apiKeys(), log: createLog({ level: 'silent' }) })
  const refused: unknown = await ambit.start().catch((error: unknown) => error)
  await ambit.close()
  return refused
}

function expectSentence(refused: unknown, says: RegExp): void {
  expect(refused).toBeInstanceOf(StartError)
  expect(refused).toMatchObject({ code: 'no_database', message: expect.stringMatching(says) as string, cause: expect.any(Error) as Error })
  expect((refused as Error).message).not.toContain(PASSWORD)
}

describe('a start where no PostgreSQL answers is refused in a sentence', () => {
  test.for<[where: string, says: RegExp]>([
    ['127.0.0.1:1', /^PostgreSQL does not answer at 127\.0\.0\.1:1 \(ECONNREFUSED\): check that it runs, and the host and port in the database URL\.$/],
    ['localhost:1', /^PostgreSQL does not answer at (127\.0\.0\.1|\[::1\]):1 \(ECONNREFUSED\): check /],
    ['nowhere.invalid', /^The host nowhere\.invalid has no address \((ENOTFOUND|EAI_AGAIN)\): check the host in the database URL, and the network\.$/],
  ])('at %s', async ([where, says]) => {
    expectSentence(await refusalAt(`postgres://app:${PASSWORD}@${where}/app`), says)
  })

  test('at a server that hangs up', async () => {
    const server = createServer((socket) => socket.on('error', () => {}).once('data', () => socket.end())).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    expectSentence(await refusalAt(`postgres://app:${PASSWORD}@127.0.0.1:${port}/app`), /^PostgreSQL does not answer \(connection lost\): check /)
  })
})

const postgres = inject('postgresUrl')

describe.skipIf(postgres === '')('a PostgreSQL that refuses the login says so', () => {
  test('a wrong password', async () => {
    const refused = await refusalAt(urlOf(inject('appUrl'), 'postgres', { ...APP, password: PASSWORD }))
    expectSentence(refused, /^PostgreSQL says: .+ \(SQLSTATE 28P01\)\. Check user and password in the database URL\.$/)
  })

  test('a database that is not there', async () => {
    expectSentence(await refusalAt(urlOf(inject('appUrl'), 'not_there', APP)), /^PostgreSQL says: .+ \(SQLSTATE 3D000\)\. Create the database, or correct the name /)
  })

  test('a database that takes no connections', async () => {
    expectSentence(await refusalAt(urlOf(inject('appUrl'), TEMPLATE_DATABASE, APP)), /^PostgreSQL says: .+ \(SQLSTATE 55000\)\./)
  })
})

test('one that the login may not enter: the hint is for that, and not for whoever migrates', () => {
  const denied = Object.assign(new Error('permission denied for database "app"'), { code: '42501' })
  expect(explainDatabase(denied)).toBe('PostgreSQL says: permission denied for database "app" (SQLSTATE 42501). Grant this login CONNECT on the database, or name another one in the database URL.')
})

test('a fault of somebody else is not explained away', () => {
  expect(explainDatabase(new Error('undefined is not a function'))).toBeNull()
  expect(explainDatabase(Object.assign(new Error('no such file'), { code: 'ENOENT', path: '/x' }))).toBeNull()
})
