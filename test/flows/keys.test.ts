import { describe, expect, test } from 'vitest'
import type { Ambit, Directory, Principal } from '../../src/index.ts'
import { join } from '../../src/lib/directory/create-place.ts'
import { ACME, APOLLO, ZEPHYR, send } from '../support/client.ts'
import type { Call } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { answerOf, exchange } from '../support/exchange.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { logged, must, read, useStage } from '../support/stage.ts'
import { attempt, settingsOf } from '../support/under.ts'
import type { PersonName } from '../support/world.ts'

interface Key {
  readonly id: string
  readonly person: string
  readonly beginning: string
  readonly made_by: string | null
  readonly created_at: string
  readonly expires_at: string | null
  readonly last_used_at: string | null
  readonly revoked_at: string | null
}

interface KeyPage {
  readonly keys: readonly Key[]
  readonly next: string | null
}

type NewKey = Key & { readonly key: string }

describe.each(databaseKinds)('keys on $name', (kind) => {
  const stage = useStage(kind)
  const start = () => stage.start({ model: scriptedModel(says('Said.')) })
  const ask = (ambit: Ambit, who: PersonName, path: string, call: Call = {}) => send(ambit, stage.world, who, path, call)
  const make = (ambit: Ambit, who: PersonName, place: string, body?: unknown) => ask(ambit, who, `${place}/keys`, body === undefined ? { method: 'POST' } : { body })
  const made = async (response: Response): Promise<NewKey> => {
    expect(response.status).toBe(201)
    return (await response.json()) as NewKey
  }
  const statusWith = async (ambit: Ambit, key: string, path: string) => (await exchange(ambit, { method: 'GET', path, authorization: `Bearer ${key}` })).status
  const list = (ambit: Ambit, who: PersonName, place: string, query = '') => read<KeyPage>(stage, ambit, who, `${place}/keys${query}`)
  const give = (personId: string, place: string, role: 'owner' | 'admin' | 'member') => {
    const projectId = place === 'acme' ? '*' : must(stage.world.ids[place])
    return stage.database.handles.operator((sql) => join(sql, { orgId: must(stage.world.ids['acme']), projectId, role, person: { id: personId, name: personId } }))
  }

  test('somebody makes an own one, sees it, uses it, and revokes it', async () => {
    const { ambit, lines } = start()
    const mine = await made(await make(ambit, 'dave', ACME, { expires_in_days: 30 }))
    expect(mine).toMatchObject({ person: 'dave', made_by: 'dave', last_used_at: null, revoked_at: null })
    expect(mine.key).toMatch(/^ambit_[\w-]{12}_[\w-]{43}$/)
    expect(mine.key.slice(0, 18)).toBe(mine.beginning)
    expect(Date.parse(must(mine.expires_at)) - Date.parse(mine.created_at)).toBe(30 * 86_400_000)
    expect(await statusWith(ambit, mine.key, `${ACME}/threads`)).toBe(200)
    const { keys } = await list(ambit, 'dave', ACME)
    expect(keys.map(({ person }) => person)).toEqual(['dave', 'dave'])
    expect(keys[0]).toEqual({ ...mine, key: undefined, last_used_at: expect.any(String) })
    expect(keys[1]).toMatchObject({ made_by: null, expires_at: null })
    expect((await ask(ambit, 'dave', `${ACME}/keys/${mine.id}`, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(ambit, 'dave', `${ACME}/keys/${mine.id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await statusWith(ambit, mine.key, `${ACME}/threads`)).toBe(401)
    expect((await list(ambit, 'dave', ACME)).keys[0]).toMatchObject({ id: mine.id, revoked_at: expect.any(String) })
    expect(await logged(lines, 'key made')).toMatchObject({ org_slug: 'acme', subject: 'dave', person: 'dave', key_id: mine.id })
    expect(await logged(lines, 'key revoked')).toMatchObject({ subject: 'dave', key_id: mine.id })
    expect(JSON.stringify(lines)).not.toContain(mine.key.slice(-43))
  })

  test('no answer but that to the making holds a secret or a hash', async () => {
    const { ambit } = start()
    const { key } = await made(await make(ambit, 'bob', ACME))
    const text = await (await ask(ambit, 'ada', `${ACME}/keys?limit=200`)).text()
    expect(text).toContain(key.slice(0, 18))
    expect(text).not.toContain(key.slice(-43))
    expect(text).not.toContain('hash')
  })

  test('members see their own, admins all of the organisation, page by page; nobody another organisation’s', async () => {
    const { ambit } = start()
    expect(new Set((await list(ambit, 'bob', ACME)).keys.map(({ person }) => person))).toEqual(new Set(['bob']))
    for (const who of ['ada', 'carol'] as const) expect(new Set((await list(ambit, who, ACME)).keys.map(({ person }) => person))).toEqual(new Set(['ada', 'bob', 'carol', 'dave', 'erin']))
    // At a project it is one's own, for its admins, too.
    expect(new Set((await list(ambit, 'ada', APOLLO)).keys.map(({ person }) => person))).toEqual(new Set(['ada']))
    const all = (await list(ambit, 'ada', ACME)).keys.map(({ id }) => id)
    const paged: string[] = []
    for (let page = await list(ambit, 'ada', ACME, '?limit=2'); ; page = await list(ambit, 'ada', ACME, `?limit=2&after=${must(page.next)}`)) {
      paged.push(...page.keys.map(({ id }) => id))
      if (page.next === null) break
    }
    expect(paged).toEqual(all)
  })

  test('who is in one project alone keeps own keys there', async () => {
    const { ambit } = start()
    const { id, key } = await made(await make(ambit, 'erin', APOLLO))
    expect([await statusWith(ambit, key, `${APOLLO}/threads`), await statusWith(ambit, key, `${ACME}/threads`)]).toEqual([200, 404])
    expect((await make(ambit, 'erin', ACME)).status).toBe(404)
    expect((await make(ambit, 'erin', APOLLO, { person: 'bob' })).status).toBe(403)
    expect((await ask(ambit, 'erin', `${APOLLO}/keys/${id}`, { method: 'DELETE' })).status).toBe(204)
  })

  test('an admin makes one for somebody whose places and roles are all within his own reach', async () => {
    const { ambit, lines } = start()
    const forBob = await made(await make(ambit, 'carol', ACME, { person: 'bob' }))
    expect(forBob).toMatchObject({ person: 'bob', made_by: 'carol' })
    expect((await list(ambit, 'bob', ACME)).keys.find(({ id }) => id === forBob.id)).toMatchObject({ made_by: 'carol' })
    await made(await make(ambit, 'carol', ACME, { person: 'erin' }))
    expect(await logged(lines, 'key made')).toMatchObject({ subject: 'carol', person: 'bob' })
    // Not at a project, nor by who is no admin.
    for (const who of ['bob', 'dave'] as const) expect((await make(ambit, who, ACME, { person: 'erin' })).status).toBe(403)
    expect((await make(ambit, 'ada', APOLLO, { person: 'bob' })).status).toBe(403)
    expect((await make(ambit, 'bob', ACME, { person: 'bob' })).status).toBe(201)
  })

  test('nobody becomes more by a key: not an owner, not a member of a private project, not an admin of one', async () => {
    const { ambit } = start()
    await give('olive', 'acme', 'owner')
    await give('pia', 'acme', 'member')
    await give('quinn', 'acme', 'member')
    expect((await make(ambit, 'carol', ACME, { person: 'ada' })).status).toBe(403)
    await made(await make(ambit, 'carol', ACME, { person: 'pia' }))
    await give('pia', 'acme/zephyr', 'member')
    await made(await make(ambit, 'carol', ACME, { person: 'pia' })) // who is a member there, too
    await give('quinn', 'acme/zephyr', 'admin')
    const above = await answerOf(await ask(ambit, 'carol', `${ACME}/keys`, { body: { person: 'quinn' }, headers: { 'x-request-id': 'same' } }))
    expect(above.status).toBe(403)
    // A private project that the maker is not in: an owner of the organisation is refused as well, by the same words.
    const olive = await made(await make(ambit, 'ada', ACME, { person: 'olive' }))
    const unseen = await answerOf(await exchange(ambit, { method: 'POST', path: `${ACME}/keys`, authorization: `Bearer ${olive.key}`, body: { person: 'pia' }, headers: { 'x-request-id': 'same' } }))
    expect(unseen).toEqual(above)
  })

  test('who is nobody here, is somebody elsewhere, or is in a hidden project alone: one and the same 404', async () => {
    const { ambit } = start()
    await ask(ambit, 'carol', `${ACME}/projects`, { body: { slug: 'vault', name: 'Vault', visibility: 'private' } })
    await ask(ambit, 'carol', `${ACME}/projects/vault/members/rita`, { method: 'PUT', body: { role: 'member' } })
    const answers = await Promise.all(['never', 'hana', 'rita'].map(async (person) => answerOf(await ask(ambit, 'ada', `${ACME}/keys`, { body: { person }, headers: { 'x-request-id': 'same' } }))))
    expect(answers[0]?.status).toBe(404)
    for (const answer of answers) expect(answer).toEqual(answers[0])
    await made(await make(ambit, 'carol', ACME, { person: 'rita' }))
  })

  test('keys of others are revoked by admins of the organisation, and else are not there', async () => {
    const { ambit } = start()
    const mine = await made(await make(ambit, 'bob', ACME))
    const revoke = async (who: PersonName, place: string, id: string) => answerOf(await ask(ambit, who, `${place}/keys/${id}`, { method: 'DELETE', headers: { 'x-request-id': 'same' } }))
    const absent = await revoke('dave', ACME, 'key_never')
    expect(absent.status).toBe(404)
    expect(await revoke('dave', ACME, mine.id)).toEqual(absent)
    expect(await revoke('gus', '/v1/orgs/globex', mine.id)).toEqual(absent)
    expect(await revoke('erin', APOLLO, mine.id)).toEqual(absent)
    expect(await revoke('carol', ZEPHYR, mine.id)).toEqual(absent)
    expect(await revoke('ada', APOLLO, mine.id)).toEqual(absent)
    expect(await statusWith(ambit, mine.key, `${ACME}/threads`)).toBe(200)
    expect((await revoke('carol', ACME, mine.id)).status).toBe(204)
    expect(await statusWith(ambit, mine.key, `${ACME}/threads`)).toBe(401)
  })

  test('a credential of one project makes, shows and revokes none: they would open more', async () => {
    const { keys } = await list(start().ambit, 'ada', ACME)
    const narrow = async (): Promise<Principal> => ({ subject: 'ada', kind: 'person', claims: { org: 'acme', project: 'apollo' } })
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')), authenticate: narrow })
    const by = async (method: string, path: string, body?: unknown) => (await exchange(ambit, { method, path: APOLLO + path, authorization: undefined, body })).status
    expect(await by('GET', '/threads')).toBe(200)
    expect([await by('POST', '/keys', {}), await by('GET', '/keys'), await by('DELETE', `/keys/${must(keys[0]).id}`)]).toEqual([403, 403, 403])
  })

  test.each([[{ expires_in_days: 0 }, '/expires_in_days'], [{ expires_in_days: 3_651 }, '/expires_in_days'], [{ expires_in_days: 1.5 }, '/expires_in_days'], [{ person: 'a b' }, '/person'], [{ person: 5 }, '/person'], [5, '']])(
    '%o is malformed',
    async (body, pointer) => {
      const { ambit } = start()
      const response = await make(ambit, 'ada', ACME, body)
      expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'malformed', pointer })])
    },
  )

  test('below the code: keys are shown and written only in a transaction that was opened for it, and never with their hash', async () => {
    const rows = stage.world.rows('acme', 'bob')
    const tried = (marks: object, text: string) => attempt(stage.database.superuser, 'scoped', { ...settingsOf(rows), ...marks }, async (sql) => (await sql.query(text)).count)
    const owners = (marks: object) =>
      attempt(stage.database.superuser, 'scoped', { ...settingsOf(rows), ...marks }, async (sql) =>
        (await sql.query<{ owner: string }>('select distinct person_id as owner from ambit.api_keys')).rows.map(({ owner }) => owner))
    const [admin, own] = [{ administers: 'true' }, { own_affairs: 'true' }]
    expect([await owners({}), await owners(own)]).toEqual([[], ['bob']])
    expect(await owners(admin)).toEqual(expect.arrayContaining(['ada', 'bob', 'carol', 'dave', 'erin']))
    expect(await owners(admin)).not.toContain('gus')
    expect(await owners({ ...admin, project_ids: JSON.stringify([must(stage.world.ids['acme/apollo'])]) })).toEqual([])
    for (const text of ['select hash from ambit.api_keys', 'select * from ambit.api_keys', "update ambit.api_keys set hash = ''", 'delete from ambit.api_keys', "update ambit.api_keys set expires_at = null"]) {
      expect([text, await tried(admin, text)]).toEqual([text, '42501'])
    }
    const insert = (person: string, by: string, more = '') => `insert into ambit.api_keys (org_id, id, person_id, prefix, hash, made_by) values ('${rows.orgId}', 'k', '${person}', 'p', '', '${by}') ${more}`
    expect([await tried({}, insert('bob', 'bob')), await tried(own, insert('bob', 'bob')), await tried(own, insert('ada', 'bob')), await tried(admin, insert('ada', 'bob')), await tried(admin, insert('ada', 'ada'))])
      .toEqual(['42501', 1, '42501', 1, '42501'])
    expect(await tried(own, insert('bob', 'bob', 'returning hash'))).toBe('42501')
  })
})

describe.each(databaseKinds)('under a directory of the host, on $name', (kind) => {
  const stage = useStage(kind)

  test('there are no projects, members and keys, whoever asks', async () => {
    const place = { id: must(stage.world.ids['acme']), slug: 'acme', name: 'Acme' }
    const directory: Directory = { access: async (_, { project }) => ({ role: 'owner', org: place, ...(project !== undefined && { project: { id: project, slug: project, name: project } }) }), projects: async () => [] }
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')), directory })
    const asked: readonly (readonly [method: NonNullable<Call['method']>, path: string, body?: unknown])[] = [
      ['GET', '/projects'], ['POST', '/projects', { slug: 'a', name: 'A', visibility: 'private' }], ['GET', '/members'], ['PUT', '/members/bob', { role: 'owner' }], ['DELETE', '/members/bob'],
      ['GET', '/keys'], ['POST', '/keys', {}], ['DELETE', '/keys/key_never'], ['PATCH', '/projects/apollo', { name: 'A' }], ['DELETE', '/projects/apollo'], ['GET', '/projects/apollo/members'], ['POST', '/projects/apollo/keys', {}],
    ]
    expect((await send(ambit, stage.world, 'ada', `${ACME}/threads`)).status).toBe(200)
    const absent = (await answerOf(await send(ambit, stage.world, 'ada', '/v1/orgs/never/nothing', { headers: { 'x-request-id': 'same' } }))).body
    for (const [method, path, body] of asked) {
      const answer = await answerOf(await send(ambit, stage.world, 'ada', ACME + path, { method, ...(body !== undefined && { body }), headers: { 'x-request-id': 'same' } }))
      expect([method, path, answer.status, answer.body]).toEqual([method, path, 404, absent])
    }
  })
})
