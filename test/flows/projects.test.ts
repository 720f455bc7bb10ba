import { describe, expect, test } from 'vitest'
import { ACME, ZEPHYR, send } from '../support/client.ts'
import type { Call } from '../support/client.ts'
import { answerOf } from '../support/exchange.ts'
import { databaseKinds } from '../support/databases.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, must, read, useStage } from '../support/stage.ts'
import { attempt, settingsOf } from '../support/under.ts'
import type { PersonName } from '../support/world.ts'

interface Project {
  readonly slug: string
  readonly name: string
  readonly about: string
  readonly visibility: string
  readonly role: string
  readonly created_at: string
}

interface ProjectPage {
  readonly projects: readonly Project[]
  readonly next: string | null
}

describe.each(databaseKinds)('projects on $name', (kind) => {
  const stage = useStage(kind)
  const start = () => stage.start({ model: scriptedModel(says('Said.')) })
  const ask = (ambit: ReturnType<typeof start>['ambit'], who: PersonName, path: string, call: Call = {}) => send(ambit, stage.world, who, path, call)
  const list = (ambit: ReturnType<typeof start>['ambit'], who: PersonName, query = '') => read<ProjectPage>(stage, ambit, who, `${ACME}/projects${query}`)
  const slugs = ({ projects }: ProjectPage) => projects.map(({ slug }) => slug)

  test('are listed to who may see them, with his role there, page by page', async () => {
    const { ambit } = start()
    expect((await list(ambit, 'ada')).projects).toEqual([
      { slug: 'apollo', name: 'apollo of acme', about: '', visibility: 'organisation', role: 'owner', created_at: expect.any(String) },
      { slug: 'zephyr', name: 'zephyr of acme', about: '', visibility: 'private', role: 'member', created_at: expect.any(String) },
    ])
    expect((await list(ambit, 'dave')).projects).toEqual([expect.objectContaining({ slug: 'apollo', role: 'viewer' })])
    const first = await list(ambit, 'ada', '?limit=1')
    expect([slugs(first), first.next]).toEqual([['apollo'], 'apollo'])
    expect(slugs(await list(ambit, 'ada', '?limit=1&after=apollo'))).toEqual(['zephyr'])
    for (const query of ['?limit=0', '?limit=201', '?after=a%20b']) expect((await ask(ambit, 'ada', `${ACME}/projects${query}`)).status).toBe(400)
  })

  test('an admin makes one that is open, changes it, and its people chat there at once', async () => {
    const { ambit, lines } = start()
    const made = await ask(ambit, 'carol', `${ACME}/projects`, { body: { slug: 'orion', name: 'Orion', about: 'CNRY-about', visibility: 'organisation' } })
    expect([made.status, await made.json()]).toEqual([201, { slug: 'orion', name: 'Orion', about: 'CNRY-about', visibility: 'organisation', role: 'admin', created_at: expect.any(String) }])
    const orion = `${ACME}/projects/orion`
    await answerTo(stage, ambit, { who: 'bob', path: orion, thread: freshThread() })
    const changed = await ask(ambit, 'ada', orion, { method: 'PATCH', body: { name: 'Orion II' } })
    expect([changed.status, await changed.json()]).toEqual([200, expect.objectContaining({ name: 'Orion II', about: 'CNRY-about', visibility: 'organisation', role: 'owner' })])
    expect(await logged(lines, 'project made')).toMatchObject({ org_slug: 'acme', subject: 'carol', project: 'orion' })
    expect(await logged(lines, 'project changed')).toMatchObject({ project_slug: 'orion', subject: 'ada', changed: ['name'] })
    expect(JSON.stringify(lines)).not.toContain('CNRY-about')
  })

  test('who makes a private one owns it, and is alone in it: no owner of the organisation sees it', async () => {
    const { ambit } = start()
    expect((await ask(ambit, 'carol', `${ACME}/projects`, { body: { slug: 'kestrel', name: 'Kestrel', visibility: 'private' } })).status).toBe(201)
    const kestrel = `${ACME}/projects/kestrel`
    expect(slugs(await list(ambit, 'carol'))).toContain('kestrel')
    expect(await read(stage, ambit, 'carol', `${kestrel}/members`)).toMatchObject({ members: [{ id: 'carol', role: 'owner' }] })
    expect(slugs(await list(ambit, 'ada'))).not.toContain('kestrel')
    const [there, absent] = await Promise.all([kestrel, `${ACME}/projects/never`].map(async (path) => answerOf(await ask(ambit, 'ada', path, { method: 'PATCH', body: { name: 'Mine' }, headers: { 'x-request-id': 'same' } }))))
    expect(there?.status).toBe(404)
    expect(there).toEqual(absent)
  })

  test('made private, it keeps who did that with the role that he had, and lets go of the others', async () => {
    const { ambit } = start()
    const lyra = `${ACME}/projects/lyra`
    expect((await ask(ambit, 'ada', `${ACME}/projects`, { body: { slug: 'lyra', name: 'Lyra', visibility: 'organisation' } })).status).toBe(201)
    expect((await ask(ambit, 'carol', lyra, { method: 'PATCH', body: { visibility: 'private' } })).status).toBe(200)
    expect(await read(stage, ambit, 'carol', `${lyra}/members`)).toMatchObject({ members: [{ id: 'carol', role: 'admin' }] })
    for (const who of ['ada', 'bob'] as const) expect((await ask(ambit, who, `${lyra}/threads`)).status).toBe(404)
  })

  test('a slug that is not free is one and the same 409: of a project that is seen, a private one, and a deleted one', async () => {
    const { ambit } = start()
    const make = (who: PersonName, slug: string, visibility = 'organisation') =>
      ask(ambit, who, `${ACME}/projects`, { body: { slug, name: 'CNRY-mine', visibility }, headers: { 'x-request-id': 'same' } })
    expect((await make('carol', 'hidden', 'private')).status).toBe(201)
    expect((await make('ada', 'gone')).status).toBe(201)
    expect((await ask(ambit, 'ada', `${ACME}/projects/gone`, { method: 'DELETE' })).status).toBe(204)
    const answers = await Promise.all(['apollo', 'hidden', 'gone'].map(async (slug) => answerOf(await make('ada', slug))))
    expect(answers.map(({ status }) => status)).toEqual([409, 409, 409])
    for (const answer of answers) expect(answer).toEqual(answers[0])
    expect((await list(ambit, 'carol')).projects.find(({ slug }) => slug === 'hidden')).toMatchObject({ role: 'owner' })
    // Another organisation's is not in the way.
    expect((await ask(ambit, 'gus', '/v1/orgs/globex/projects', { body: { slug: 'hidden', name: 'Ours', visibility: 'private' } })).status).toBe(201)
  })

  test('deleted, it is gone from every look-up at once, and its rows stay', async () => {
    const { ambit, lines } = start()
    const vega = `${ACME}/projects/vega`
    await ask(ambit, 'ada', `${ACME}/projects`, { body: { slug: 'vega', name: 'Vega', visibility: 'organisation' } })
    await answerTo(stage, ambit, { who: 'ada', path: vega, thread: freshThread() })
    expect((await ask(ambit, 'bob', vega, { method: 'DELETE' })).status).toBe(403)
    expect((await ask(ambit, 'ada', vega, { method: 'DELETE' })).status).toBe(204)
    expect(await logged(lines, 'project deleted')).toMatchObject({ project_slug: 'vega', subject: 'ada' })
    expect(slugs(await list(ambit, 'ada'))).not.toContain('vega')
    for (const path of ['', '/members', '/threads', '/settings']) {
      expect((await ask(ambit, 'ada', vega + path, path === '' ? { method: 'DELETE' } : {})).status).toBe(404)
    }
    const { rows } = await stage.database.superuser.transaction('', (sql) =>
      sql.query<{ count: number }>("select count(*)::int as count from ambit.threads t join ambit.projects p on p.id = t.project_id where p.slug = 'vega'"))
    expect(rows[0]?.count).toBe(1)
  })

  test('members and viewers make and change none; who is admin of a project changes that one, and makes none', async () => {
    const { ambit } = start()
    const body = { slug: 'mine', name: 'Mine', visibility: 'private' }
    expect((await ask(ambit, 'erin', `${ACME}/projects`, { body })).status).toBe(404)
    for (const who of ['bob', 'dave'] as const) {
      expect((await ask(ambit, who, `${ACME}/projects`, { body })).status).toBe(403)
      expect((await ask(ambit, who, `${ACME}/projects/apollo`, { method: 'PATCH', body: { visibility: 'private' } })).status).toBe(403)
    }
    // An owner of the organisation is a member, no more, of a private project.
    expect((await ask(ambit, 'ada', ZEPHYR, { method: 'PATCH', body: { visibility: 'organisation' } })).status).toBe(403)
    expect((await ask(ambit, 'gus', `${ACME}/projects/apollo`, { method: 'DELETE' })).status).toBe(404)
    expect((await ask(ambit, 'ada', `${ACME}/projects/apollo/members/erin`, { method: 'PUT', body: { role: 'admin' } })).status).toBe(200)
    expect((await ask(ambit, 'erin', `${ACME}/projects/apollo`, { method: 'PATCH', body: { about: 'Hers, too.' } })).status).toBe(200)
    expect((await ask(ambit, 'erin', `${ACME}/projects`, { body })).status).toBe(404)
  })

  test.each([
    [{}, '/slug'], [{ slug: 'Apollo', name: 'A', visibility: 'private' }, '/slug'], [{ slug: 'a b', name: 'A', visibility: 'private' }, '/slug'],
    [{ slug: 'a'.repeat(64), name: 'A', visibility: 'private' }, '/slug'], [{ slug: 'a', name: ' ', visibility: 'private' }, '/name'],
    [{ slug: 'a', name: 'x'.repeat(201), visibility: 'private' }, '/name'], [{ slug: 'a', name: 'a\0b', visibility: 'private' }, '/name'],
    [{ slug: 'a', name: 'A', about: 'x'.repeat(2_001), visibility: 'private' }, '/about'], [{ slug: 'a', name: 'A' }, '/visibility'], [{ slug: 'a', name: 'A', visibility: 'all' }, '/visibility'],
  ])('%o is malformed', async (body, pointer) => {
    const { ambit } = start()
    const response = await ask(ambit, 'ada', `${ACME}/projects`, { body })
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'malformed', pointer })])
  })

  test('below the code: none is made or changed but in a transaction that was opened to administer, in the organisation', async () => {
    const rows = { ...stage.world.rows('acme', 'ada'), administers: true as const }
    const tried = (settings: object, text: string) => attempt(stage.database.superuser, 'scoped', settings, async (sql) => (await sql.query(text)).count)
    const insert = `insert into ambit.projects (org_id, id, slug, name, visibility) values ('${rows.orgId}', 'new', 'new', 'New', 'private')`
    const named = { ...rows, projectIds: ['*', 'new'] }
    expect(await tried(settingsOf(named), insert)).toBe(1)
    expect(await tried({ ...settingsOf(named), administers: '' }, insert)).toBe('42501')
    expect(await tried(settingsOf({ ...rows, projectIds: ['new'] }), insert)).toBe('42501')
    expect(await tried(settingsOf({ ...rows, projectIds: ['*'] }), insert)).toBe('42501')
    expect(await tried(settingsOf({ ...named, orgId: must(stage.world.ids['globex']) }), insert)).toBe('42501')
    const update = "update ambit.projects set name = 'x' where slug = 'apollo'"
    expect([await tried(settingsOf(rows), update), await tried({ ...settingsOf(rows), administers: '' }, update)]).toEqual([1, 0])
    expect(await tried(settingsOf({ ...rows, projectIds: [must(stage.world.ids['acme/zephyr'])] }), update)).toBe(0)
    expect(await tried(settingsOf(rows), 'delete from ambit.projects')).toBe('42501')
    expect(await tried(settingsOf(rows), "update ambit.projects set slug = 'x'")).toBe('42501')
  })
})
