import { describe, expect, onTestFinished, test, vi } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { ACME, APOLLO, ZEPHYR, parseStream, readStream, send } from '../support/client.ts'
import type { Call } from '../support/client.ts'
import { rowsToChange } from '../../src/lib/scope/chat-execution-context.ts'
import type { RowScope } from '../../src/lib/store/handles.ts'
import { databaseKinds } from '../support/databases.ts'
import { answerOf } from '../support/exchange.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, logged, must, post, read, readRest, readUntil, useStage } from '../support/stage.ts'
import { attempt, settingsOf } from '../support/under.ts'
import type { PersonName } from '../support/world.ts'

const GLOBEX = '/v1/orgs/globex'

interface MemberPage {
  readonly members: readonly { readonly id: string; readonly name: string; readonly role: string; readonly since: string | null }[]
  readonly next: string | null
}

describe.each(databaseKinds)('members on $name', (kind) => {
  const stage = useStage(kind)
  const start = () => stage.start({ model: scriptedModel(says('Said.')) })
  const ask = (ambit: Ambit, who: PersonName, path: string, call: Call = {}) => send(ambit, stage.world, who, path, call)
  const put = (ambit: Ambit, who: PersonName, path: string, body: unknown) => ask(ambit, who, path, { method: 'PUT', body })
  const remove = (ambit: Ambit, who: PersonName, path: string) => ask(ambit, who, path, { method: 'DELETE' })
  const list = (ambit: Ambit, who: PersonName, path: string) => read<MemberPage>(stage, ambit, who, `${path}/members`)
  const roles = ({ members }: MemberPage) => Object.fromEntries(members.map(({ id, role }) => [id, role]))

  /** What a test changes of the world is put back for the next one. */
  const restored = async () => {
    const tables = () => stage.database.superuser.transaction('', (sql) => sql.query<{ rows: string }>('select json_agg(m)::text as rows from ambit.memberships m'))
    const before = must((await tables()).rows[0]).rows
    onTestFinished(async () => {
      await stage.database.superuser.transaction('', async (sql) => {
        await sql.query('delete from ambit.memberships')
        await sql.query('insert into ambit.memberships select * from json_populate_recordset(null::ambit.memberships, $1::json)', [before])
      })
    })
  }

  test('everybody in a place sees who was given a role in it, page by page', async () => {
    const { ambit } = start()
    for (const who of ['ada', 'bob', 'dave'] as const) expect(roles(await list(ambit, who, ACME))).toEqual({ ada: 'owner', bob: 'member', carol: 'admin', dave: 'viewer' })
    expect((await list(ambit, 'erin', APOLLO)).members).toEqual([{ id: 'erin', name: 'erin', role: 'member', since: expect.stringMatching(/^\d{4}-/) }])
    expect((await ask(ambit, 'erin', `${ACME}/members`)).status).toBe(404)
    expect((await ask(ambit, 'bob', `${ZEPHYR}/members`)).status).toBe(404)
    const page = await read<MemberPage>(stage, ambit, 'bob', `${ACME}/members?limit=2&after=bob`)
    expect([page.members.map(({ id }) => id), page.next]).toEqual([['carol', 'dave'], 'dave'])
    expect((await ask(ambit, 'bob', `${ACME}/members?after=a%20b`)).status).toBe(400)
  })

  test('an admin lets somebody in, changes the role and the name, and removes', async () => {
    await restored()
    const { ambit, lines } = start()
    const added = await put(ambit, 'carol', `${ACME}/members/zoe`, { role: 'viewer', name: 'CNRY-zoe' })
    expect([added.status, await added.json()]).toEqual([200, { id: 'zoe', name: 'CNRY-zoe', role: 'viewer', since: expect.any(String) }])
    expect(await (await put(ambit, 'carol', `${ACME}/members/zoe`, { role: 'admin' })).json()).toMatchObject({ name: 'CNRY-zoe', role: 'admin' })
    expect(await (await put(ambit, 'carol', `${ACME}/members/zoe`, { role: 'member', name: 'Zoe' })).json()).toMatchObject({ name: 'Zoe', role: 'member' })
    expect((await remove(ambit, 'carol', `${ACME}/members/zoe`)).status).toBe(204)
    expect((await remove(ambit, 'carol', `${ACME}/members/zoe`)).status).toBe(404)
    expect(await logged(lines, 'member added')).toMatchObject({ org_slug: 'acme', subject: 'carol', person: 'zoe', role: 'viewer', before: null })
    expect(await logged(lines, 'member changed')).toMatchObject({ role: 'admin', before: 'viewer' })
    expect(await logged(lines, 'member removed')).toMatchObject({ subject: 'carol', person: 'zoe' })
    expect(JSON.stringify(lines)).not.toContain('CNRY-zoe')
  })

  test('a name is the place’s own: another organisation’s for the same id is neither told nor changed', async () => {
    await restored()
    const { ambit } = start()
    expect(await (await put(ambit, 'ada', `${ACME}/members/hana`, { role: 'member' })).json()).toMatchObject({ id: 'hana', name: 'hana' })
    expect((await put(ambit, 'gus', `${GLOBEX}/members/hana`, { role: 'member', name: 'CNRY-globex-hana' })).status).toBe(200)
    // Known elsewhere and known nowhere: the same answer.
    const answers = await Promise.all(['hana', 'nobody'].map(async (id) => ((await (await put(ambit, 'ada', `${APOLLO}/members/${id}`, { role: 'viewer' })).text()).replaceAll(id, 'x').replace(/"since":"[^"]*"/, ''))))
    expect(answers[0]).toBe(answers[1])
    expect((await put(ambit, 'ada', `${ACME}/members/hana`, { role: 'member', name: 'CNRY-acme-hana' })).status).toBe(200)
    expect((await list(ambit, 'hana', GLOBEX)).members).toContainEqual(expect.objectContaining({ id: 'hana', name: 'CNRY-globex-hana' }))
    expect(JSON.stringify(await list(ambit, 'ada', ACME))).not.toContain('CNRY-globex')
  })

  test('only owners make, change and remove owners; nobody gives a role above his own', async () => {
    await restored()
    const { ambit } = start()
    const refused: readonly (readonly [who: PersonName, person: string, role: string])[] = [['carol', 'carol', 'owner'], ['carol', 'bob', 'owner'], ['carol', 'new', 'owner'], ['carol', 'ada', 'viewer'], ['bob', 'bob', 'admin'], ['dave', 'dave', 'member']]
    for (const [who, person, role] of refused) expect([who, person, (await put(ambit, who, `${ACME}/members/${person}`, { role })).status]).toEqual([who, person, 403])
    for (const who of ['carol', 'bob', 'dave'] as const) expect((await remove(ambit, who, `${ACME}/members/ada`)).status).toBe(403)
    expect((await put(ambit, 'gus', `${ACME}/members/gus`, { role: 'owner' })).status).toBe(404)
    expect((await put(ambit, 'erin', `${APOLLO}/members/erin`, { role: 'admin' })).status).toBe(403)
    // An admin of the organisation has no say in a private project, be he a member of it.
    expect((await put(ambit, 'carol', `${ZEPHYR}/members/carol`, { role: 'admin' })).status).toBe(403)
    expect(roles(await list(ambit, 'ada', ACME))).toEqual({ ada: 'owner', bob: 'member', carol: 'admin', dave: 'viewer' })
    expect((await put(ambit, 'ada', `${ACME}/members/carol`, { role: 'owner' })).status).toBe(200)
    expect((await put(ambit, 'carol', `${ACME}/members/ada`, { role: 'viewer' })).status).toBe(200)
  })

  test('who is admin of a project gives roles in it, and nowhere else', async () => {
    await restored()
    const { ambit } = start()
    expect((await put(ambit, 'carol', `${APOLLO}/members/erin`, { role: 'admin' })).status).toBe(200)
    expect((await put(ambit, 'erin', `${APOLLO}/members/kim`, { role: 'admin' })).status).toBe(200)
    expect((await put(ambit, 'erin', `${APOLLO}/members/kim`, { role: 'owner' })).status).toBe(403)
    expect((await put(ambit, 'erin', `${ACME}/members/erin`, { role: 'member' })).status).toBe(404)
    expect((await put(ambit, 'erin', `${ZEPHYR}/members/erin`, { role: 'member' })).status).toBe(404)
    expect((await remove(ambit, 'erin', `${APOLLO}/members/kim`)).status).toBe(204)
  })

  test('the last owner of an organisation or a private project is neither lowered nor removed, and cannot leave', async () => {
    await restored()
    const { ambit } = start()
    const last = async (response: Response) => [response.status, ((await response.json()) as { code: string }).code]
    expect(await last(await put(ambit, 'ada', `${ACME}/members/ada`, { role: 'admin' }))).toEqual([409, 'conflict'])
    expect(await last(await remove(ambit, 'ada', `${ACME}/members/ada`))).toEqual([409, 'conflict'])
    expect((await put(ambit, 'ada', `${ACME}/members/ada`, { role: 'owner', name: 'Ada' })).status).toBe(200)
    expect((await ask(ambit, 'ada', `${ACME}/projects`, { body: { slug: 'solo', name: 'Solo', visibility: 'private' } })).status).toBe(201)
    expect((await remove(ambit, 'ada', `${ACME}/projects/solo/members/ada`)).status).toBe(409)
    // Of two owners who remove each other at once one stays.
    await put(ambit, 'ada', `${ACME}/members/carol`, { role: 'owner' })
    const both = await Promise.all([remove(ambit, 'ada', `${ACME}/members/carol`), remove(ambit, 'carol', `${ACME}/members/ada`)])
    expect(both.filter(({ status }) => status === 204)).toHaveLength(1)
    const { rows } = await stage.database.superuser.transaction('', (sql) =>
      sql.query<{ count: number }>("select count(*)::int as count from ambit.memberships where org_id = $1 and project_id = '*' and role = 'owner'", [must(stage.world.ids['acme'])]))
    expect(rows[0]?.count).toBe(1)
    // In a project that is open, owners of the organisation remain.
    await put(ambit, rows.length > 0 && both[0]?.status === 204 ? 'ada' : 'carol', `${APOLLO}/members/erin`, { role: 'owner' })
    expect((await remove(ambit, 'erin', `${APOLLO}/members/erin`)).status).toBe(204)
  })

  // An embedded database has one connection: there, no two are under way at once.
  test.skipIf(kind.name === 'PGlite')('an owner who leaves while another one is going waits for him, and stays as the last', async () => {
    await restored()
    const { ambit } = start()
    await put(ambit, 'ada', `${ACME}/members/carol`, { role: 'owner' })
    const leaving = await stage.database.superuser.transaction('', async (sql) => {
      await sql.query("delete from ambit.memberships where org_id = $1 and project_id = '*' and person_id = 'carol'", [must(stage.world.ids['acme'])])
      const response = remove(ambit, 'ada', `${ACME}/members/ada`)
      await vi.waitFor(async () => {
        const { rows } = await sql.query('select from pg_locks where not granted and pg_backend_pid() = any(pg_blocking_pids(pid))')
        expect(rows.length).toBeGreaterThan(0)
      })
      return { response }
    })
    expect((await leaving.response).status).toBe(409)
  })

  test('everybody may leave, and removes nobody else', async () => {
    await restored()
    const { ambit } = start()
    const [there, absent] = await Promise.all(['ada', 'never'].map(async (id) => answerOf(await ask(ambit, 'dave', `${ACME}/members/${id}`, { method: 'DELETE', headers: { 'x-request-id': 'same' } }))))
    expect([there?.status, there]).toEqual([403, absent])
    expect((await remove(ambit, 'dave', `${ACME}/members/dave`)).status).toBe(204)
    expect((await ask(ambit, 'dave', `${ACME}/members`)).status).toBe(404)
    expect((await remove(ambit, 'erin', `${APOLLO}/members/erin`)).status).toBe(204)
    expect((await ask(ambit, 'erin', `${APOLLO}/threads`)).status).toBe(404)
  })

  test('who is removed in mid-answer: the run ends, and a reader of a shared thread is cut', async () => {
    await restored()
    const held = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), held.opened, ...says('whole.').slice(2)]), limits: { scopeMs: 100 } })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    expect((await remove(ambit, 'carol', `${ACME}/members/bob`)).status).toBe(204)
    expect(parseStream(early + (await readRest(reader))).chunks.at(-1)).toMatchObject({ type: 'error' })
    const authors = await post(stage, ambit, { who: 'ada', path: ZEPHYR, thread })
    const { id } = (await (await ask(ambit, 'ada', `${ZEPHYR}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })).json()) as { id: string }
    const stream = must((await ask(ambit, 'carol', `${ZEPHYR}/chat/${id}/stream`)).body).getReader()
    await readUntil(stream, 'Half, ')
    expect((await remove(ambit, 'carol', `${ZEPHYR}/members/carol`)).status).toBe(204)
    await expect(readRest(stream)).rejects.toThrow('The frames ended without a terminal one.')
    held.open()
    expect((await readStream(authors)).chunks.at(-1)).toMatchObject({ type: 'finish' })
  })

  test.each([[{}, '/role'], [{ role: 'king' }, '/role'], [{ role: 'member', name: '' }, '/name'], [{ role: 'member', name: 'x'.repeat(201) }, '/name'], [{ role: 'member', name: 'a\0b' }, '/name']])(
    '%o is malformed',
    async (body, pointer) => {
      const { ambit } = start()
      const response = await put(ambit, 'ada', `${ACME}/members/zoe`, body)
      expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'malformed', pointer })])
    },
  )

  test('what cannot be an id is nobody', async () => {
    const { ambit } = start()
    for (const id of ['%00', 'a%20b', '*', 'x'.repeat(129)]) {
      expect([id, (await put(ambit, 'ada', `${ACME}/members/${id}`, { role: 'member' })).status]).toEqual([id, 404])
      expect([id, (await remove(ambit, 'ada', `${ACME}/members/${id}`)).status]).toEqual([id, 404])
    }
  })

  test('below the code: a request of an admin of the organisation reaches no membership of a project that he sees', async () => {
    const { ambit } = start()
    const context = await ambit.resolveChatScope({ subject: 'carol', kind: 'person' }, { org: 'acme' })
    if (!context.ok) throw new Error(context.detail)
    expect(context.rows.projectIds).toContain(stage.world.ids['acme/zephyr'])
    const raised = (rows: RowScope) => attempt(stage.database.superuser, 'scoped', settingsOf(rows), async (sql) => (await sql.query("update ambit.memberships set role = 'owner' where person_id = 'carol' and project_id <> '*'")).count)
    expect([await raised({ ...context.rows, administers: true }), await raised(rowsToChange(context))]).toEqual([1, 0])
  })

  test('below the code: who is in a place is written only in a transaction that was opened for it', async () => {
    const rows = stage.world.rows('acme', 'bob')
    const tried = (marks: object, text: string) => attempt(stage.database.superuser, 'scoped', { ...settingsOf(rows), ...marks }, async (sql) => (await sql.query(text)).count)
    const insert = `insert into ambit.memberships (org_id, project_id, person_id, role) values ('${rows.orgId}', '*', 'bob2', 'owner')`
    const update = "update ambit.memberships set role = 'owner' where project_id = '*' and person_id = 'bob'"
    const leave = (id: string) => `delete from ambit.memberships where project_id = '*' and person_id = '${id}'`
    const [admin, own] = [{ administers: 'true' }, { own_affairs: 'true' }]
    expect([await tried({}, insert), await tried(own, insert), await tried(admin, insert)]).toEqual(['42501', '42501', 1])
    expect([await tried({}, update), await tried(own, update), await tried(admin, update)]).toEqual([0, 0, 1])
    expect([await tried({}, leave('bob')), await tried(own, leave('bob')), await tried(own, leave('ada')), await tried(admin, leave('ada'))]).toEqual([0, 1, 0, 1])
    expect(await tried({ ...admin, project_ids: '["x"]' }, update)).toBe(0)
    expect(await tried(admin, "update ambit.memberships set person_id = 'bob2' where person_id = 'bob'")).toBe('42501')
    expect(await tried(admin, 'select * from ambit.people')).toBe('42501')
  })
})
