import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { authenticateKey, createKey } from '../../src/lib/identity/api-key.ts'
import { revokeKey } from '../../src/lib/store/key-rows.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { newId, plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

describe.each(databaseKinds)('an API key on $name', (kind) => {
  let database: TestDatabase
  let world: World
  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
  })
  afterAll(() => database.drop())

  const mint = (expiresInDays: number | null = null) =>
    database.handles.operator((sql) => createKey(sql, { orgId: world.ids['acme'] ?? '', personId: 'bob', expiresInDays }, newId))
  const stored = async (key: string) => {
    const { rows } = await database.superuser.transaction('', (sql) =>
      sql.query<{ id: string; hash: Uint8Array; last_used_at: Date | null }>('select id, hash, last_used_at from ambit.api_keys where prefix = $1', [key.slice(6, 18)]),
    )
    return rows[0]
  }
  const codeOf = async (authorization: string | null) => {
    const credential = await authenticateKey(database.handles, authorization)
    return credential.ok ? 'ok' : credential.code
  }

  test('is 256 random bits, of which the database has a hash', async () => {
    const key = await mint()
    expect(key).toMatch(/^ambit_[\w-]{12}_[\w-]{43}$/)
    expect(Buffer.from((await stored(key))?.hash ?? []).length).toBe(32)
    const { rows } = await database.superuser.transaction('', (sql) => sql.query<{ row: string }>('select k::text as row from ambit.api_keys k'))
    expect(rows.map(({ row }) => row).join()).not.toContain(key.slice(19))
  })

  test('speaks for its person in its organisation, as Bearer however that is written', async () => {
    const key = await mint()
    for (const authorization of [`Bearer ${key}`, `bearer ${key}`, `BEARER  ${key}`]) {
      expect(await authenticateKey(database.handles, authorization)).toMatchObject({ ok: true, principal: { subject: 'bob', kind: 'person', claims: { org: 'acme' } } })
    }
  })

  test('fails for six reasons, told apart inside', async () => {
    const [key, revoked, expired] = [await mint(), await mint(), await mint(-1)]
    await database.handles.operator((sql) => revokeKey(sql, revoked.slice(6, 18)))
    expect(await codeOf(null)).toBe('absent')
    expect(await codeOf('Basic abc')).toBe('malformed')
    expect(await codeOf(key)).toBe('malformed')
    expect(await codeOf(`Bearer ${key}x`)).toBe('malformed')
    expect(await codeOf(`Bearer ambit_${'a'.repeat(12)}_${key.slice(19)}`)).toBe('unknown')
    expect(await codeOf(`Bearer ${key.slice(0, 19)}${'a'.repeat(43)}`)).toBe('wrong_secret')
    expect(await codeOf(`Bearer ${revoked}`)).toBe('revoked')
    expect(await codeOf(`Bearer ${expired}`)).toBe('expired')
  })

  test('remembers its last use, written once a minute and never by a failure', async () => {
    const key = await mint()
    await codeOf(`Bearer ${key.slice(0, 19)}${'a'.repeat(43)}`)
    expect((await stored(key))?.last_used_at).toBeNull()
    await codeOf(`Bearer ${key}`)
    const first = (await stored(key))?.last_used_at
    expect(first).toBeInstanceOf(Date)
    await codeOf(`Bearer ${key}`)
    expect((await stored(key))?.last_used_at).toEqual(first)
  })
})
