import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { checkedFetch } from '../support/check-answers.ts'
import { OWNER, urlOf } from '../support/templates.ts'
import { ambit, newDirectory, startAmbit } from './ambit.ts'

const postgres = inject('postgresUrl')

// Roles are the server's and not the database's: a login of this file's own.
const mark = randomBytes(4).toString('hex')
const name = `cli_${mark}`
const login = { user: `cli_app_${mark}`, password: encodeURIComponent("it's 100 % 'secret'") }

describe.skipIf(postgres === '')('on PostgreSQL', () => {
  const directory = newDirectory()
  const superUrl = () => urlOf(postgres, name)
  const ownerUrl = () => urlOf(postgres, name, OWNER)
  const appUrl = () => urlOf(postgres, name, login)
  const environment = () => ({ AMBIT_DIRECTORY: directory, AMBIT_DATABASE_URL: appUrl(), AMBIT_DATABASE_OWNER_URL: ownerUrl() })
  let admin: Database

  beforeAll(async () => {
    admin = connect(postgres, () => {})
    await admin.transaction('commit', (sql) => sql.script(`create database ${name} owner ${OWNER.user}`))
    await admin.transaction('', (sql) => sql.script(`revoke connect on database ${name} from public`))
  })
  afterAll(async () => {
    await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
    await admin.transaction('', (sql) => sql.script(`drop role if exists ${login.user}`))
    await admin.close()
    rmSync(directory, { recursive: true, force: true })
  })

  test('a database that was never migrated is not served', async () => {
    const refused = await ambit(['start'], { AMBIT_DATABASE_URL: ownerUrl(), AMBIT_LOG_LEVEL: 'silent' })
    expect(refused).toEqual({ code: 1, out: '', err: 'This database has no Ambit schema. Run `ambit migrate` with AMBIT_DATABASE_OWNER_URL set.\n' })
  })

  test('migrate makes schema and login as an owner who is no superuser, and can be run again', async () => {
    const first = await ambit(['migrate'], environment())
    expect(first).toMatchObject({ code: 0, err: '' })
    expect(first.out).toMatch(/^Ran 0001_spine\.sql/)
    expect(first.out).toContain(`The login "${login.user}" is ready.`)
    expect(first.out).not.toContain(login.password)
    expect((await ambit(['migrate'], environment())).out).toMatch(/^The schema is up to date: nothing to run\.\n/)
  })

  test('the login serves; an organisation that the owner made opens with its key', async () => {
    const { AMBIT_DATABASE_URL, AMBIT_DIRECTORY } = environment()
    const needsOwner = await ambit(['org', 'create', 'acme', '--owner', 'ada'], { AMBIT_DATABASE_URL, AMBIT_DIRECTORY })
    expect(needsOwner).toMatchObject({ code: 1, out: '', err: expect.stringContaining('set AMBIT_DATABASE_OWNER_URL') as string })

    const made = await ambit(['org', 'create', 'acme', '--owner', 'ada'], environment())
    expect(made).toMatchObject({ code: 0, out: expect.stringMatching(/^ambit_\S+\n$/) as string })
    const key = made.out.trim()
    const server = await startAmbit({ AMBIT_DATABASE_URL, AMBIT_DIRECTORY, AMBIT_MODEL: 'offline' })
    try {
      const asked = await ambit(['chat', 'What can you do?', '--org', 'acme'], { AMBIT_URL: server.url, AMBIT_API_KEY: key, AMBIT_DIRECTORY })
      expect(asked).toMatchObject({ code: 0, out: expect.stringMatching(/\S/) as string })
      // Nothing that a network could ask for opens the operator's door where the store is not embedded.
      const signIn = await checkedFetch(`${server.url}/v1/sign-in`, {
        method: 'POST', headers: { origin: server.url, 'content-type': 'application/json' }, body: JSON.stringify({ key }),
      })
      expect([signIn.status, signIn.headers.get('set-cookie')]).toEqual([200, expect.stringMatching(/^ambit_signed_in=/)])
      await signIn.text()
      // The people of a demo are of the embedded start alone.
      for (const path of ['people', 'sign-in']) expect((await checkedFetch(`${server.url}/_demo/${path}`, { headers: { origin: server.url } })).status).toBe(404)
      const door = await checkedFetch(`${server.url}/_operator/keys`, { method: 'POST', headers: { authorization: `Bearer ${key}` } })
      expect(door.status).toBe(404)
    } finally {
      expect(await server.end('SIGTERM')).toMatchObject({ code: 0 })
    }
  })

  test.for([
    ['the superuser', superUrl, /is a superuser: no policy holds for it\.\n +create role ambit_app login /],
    ['the owner', ownerUrl, /owns the schema ambit: it can take the walls down\.\n +create role ambit_app login /],
  ] as const)('%s is not let in as the app', async ([, url, err]) => {
    const refused = await ambit(['start'], { AMBIT_DATABASE_URL: url(), AMBIT_LOG_LEVEL: 'silent' })
    expect(refused).toEqual({ code: 1, out: '', err: expect.stringMatching(err) as string })
  })

  test('the doctor proves the login that migrate made, and prints what mends a fault', async () => {
    const right = await ambit(['doctor'], environment())
    expect(right).toMatchObject({ code: 0, err: '' })
    expect(right.out).toContain(`The database "${name}", as "${login.user}", on PostgreSQL `)
    expect(right.out).toMatch(/\nThe walls hold: \d+ checks, and nothing was found\.\n$/)
    expect(right.out).not.toMatch(/FAULT|not asked/)

    const owner = connect(ownerUrl(), () => {})
    try {
      await owner.transaction('', (sql) => sql.script('alter table ambit.threads no force row level security; create table ambit.notes (org_id text)'))
      const [wrong, json] = await Promise.all([ambit(['doctor'], environment()), ambit(['doctor', '--json'], environment())])
      expect(wrong).toMatchObject({ code: 1, err: '' })
      expect(wrong.out).toContain('  FAULT row-level security is forced, so that it holds for the owner, too (rls_not_forced)\n')
      expect(wrong.out).toContain('\n    alter table ambit.threads force row level security;\n')
      expect(json).toMatchObject({ code: 1, err: '' })
      const told = JSON.parse(json.out) as { ok: boolean; checks: { code: string; outcome: string; faults: { mend: string }[] }[] }
      expect(told.ok).toBe(false)
      const faults = told.checks.flatMap((check) => check.faults)
      expect(faults.length).toBe(4)
      expect(told.checks.filter(({ outcome }) => outcome === 'fault').map(({ code }) => code)).toEqual(['rls_off', 'rls_not_forced', 'scope_nullable'])
      await owner.transaction('', (sql) => sql.script(faults.map((fault) => fault.mend).join('\n')))
      expect(await ambit(['doctor'], environment())).toMatchObject({ code: 0, err: '' })
      await owner.transaction('', (sql) => sql.script('drop table ambit.notes'))
    } finally {
      await owner.close()
    }
  })

  test('the owner is not made the login of the app', async () => {
    const refused = await ambit(['migrate'], { ...environment(), AMBIT_DATABASE_URL: ownerUrl() })
    expect(refused).toMatchObject({ code: 1, out: '', err: expect.stringContaining('AMBIT_DATABASE_URL names the owner itself') as string })
  })
})
