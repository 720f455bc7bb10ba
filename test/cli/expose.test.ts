import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { openHandles } from '../../src/lib/store/handles.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { run } from '../support/examined.ts'
import { NORTH, NORTH_WEB, SHOP, dumpExposed, seenBy } from '../support/exposing.ts'
import { OWNER, urlOf } from '../support/templates.ts'
import { ambit, newDirectory } from './ambit.ts'

const postgres = inject('postgresUrl')
const mark = randomBytes(4).toString('hex')
const name = `expose_${mark}`
const login = { user: `expose_app_${mark}`, password: 'secret' }

describe.skipIf(postgres === '')('ambit expose', () => {
  const directory = newDirectory()
  const app = () => ({ AMBIT_DIRECTORY: directory, AMBIT_DATABASE_URL: urlOf(postgres, name, login) })
  const owners = () => ({ ...app(), AMBIT_DATABASE_OWNER_URL: urlOf(postgres, name, OWNER) })
  let admin: Database
  let superuser: Database

  beforeAll(async () => {
    admin = connect(postgres, () => {})
    await admin.transaction('commit', (sql) => sql.script(`create database ${name} owner ${OWNER.user}`))
    superuser = connect(urlOf(postgres, name), () => {})
    const migrated = await ambit(['migrate'], owners())
    if (migrated.code !== 0) throw new Error(migrated.err)
    await run(superuser, `set local role ${OWNER.user}; ${SHOP}`)
  })
  afterAll(async () => {
    await superuser.close()
    await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
    await admin.transaction('', (sql) => sql.script(`drop role if exists ${login.user}`))
    await admin.close()
    rmSync(directory, { recursive: true, force: true })
  })

  const orders = ['expose', 'shop.orders', '--org-column', 'account', '--project-column', 'shop']
  const seen = (scope: typeof NORTH) => seenBy(openHandles(superuser), scope, 'select id from ambit_host.orders order by id')

  test('opens a table and says to whom; the doctor has nothing against it', async () => {
    const opened = await ambit([...orders, '--allow', 'select,insert'], owners())
    expect(opened).toMatchObject({ code: 0, err: '' })
    expect(opened.out.split('\n').slice(0, 2)).toEqual([
      'Tools may select and insert the rows of shop.orders as ambit_host.orders.',
      'A scope sees the rows whose account is its organisation and whose shop is one of its projects.',
    ])
    expect([await seen(NORTH), await seen(NORTH_WEB)]).toEqual([['nk', 'no', 'nw'], ['nw']])
    expect(await ambit(['doctor'], owners())).toMatchObject({ code: 0, err: '' })
  })

  test('--print writes with either login what the command would do, and does nothing', async () => {
    await run(superuser, 'drop schema ambit_host cascade')
    const [byApp, byOwner] = [await ambit([...orders, '--print'], app()), await ambit([...orders, '--print'], owners())]
    expect(byApp).toMatchObject({ code: 0, err: '' })
    expect(byOwner).toEqual(byApp)
    expect(await seen(NORTH)).toBe('42P01')
    expect(byApp.out).toMatch(/^-- For one transaction, as the owner of the table\.\n-- Tools may select the rows of shop\.orders/)
    expect(byApp.out).not.toMatch(/^(begin|commit|\\)/m)
    await run(superuser, `set local role ${OWNER.user}; ${byApp.out}`)
    const printed = await dumpExposed(superuser)
    await run(superuser, 'drop schema ambit_host cascade')
    expect(await ambit(orders, owners())).toMatchObject({ code: 0, err: '' })
    expect(await dumpExposed(superuser)).toEqual(printed)
  })

  test('a name with a line break stays inside its comment', async () => {
    await run(superuser, `set local role ${OWNER.user}; create table shop.broken ("account\ndrop schema shop; --" text)`)
    const { code, out } = await ambit(['expose', 'shop.broken', '--org-column', 'account\ndrop schema shop; --', '--print'], owners())
    expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('-- Only the scope of a whole organisation sees rows: those whose account drop schema shop; -- is its') as string })
    const plain = out.replaceAll(/"[^"]*"/g, '').replaceAll(/E'[^']*'/g, '')
    expect(plain.split('\n').filter((line) => line.startsWith('drop schema'))).toEqual([])
    await run(superuser, 'drop table shop.broken')
  })

  test.each([
    [['expose', 'shop.nothing', '--org-column', 'account'], 1, /^There is no table shop\.nothing here: /],
    [['expose', 'shop.orders', '--org-column', 'org'], 1, /^shop\.orders has no column "org"\. It has account, shop, id/],
    [[...orders, '--as', 'policy'], 1, /^Row-level security is off for shop\.orders/],
    [[...orders, '--as', 'table'], 1, /^--as is "table": it must be view or policy\.\n$/],
    [[...orders, '--allow', 'select,truncate'], 1, /^--allow is "truncate": it takes select, insert, update, delete, with commas between them\.\n$/],
    [[...orders, '--every-project'], 1, /leave one out\.\n$/],
    [['expose', 'shop.orders'], 2, /^--org-column <column> is missing\./],
    [['expose', '--org-column', 'account'], 2, /^<table> is missing\./],
  ])('%j is refused in words', async (words, code, err) => {
    expect(await ambit(words, owners())).toEqual({ code, out: '', err: expect.stringMatching(err) as string })
  })

  test('says which URL it needs', async () => {
    expect(await ambit(orders, app())).toMatchObject({ code: 1, err: expect.stringMatching(/^Set AMBIT_DATABASE_OWNER_URL to the login that owns the table/) as string })
    expect(await ambit([...orders, '--print'], { AMBIT_DIRECTORY: directory })).toMatchObject({ code: 1, err: expect.stringMatching(/^Set AMBIT_DATABASE_OWNER_URL or AMBIT_DATABASE_URL/) as string })
  })

  test('the roles are made before', async () => {
    const bare = { ...owners(), AMBIT_ROLE_PREFIX: `bare_${mark}_` }
    expect(await ambit(orders, bare)).toMatchObject({ code: 1, err: expect.stringMatching(/set AMBIT_ROLE_PREFIX=ambit_\.\n$/) as string })
    await admin.transaction('commit', (sql) => sql.script(`create database ${name}_bare owner ${OWNER.user}`))
    try {
      const other = connect(urlOf(postgres, `${name}_bare`), () => {}, { connections: 1 })
      await run(other, `set local role ${OWNER.user}; ${SHOP}`)
      await other.close()
      const refused = await ambit(orders, { ...bare, AMBIT_DATABASE_OWNER_URL: urlOf(postgres, `${name}_bare`, OWNER) })
      expect(refused).toMatchObject({ code: 1, out: '', err: `There is no role bare_${mark}_scoped to open a table to: run "ambit migrate" first.\n` })
    } finally {
      await admin.transaction('commit', (sql) => sql.script(`drop database ${name}_bare with (force)`))
    }
  })
})
