import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import type { FaultCode } from '../../src/lib/store/doctor/checks.ts'
import { examineDatabase } from '../../src/lib/store/doctor/examine.ts'
import type { Report } from '../../src/lib/store/doctor/examine.ts'
import { migrate } from '../../src/lib/store/migrate.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { loginScript } from '../../src/lib/store/role-script.ts'
import { scramVerifier } from '../../src/lib/store/scram-verifier.ts'
import { openStore } from '../../src/lib/store/store.ts'
import { codesOf, mend, run } from '../support/examined.ts'
import { urlOf } from '../support/templates.ts'

// Roles are the server's, and other test files use the common ones: this file has a prefix, an owner and logins of its own.

const server = inject('postgresUrl')
const mark = randomBytes(4).toString('hex')
const prefix = `d${mark}_`
const database = `doctor_${mark}`
const PASSWORD = 'doctor-secret'
const NEW_LOGIN = `${prefix}app`

const as = (user: string): string => urlOf(server, database, { user, password: PASSWORD })
const ignore = (): void => {}

describe.skipIf(server === '')('the doctor about logins and roles', () => {
  let admin: Database
  let superuser: Database
  let owner: Database
  let modern: boolean
  beforeAll(async () => {
    admin = connect(server, ignore)
    await run(admin, `create role ${prefix}owner login createrole password '${PASSWORD}'`)
    await admin.transaction('commit', (sql) => sql.script(`create database ${database} owner ${prefix}owner`))
    superuser = connect(urlOf(server, database), ignore)
    owner = connect(as(`${prefix}owner`), ignore)
    await migrate(owner, prefix)
    const { rows } = await superuser.transaction('', (sql) => sql.query<{ modern: boolean }>("select current_setting('server_version_num')::int >= 160000 as modern"))
    modern = rows[0]?.modern === true
  })
  afterAll(async () => {
    await owner.close()
    await superuser.close()
    await admin.transaction('commit', (sql) => sql.script(`drop database ${database} with (force)`))
    const { rows } = await admin.transaction('', (sql) => sql.query<{ name: string }>(`select rolname::text as name from pg_roles where starts_with(rolname, $1) order by rolname like '%owner'`, [prefix]))
    for (const { name } of rows) await run(admin, `drop role ${name}`)
    await admin.close()
  })

  let logins = 0
  /** A right login, as `ambit migrate` makes it, before a test makes it wrong. */
  async function makeLogin(): Promise<string> {
    const name = `${prefix}login${(logins += 1)}`
    await run(owner, loginScript(name, scramVerifier(PASSWORD), prefix))
    return name
  }

  /** A role of this test, gone with it. */
  async function makeRole(attributes = ''): Promise<string> {
    const name = `${prefix}role${(logins += 1)}`
    await run(superuser, `create role ${name} ${attributes}`)
    onTestFinished(() => run(superuser, `drop owned by ${name}; drop role ${name}`))
    return name
  }

  async function examineAs(name: string): Promise<Report> {
    const app = connect(as(name), ignore, { connections: 1 })
    try {
      return await examineDatabase(app, { rolePrefix: prefix, login: true })
    } finally {
      await app.close()
    }
  }

  const inheritsBy = (login: string, role: string) => (modern ? `grant ${role} to ${login} with inherit true` : `alter role ${login} inherit`)

  test('find nothing on a login as migrate makes it', async () => {
    expect((await examineAs(await makeLogin())).faults).toEqual([])
  })

  interface Planted {
    readonly name: string
    plant(login: string): Promise<string>
    readonly codes: readonly FaultCode[]
  }

  // What is wrong with a login that is the app's own is taken from it.
  const MENDED: readonly Planted[] = [
    { name: 'BYPASSRLS', plant: async (login) => `alter role ${login} bypassrls`, codes: ['login_bypasses_rls'] },
    { name: 'REPLICATION', plant: async (login) => `alter role ${login} replication`, codes: ['login_replicates'] },
    { name: 'a table of its own in the schema', plant: async (login) => `alter table ambit.documents owner to ${login}`, codes: ['login_owns', 'canary_own'] }, // its foreign keys are asked as its owner
    {
      name: 'a function of its own in the schema', codes: ['login_owns'],
      plant: async (login) => `create function ambit.peek() returns integer language sql as 'select 1'; alter function ambit.peek() owner to ${login}`,
    },
    { name: 'inheritance of a role', plant: async (login) => inheritsBy(login, `${prefix}scoped`), codes: ['login_inherits'] },
    {
      name: 'inheritance through a group', codes: ['login_inherits'],
      async plant(login) {
        const group = await makeRole()
        return `alter role ${login} inherit; grant ${prefix}scoped to ${group}; grant ${group} to ${login}; revoke ${prefix}scoped from ${login} ${modern ? `granted by ${prefix}owner` : ''}`
      },
    },
    {
      name: 'inheritance through two groups', codes: ['login_inherits'],
      async plant(login) {
        const [outer, inner] = [await makeRole(), await makeRole()]
        return `alter role ${login} inherit; grant ${prefix}sweeper to ${inner}; grant ${inner} to ${outer}; grant ${outer} to ${login}`
      },
    },
    { name: 'a role that it may not take', plant: async (login) => `revoke ${prefix}sweeper from ${login} ${modern ? `granted by ${prefix}owner` : ''}`, codes: ['login_cannot_become'] },
    { name: 'the operator', plant: async (login) => `grant ${prefix}operator to ${login}`, codes: ['login_may_become'] },
    {
      name: 'the operator through a group', codes: ['login_may_become'],
      async plant(login) {
        const group = await makeRole()
        return `grant ${prefix}operator to ${group}; grant ${group} to ${login}`
      },
    },
    { name: 'the owner', plant: async (login) => `revoke ${login} from ${prefix}owner; grant ${prefix}owner to ${login}`, codes: ['login_may_become'] },
    { name: 'a superuser', plant: async (login) => `grant ${await makeRole('superuser')} to ${login}`, codes: ['login_may_become'] },
    {
      name: 'a role with BYPASSRLS through a group', codes: ['login_may_become'],
      async plant(login) {
        const [strong, group] = [await makeRole('bypassrls'), await makeRole()]
        return `grant ${strong} to ${group}; grant ${group} to ${login}`
      },
    },
    { name: 'a role with CREATEROLE', plant: async (login) => `grant ${await makeRole('createrole')} to ${login}`, codes: ['login_may_become'] },
    { name: 'the files of the server', plant: async (login) => `grant pg_read_server_files to ${login}`, codes: ['login_may_become'] },
    { name: 'a grant of its own', plant: async (login) => `grant select on ambit.threads to ${login}`, codes: ['login_granted'] },
    { name: 'a grant on a column', plant: async (login) => `grant update (title) on ambit.threads to ${login}`, codes: ['login_granted'] },
    {
      name: 'a grant through a group', codes: ['login_granted'],
      async plant(login) {
        const group = await makeRole()
        return `grant select on ambit.threads to ${group}; grant ${group} to ${login}`
      },
    },
    { name: 'CREATE on the schema', plant: async (login) => `grant create on schema ambit to ${login}`, codes: ['grant_create'] },
    { name: 'a role that it begins with', plant: async (login) => `alter role ${login} set role = ${prefix}scoped`, codes: ['setting_preset'] },
    { name: 'a scope that it begins with', plant: async (login) => `alter role ${login} in database ${database} set ambit.org_id = 'acme'`, codes: ['setting_preset'] },
    { name: 'row_security turned off', plant: async (login) => `alter role ${login} set row_security = off`, codes: ['row_security_off', 'canary_own'] },
  ]

  test.for(MENDED.map((planted) => [planted.name, planted] as const))('name %s, and print what mends it', async ([, { plant, codes }]) => {
    const login = await makeLogin()
    await run(superuser, await plant(login))
    const found = await examineAs(login)
    expect(codesOf(found)).toEqual(codes)
    // What could not be tried is not said to hold.
    const tried = !codes.includes('canary_own') && !codes.includes('login_cannot_become')
    expect(found.results.find(({ code }) => code === 'canary_read')?.outcome).toBe(tried ? 'ok' : 'skipped')
    await expect(openStore(as(login), ignore, { rolePrefix: prefix })).rejects.toMatchObject({ name: 'StartError', code: 'unsafe_database' })
    await mend(superuser, found)
    expect((await examineAs(login)).faults).toEqual([])
    const store = await openStore(as(login), ignore, { rolePrefix: prefix })
    await store.close()
  })

  // A login that is somebody else's is left alone, and the app gets one of its own. So it is with the first login of Neon
  // and of Supabase, which create roles and have BYPASSRLS.
  const REPLACED: readonly Planted[] = [
    { name: 'a superuser', plant: async (login) => `alter role ${login} superuser`, codes: ['login_superuser'] },
    { name: 'the owner', plant: async () => '', codes: ['login_creates_roles', 'login_owns'] },
    { name: 'a login with CREATEROLE', plant: async (login) => `alter role ${login} createrole`, codes: ['login_creates_roles'] },
    { name: 'the first login of a managed service', plant: async (login) => `alter role ${login} createrole createdb bypassrls`, codes: ['login_bypasses_rls', 'login_creates_roles'] },
  ]

  test.for(REPLACED.map((planted) => [planted.name, planted] as const))('name %s, and print what makes a right login', async ([name, { plant, codes }]) => {
    const login = name === 'the owner' ? `${prefix}owner` : await makeLogin()
    await run(superuser, await plant(login))
    const found = await examineAs(login)
    expect(codesOf(found)).toEqual(codes)
    const [statements = '', ...others] = new Set(found.faults.map((fault) => fault.mend))
    expect(others).toEqual([])
    expect(statements).toMatch(new RegExp(`^create role ${NEW_LOGIN} login noinherit `))
    const refused: unknown = await openStore(as(login), ignore, { rolePrefix: prefix }).catch((error: unknown) => error)
    const message = refused instanceof Error ? refused.message : ''
    expect(refused).toMatchObject({ code: 'unsafe_database' })
    for (const { code, says } of found.faults) expect(message).toContain(`${code}: ${says}`)
    for (const line of statements?.split('\n') ?? []) expect(message).toContain(`\n    ${line}\n`)
    await run(owner, statements ?? '')
    onTestFinished(() => run(superuser, `drop owned by ${NEW_LOGIN}; drop role ${NEW_LOGIN}`))
    await run(owner, `alter role ${NEW_LOGIN} password '${PASSWORD}'`)
    expect((await examineAs(NEW_LOGIN)).faults).toEqual([])
  })

  const ROLES: readonly { name: string; plant(): Promise<string>; codes: readonly FaultCode[] }[] = [
    { name: 'that logs in', plant: async () => `alter role ${prefix}scoped login`, codes: ['role_mighty'] },
    { name: 'that is a superuser with BYPASSRLS', plant: async () => `alter role ${prefix}sweeper superuser bypassrls`, codes: ['role_mighty'] },
    { name: 'that is a member of another of the four', plant: async () => `grant ${prefix}operator to ${prefix}lookup`, codes: ['login_may_become', 'role_member'] },
    { name: "that is a member of the host's", plant: async () => `grant ${await makeRole()} to ${prefix}scoped`, codes: ['role_member'] },
  ]

  test.for(ROLES.map((planted) => [planted.name, planted] as const))('name a role %s, and print what mends it', async ([, { plant, codes }]) => {
    const login = await makeLogin()
    await run(superuser, await plant())
    const found = await examineAs(login)
    expect(codesOf(found)).toEqual(codes)
    await mend(superuser, found)
    expect((await examineAs(login)).faults).toEqual([])
  })

  test('tell all faults at once', async () => {
    const login = await makeLogin()
    await run(superuser, `alter role ${login} bypassrls; alter table ambit.threads no force row level security; alter table ambit.steps disable row level security`)
    const refused: unknown = await openStore(as(login), ignore, { rolePrefix: prefix }).catch((error: unknown) => error)
    await mend(superuser, await examineAs(login))
    const message = refused instanceof Error ? refused.message : ''
    for (const statement of [`alter role ${login} nobypassrls;`, 'alter table ambit.threads force row level security;', 'alter table ambit.steps enable row level security;']) {
      expect(message).toContain(`    ${statement}`)
    }
    expect((await examineAs(login)).faults).toEqual([])
  })

  // The last one: a role's policies and grants go with it.
  test('name a role that is not there', async () => {
    const login = await makeLogin()
    await run(superuser, `drop owned by ${prefix}operator; drop role ${prefix}operator`)
    const found = await examineAs(login)
    expect(found.faults).toEqual([{ code: 'role_missing', says: expect.stringContaining(`no role ${prefix}operator`) as string, mend: `create role ${prefix}operator nologin noinherit;` }])
    await mend(superuser, found)
    expect((await examineAs(login)).faults).toEqual([])
  })
})
