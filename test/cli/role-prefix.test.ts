import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { settingsOf } from '../../src/lib/cli/settings.ts'
import type { Database } from '../../src/lib/store/database.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { StartError } from '../../src/lib/store/start-error.ts'
import { OWNER, urlOf } from '../support/templates.ts'
import { ambit, newDirectory, startAmbit } from './ambit.ts'

const postgres = inject('postgresUrl')
const mark = randomBytes(4).toString('hex')
const prefix = `cli${mark}_`

describe.skipIf(postgres === '')('two databases of one server on the command line', () => {
  const directory = newDirectory()
  const names = ['a', 'b'].map((letter) => `prefix_${mark}_${letter}`) as [string, string]
  let admin: Database

  const environment = (name: string) => ({
    AMBIT_DIRECTORY: directory,
    AMBIT_DATABASE_URL: urlOf(postgres, name, { user: `${name}_app`, password: 'secret' }),
    AMBIT_DATABASE_OWNER_URL: urlOf(postgres, name, OWNER),
    AMBIT_ROLE_PREFIX: prefix,
    AMBIT_DATABASE_POOL: '2',
  })

  beforeAll(async () => {
    admin = connect(postgres, () => {})
    for (const name of names) await admin.transaction('commit', (sql) => sql.script(`create database ${name} owner ${OWNER.user}`))
  })
  afterAll(async () => {
    for (const name of names) {
      await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
      await admin.transaction('', (sql) => sql.script(`drop role if exists ${name}_app`))
    }
    for (const role of ['lookup', 'scoped', 'sweeper', 'operator']) await admin.transaction('', (sql) => sql.script(`drop role if exists ${prefix}${role}`))
    await admin.close()
    rmSync(directory, { recursive: true, force: true })
  })

  test('AMBIT_ROLE_PREFIX holds from migrate to an answer', async () => {
    const [name] = names
    const migrated = await ambit(['migrate'], environment(name))
    expect(migrated).toMatchObject({ code: 0, err: '', out: expect.not.stringContaining('revoke') as string })
    const made = await ambit(['org', 'create', 'acme', '--owner', 'ada'], environment(name))
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^ambit_\S+\n$/) as string })
    const { AMBIT_DATABASE_OWNER_URL: _, ...served } = environment(name)
    const server = await startAmbit({ ...served, AMBIT_MODEL: 'offline' })
    try {
      const asked = await ambit(['chat', 'What can you do?', '--org', 'acme'], { AMBIT_URL: server.url, AMBIT_API_KEY: made.out.trim(), AMBIT_DIRECTORY: directory })
      expect(asked).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) as string })
    } finally {
      expect(await server.end('SIGTERM')).toMatchObject({ code: 0 })
    }
  }, 60_000)

  test('another prefix than the schema’s is refused with the right one', async () => {
    const refused = await ambit(['migrate'], { ...environment(names[0]), AMBIT_ROLE_PREFIX: 'ambit_' })
    expect(refused).toEqual({ code: 1, out: '', err: `This database was migrated with the role prefix "${prefix}", not "ambit_": set AMBIT_ROLE_PREFIX=${prefix}.\n` })
  })

  test('a second database with the same prefix is migrated with the statement that keeps the first one’s login out', async () => {
    const [first, second] = names
    const migrated = await ambit(['migrate'], environment(second))
    expect(migrated).toMatchObject({ code: 0, err: '' })
    expect(migrated.out).toContain(`The roles ${prefix}… are used in the database "${first}" of this server, too`)
    const statement = /^ {2}(revoke .*;)$/m.exec(migrated.out)?.[1]
    expect(statement).toBe(`revoke connect on database "${second}" from public;`)
    await admin.transaction('', (sql) => sql.script(statement ?? ''))
    expect((await ambit(['migrate'], environment(second))).out).not.toContain('revoke')
  })
})

test.each([
  ['AMBIT_ROLE_PREFIX', 'pg_ambit_'],
  ['AMBIT_ROLE_PREFIX', 'Ambit"'],
  ['AMBIT_DATABASE_POOL', '0'],
  ['AMBIT_DATABASE_POOL', '1.5'],
  ['AMBIT_DATABASE_POOL', 'many'],
])('%s=%s is refused by its name', (name, value) => {
  const read = () => settingsOf({ [name]: value })
  expect(read).toThrow(StartError)
  expect(read).toThrow(name)
})
