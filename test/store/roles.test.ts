import pg from 'pg'
import { randomBytes } from 'node:crypto'
import { afterAll, beforeEach, describe, expect, inject, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { apiKeys, createAmbit, createLog, forDatabase } from '../../src/index.ts'
import { pgDatabase } from '../../src/pg.ts'
import type { Database } from '../../src/lib/store/database.ts'
import { openHandles } from '../../src/lib/store/handles.ts'
import { findSharers, migrate, printMigrations, readMigrations } from '../../src/lib/store/migrate.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { loginScript, withRolePrefix } from '../../src/lib/store/role-script.ts'
import { scramVerifier } from '../../src/lib/store/scram-verifier.ts'
import { StartError } from '../../src/lib/store/start-error.ts'
import { openStore } from '../../src/lib/store/store.ts'
import { APOLLO, question, readStream, said, send } from '../support/client.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { must } from '../support/stage.ts'
import { OWNER, urlOf } from '../support/templates.ts'
import { sqlStateOf } from '../support/under.ts'
import { plantWorld } from '../support/world.ts'

const server = inject('postgresUrl')
const silent = () => {}

/** A database of a server on which there are others: its own owner's, its own login's. */
interface Installation {
  readonly name: string
  readonly prefix: string
  readonly owner: Database
  readonly superuser: Database
  readonly login: { readonly user: string; readonly password: string }
  /** As the app's login of an installation, this one or another. */
  urlAs(who: Installation): string
}

/** What is psql's own: conditions that hold on an empty database. */
function withoutPsql(text: string): string {
  return text.replaceAll(/^(\\.*|select .*\\gset)$/gm, '')
}

describe.skipIf(server === '')('two installations on one server', () => {
  const admin = server === '' ? null : connect(server, silent)
  const run = (text: string) => must(admin).transaction('', (sql) => sql.script(text))
  const roles = new Set<string>()
  let mark: string

  beforeEach(() => void (mark = randomBytes(4).toString('hex')))
  afterAll(async () => {
    for (const role of roles) await run(`drop role if exists ${role}`)
    await admin?.close()
  })

  /** Dropped after the test, when all that it registers later has been closed. */
  async function createDatabase(name: string, owner = OWNER.user): Promise<void> {
    await must(admin).transaction('commit', (sql) => sql.script(`create database ${name} owner ${owner}`))
    onTestFinished(() => must(admin).transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`)))
  }

  function dropLater(prefix: string, ...logins: readonly string[]): void {
    for (const role of [...logins, ...['lookup', 'scoped', 'sweeper', 'operator'].map((handle) => prefix + handle)]) roles.add(role)
  }

  async function install(name: string, prefix: string): Promise<Installation> {
    await createDatabase(name)
    const login = { user: `${name}_app`, password: 'secret' }
    dropLater(prefix, login.user)
    const owner = connect(urlOf(server, name, OWNER), silent)
    const superuser = connect(urlOf(server, name), silent)
    onTestFinished(async () => {
      await owner.close()
      await superuser.close()
    })
    await migrate(owner, prefix)
    await owner.transaction('', (sql) => sql.script(loginScript(login.user, scramVerifier(login.password), prefix)))
    return { name, prefix, owner, superuser, login, urlAs: (who) => urlOf(server, name, who.login) }
  }

  /** What a login of one installation can get out of another, by its own name and by the other's roles. */
  async function reach(url: string, statement: string): Promise<string> {
    const database = connect(url, silent)
    try {
      await database.transaction('', (sql) => sql.script(statement))
      return 'reached'
    } catch (error) {
      return sqlStateOf(error)
    } finally {
      await database.close()
    }
  }

  test('with a prefix each are apart, although everybody may connect to both', async () => {
    const one = await install(`two_${mark}_a`, `a${mark}_`)
    const two = await install(`two_${mark}_b`, `b${mark}_`)
    for (const { owner, prefix } of [one, two]) expect(await findSharers(owner, prefix)).toEqual([])
    for (const [own, other] of [[one, two], [two, one]] as const) {
      const store = await openStore(own.urlAs(own), silent, { rolePrefix: own.prefix })
      expect((await store.lookup((sql) => sql.query('select current_user::text as me'))).rows).toEqual([{ me: `${own.prefix}lookup` }])
      await store.close()
      expect(await reach(other.urlAs(own), 'select 1')).toBe('reached')
      expect(await reach(other.urlAs(own), 'select 1 from ambit.documents')).toBe('42501')
      expect(await reach(other.urlAs(own), 'select 1 from ambit.migrations')).toBe('42501')
      for (const role of ['lookup', 'scoped', 'sweeper', 'operator']) {
        expect([role, await reach(other.urlAs(own), `set local role ${other.prefix}${role}`)]).toEqual([role, '42501'])
        expect([role, await reach(other.urlAs(own), `set local role ${own.prefix}${role}; select 1 from ambit.organisations`)]).toEqual([role, '42501'])
      }
      await expect(openStore(other.urlAs(own), silent, { rolePrefix: own.prefix })).rejects.toThrow(StartError)
      await expect(openStore(other.urlAs(own), silent, { rolePrefix: other.prefix })).rejects.toThrow(StartError)
      await expect(openStore(own.urlAs(own), silent)).rejects.toThrow(StartError)
    }
  })

  test('with one prefix share their roles: only CONNECT keeps a login out of the other, and migrate can say so', async () => {
    const prefix = `s${mark}_`
    const one = await install(`same_${mark}_a`, prefix)
    const two = await install(`same_${mark}_b`, prefix)
    const read = `set local role ${prefix}lookup; select 1 from ambit.organisations`
    expect(await reach(two.urlAs(one), read)).toBe('reached')
    expect([await findSharers(one.owner, prefix), await findSharers(two.owner, prefix)]).toEqual([[two.name], [one.name]])
    await two.owner.transaction('', (sql) => sql.script(`revoke connect on database ${two.name} from public`))
    expect(await reach(two.urlAs(one), read)).toBe('42501')
    expect(await reach(two.urlAs(two), read)).toBe('reached')
    expect([await findSharers(one.owner, prefix), await findSharers(two.owner, prefix)]).toEqual([[two.name], []])
  })

  test('a second owner shares the roles of the first where the server allows it', async () => {
    const one = await install(`owners_${mark}_a`, `o${mark}_`)
    const other = { user: `owners_${mark}_b_owner`, password: 'secret' }
    await run(`create role ${other.user} login createrole password '${other.password}'`)
    await createDatabase(`owners_${mark}_b`, other.user)
    dropLater(one.prefix, other.user)
    const owner = connect(urlOf(server, `owners_${mark}_b`, other), silent)
    onTestFinished(() => owner.close())
    const { rows } = await owner.transaction('', (sql) => sql.query<{ version: number }>("select current_setting('server_version_num')::int as version"))
    // Since 16 a role is its maker's: the other one must be given it.
    const guarded = must(rows[0]).version >= 160_000
    const all = (await readMigrations()).length
    expect(await migrate(owner, one.prefix).then((ran) => ran.length, sqlStateOf)).toBe(guarded ? '42501' : all)
    if (guarded) {
      await one.owner.transaction('', (sql) => sql.script(
        ['lookup', 'scoped', 'sweeper', 'operator'].map((role) => `grant ${one.prefix}${role} to ${other.user} with admin true, inherit false, set false;`).join('')))
    }
    expect(await migrate(owner, one.prefix)).toHaveLength(guarded ? all : 0)
  })

  test('a prefix that is not the one of the schema is refused, and changes nothing', async () => {
    const one = await install(`wrong_${mark}`, `w${mark}_`)
    await expect(migrate(one.owner)).rejects.toThrow(`was migrated with the role prefix "w${mark}_", not "ambit_": set AMBIT_ROLE_PREFIX=w${mark}_.`)
    await expect(migrate(one.owner, `v${mark}_`)).rejects.toThrow(StartError)
    const { rows } = await one.owner.transaction('', (sql) => sql.query('select 1 from pg_roles where rolname like $1', [`v${mark}%`]))
    expect(rows).toEqual([])
    expect(await migrate(one.owner, one.prefix)).toEqual([])
  })

  test('what is printed for a DBA makes the same installation', async () => {
    const [name, prefix, user] = [`print_${mark}`, `p${mark}_`, `print_${mark}_app`]
    await createDatabase(name)
    dropLater(prefix, user)
    const owner = connect(urlOf(server, name, OWNER), silent)
    onTestFinished(() => owner.close())
    const text = await printMigrations(prefix)
    expect(text).not.toMatch(/\bambit_(lookup|scoped|sweeper|operator)\b/)
    await owner.transaction('commit', (sql) => sql.script(withoutPsql(text) + loginScript(user, scramVerifier('secret'), prefix)))
    expect(await migrate(owner, prefix)).toEqual([])
    const store = await openStore(urlOf(server, name, { user, password: 'secret' }), silent, { rolePrefix: prefix })
    await store.close()
  })

  test('an answer is given under the roles of its own prefix, and so are a host’s tools', async () => {
    const one = await install(`answer_${mark}`, `t${mark}_`)
    const world = await plantWorld(openHandles(one.superuser, one.prefix))
    const pool = new pg.Pool({ connectionString: one.urlAs(one) }).on('error', silent)
    onTestFinished(() => pool.end())
    const database = pgDatabase(pool)
    const whoAmI = forDatabase(database).defineTool({
      name: 'who_am_i', description: 'Tells the role.', effect: 'read', input: z.object({}),
      run: async (_, { db }) => (await db.query('select current_user::text as role')).rows[0],
    })
    const model = scriptedModel(callsTools(['who_am_i', {}]), says('Said.'))
    const ambit = createAmbit({
      store: one.urlAs(one), rolePrefix: one.prefix, connections: 2, model, database, tools: [whoAmI], authenticate: apiKeys(), log: createLog({ level: 'silent' }),
    })
    onTestFinished(() => ambit.close({ graceMs: 0 }))
    const streamed = await readStream(await send(ambit, world, 'bob', `${APOLLO}/chat`, { body: question('thread', 'Go on.') }))
    expect(said(streamed.chunks)).toBe('Said.')
    expect(streamed.chunks.find((chunk) => chunk.type === 'tool-output-available')).toMatchObject({ output: { role: `${one.prefix}scoped` } })
  })

  test('made at the same moment, each by two, from nothing', async () => {
    const prefix = `m${mark}_`
    const names = ['a', 'b', 'c', 'd'].map((letter) => `many_${mark}_${letter}`)
    dropLater(prefix, ...names.map((name) => `${name}_app`))
    for (const name of names) await createDatabase(name)
    const owners = [...names, ...names].map((name) => ({ name, owner: connect(urlOf(server, name, OWNER), silent) }))
    onTestFinished(async () => void (await Promise.all(owners.map(({ owner }) => owner.close()))))
    const ran = await Promise.all(owners.map(async ({ name, owner }) => {
      const migrated = await migrate(owner, prefix)
      await owner.transaction('', (sql) => sql.script(loginScript(`${name}_app`, null, prefix)))
      return migrated
    }))
    // Of the two on a database either may run the next one: each runs once.
    const all = (await readMigrations()).map((migration) => migration.name)
    expect(ran.flat().toSorted()).toEqual(names.flatMap(() => all).toSorted())
  })
})

describe('a role prefix', () => {
  test.each(['', '_a', '1a_', 'Ambit_', 'a"b_', "a'b", 'a b', 'pg_', 'pg_ambit_', 'a'.repeat(42)])('cannot be "%s": it is refused before anything is opened', (prefix) => {
    const open = () => createAmbit({ store: 'postgres://nobody@127.0.0.1:1/none', rolePrefix: prefix, model: 'none', authenticate: apiKeys() })
    expect(open).toThrow(/role prefix/)
    expect(() => withRolePrefix('', prefix)).toThrow(/role prefix/)
    expect(() => loginScript('app', null, prefix)).toThrow(/role prefix/)
  })

  test('is not for an embedded database', () => {
    const store = { open: () => Promise.reject(new Error('opened')) }
    expect(() => createAmbit({ store, rolePrefix: 'other_', model: 'none', authenticate: apiKeys() })).toThrow(/embedded/)
  })
})
