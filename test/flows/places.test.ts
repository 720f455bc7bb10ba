import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Directory, Place, Principal } from '../../src/index.ts'
import { createKey } from '../../src/lib/identity/api-key.ts'
import { join } from '../../src/lib/directory/create-place.ts'
import { ownDirectory } from '../../src/lib/directory/own-directory.ts'
import { ACME, APOLLO, ZEPHYR, question, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, read, useStage } from '../support/stage.ts'
import { newId } from '../support/world.ts'

interface Me {
  readonly name: string | null
  readonly memberships: readonly unknown[]
  readonly organisations: readonly { org: string; role: string | null; projects: readonly { project: string }[]; more: boolean }[]
  readonly more_organisations: boolean
}

interface Scope {
  readonly may: readonly string[]
  readonly chat_refusal: { readonly code: string; readonly detail: string } | null
  readonly [member: string]: unknown
}

const ACME_ITSELF = { org: 'acme', name: 'The acme company', about: 'We are acme.' }
const project = (slug: string) => ({ project: slug, name: `${slug} of acme`, about: '' })

describe.each(databaseKinds)('where somebody is at home, on $name', (kind) => {
  const stage = useStage(kind)
  const start = (more: Partial<Parameters<typeof stage.start>[0]> = {}) => stage.start({ model: scriptedModel(says('Hello.')), ...more })
  const as = (who: Principal, more: Partial<Parameters<typeof stage.start>[0]> = {}) => start({ authenticate: async () => who, ...more })
  const meOf = async (who: Principal, more: Partial<Parameters<typeof stage.start>[0]> = {}): Promise<Me> => {
    const response = await send(as(who, more).ambit, stage.world, null, '/v1/me')
    expect(response.status).toBe(200)
    return (await response.json()) as Me
  }
  const placesIn = ({ organisations }: Me) => organisations.map(({ org, role, projects }) => [org, role, projects.map((one) => one.project).sort().join()])

  test('is what they may see, with their role in it, and nothing of another tenant', async () => {
    const { ambit } = start()
    const me = (who: 'ada' | 'bob' | 'erin' | 'gus') => read<Me>(stage, ambit, who, '/v1/me')
    expect(await me('bob')).toEqual({
      subject: 'bob', kind: 'person', name: 'bob', memberships: [{ org: 'acme', project: null, role: 'member' }],
      organisations: [{ ...ACME_ITSELF, role: 'member', projects: [project('apollo')], more: false }], more_organisations: false,
    })
    expect(placesIn(await me('ada'))).toEqual([['acme', 'owner', 'apollo,zephyr']])
    // In one project and in no organisation: its name is told, because it stands above the project, and nothing else of it.
    expect((await me('erin')).organisations).toEqual([{ ...ACME_ITSELF, about: '', role: null, projects: [project('apollo')], more: false }])
    expect(placesIn(await me('gus'))).toEqual([['globex', 'owner', 'apollo']])
  })

  test('is all of somebody’s organisations where the credential names none, and none where it narrows to nothing', async () => {
    await stage.database.handles.operator((sql) => join(sql, { orgId: must(stage.world.ids['globex']), projectId: '*', role: 'viewer', person: { id: 'ada', name: 'ada' } }))
    const ada = (claims?: Principal['claims']) => meOf({ subject: 'ada', kind: 'person', ...(claims && { claims }) }).then(placesIn)
    expect((await ada()).sort()).toEqual([['acme', 'owner', 'apollo,zephyr'], ['globex', 'viewer', 'apollo']])
    expect(await ada({ org: 'globex' })).toEqual([['globex', 'viewer', 'apollo']])
    expect(await ada({ org: 'acme', project: 'zephyr' })).toEqual([['acme', null, 'zephyr']])
    for (const claims of [{ org: 'never' }, { org: 5 }, { org: undefined }, { org: 'acme', project: 'never' }, { org: 'acme', project: undefined }, { project: 'zephyr' }, { org: must(stage.world.ids['acme']) }]) {
      expect([claims, await ada(claims)]).toEqual([claims, []])
    }
    const mark = (deleted: string) => stage.database.superuser.transaction('', (sql) => sql.query(`update ambit.projects set deleted_at = ${deleted}`))
    await mark('now()')
    expect(await ada({ org: 'acme', project: 'zephyr' })).toEqual([])
    // Somebody who was in a project only is in no organisation any more.
    expect(await ownDirectory(stage.database.handles).organisations?.({ subject: 'erin', kind: 'person' }, { limit: 9 })).toEqual([])
    await mark('null')
    await stage.database.handles.operator((sql) => sql.query("delete from ambit.memberships where org_id = $1 and person_id = 'ada'", [must(stage.world.ids['globex'])]))
  })

  test('takes a name from the credential, where that is a text', async () => {
    expect((await meOf({ subject: 'x', kind: 'service', claims: { name: 'The importer' } })).name).toBe('The importer')
    expect((await meOf({ subject: 'x', kind: 'service', claims: { name: { first: 'x' } } })).name).toBeNull()
    expect(await meOf({ subject: 'x', kind: 'service' })).toMatchObject({ subject: 'x', kind: 'service', name: null, organisations: [], memberships: [] })
  })

  test('is what a host’s directory lists, to a bound, and nothing where it lists nothing', async () => {
    const asked: unknown[] = []
    const some = (count: number, kindOf: string): readonly Place[] => Array.from({ length: count }, (_, at) => ({ id: `${kindOf}-${at}-id`, slug: `${kindOf}-${at}`, name: `Number ${at}` }))
    const host = (organisations: number, projects: number): Directory => ({
      access: async (_, { org }) => (org === 'org-1' ? { role: 'admin', org: { id: 'org-1-id', slug: 'org-1', name: 'One' } } : null),
      async projects(_, org, page) {
        asked.push([org, page.limit])
        return some(Math.min(projects, page.limit), 'project')
      },
      organisations: async (_, page) => some(Math.min(organisations, page.limit), 'org'),
    })
    const who = { subject: 'x', kind: 'person' } as const
    const few = await meOf(who, { directory: host(2, 200) })
    expect([few.organisations.map(({ org, role, projects, more }) => [org, role, projects.length, more]), few.more_organisations]).toEqual([[['org-0', null, 200, false], ['org-1', 'admin', 200, false]], false])
    expect(asked).toEqual([['org-0-id', 201], ['org-1-id', 201]])
    const many = await meOf(who, { directory: host(60, 500) })
    expect([many.organisations.length, many.more_organisations, many.organisations.every(({ projects, more }) => projects.length === 200 && more)]).toEqual([50, true, true])
    const { organisations: _, ...silent } = host(2, 2)
    expect(await meOf(who, { directory: silent })).toMatchObject({ organisations: [], more_organisations: false })
    // One that may do nothing there, and sees no project of it, is not at home in it.
    expect((await meOf(who, { directory: host(2, 0) })).organisations.map(({ org }) => org)).toEqual(['org-1'])
  })
})

describe.each(databaseKinds)('what a place lets somebody do, on $name', (kind) => {
  const stage = useStage(kind)
  const start = (more: Partial<Parameters<typeof stage.start>[0]> = {}) => stage.start({ model: scriptedModel(says('Hello.')), ...more })

  test('is said of the organisation and of a project', async () => {
    const { ambit } = start({ limits: { queue: 3 } })
    const own = [['search_documents', 'read'], ['read_document', 'read']]
    const scope = await read<Scope>(stage, ambit, 'ada', `${ACME}/scope`)
    expect(scope).toEqual({
      org: { slug: 'acme', name: 'The acme company', about: 'We are acme.' }, project: null, role: 'owner', may: ['read', 'write', 'chat', 'admin'],
      models: [expect.any(String)], image_models: [], tools: expect.any(Array) as unknown, chat_refusal: null, directory: 'own', principal: { subject: 'ada', kind: 'person', name: 'ada' },
      limits: {
        message_chars: 100_000, message_bytes: 1_000_000, history_messages: 200, context_tokens: 100_000, steps: 25, calls: 100, run_ms: 900_000, queue: 3, user_streams: 20,
      },
    })
    const tools = (of: Scope) => (of['tools'] as { name: string; description: string; effect: string }[]).map(({ name, effect, description }) => (description === '' ? [] : [name, effect]))
    expect(tools(scope)).toEqual([...own, ['list_projects', 'read']])
    const inProject = await read<Scope>(stage, ambit, 'erin', `${APOLLO}/scope`)
    expect(inProject).toMatchObject({ org: { slug: 'acme', name: 'The acme company', about: '' }, project: { slug: 'apollo', name: 'apollo of acme', about: '' }, role: 'member', may: ['read', 'write', 'chat'], principal: { subject: 'erin' } })
    expect(tools(inProject)).toEqual(own)
    expect((await send(ambit, stage.world, 'erin', `${ACME}/scope`)).status).toBe(404)
    expect((await send(ambit, stage.world, 'bob', `${ZEPHYR}/scope`)).status).toBe(404)
  })

  test('a viewer reads, and is told that and why they do not chat', async () => {
    const { ambit } = start()
    const scope = await read<Scope>(stage, ambit, 'dave', `${APOLLO}/scope`)
    expect([scope.may, scope.chat_refusal]).toEqual([['read'], { code: 'forbidden', detail: expect.stringContaining('viewer') as string }])
  })

  test('chat that is switched off, or has no model, is said with the words that a chat gets, and takes nothing from what one may', async () => {
    const { ambit } = start()
    const none = start({ model: 'none' }).ambit
    const set = (ai_enabled: boolean) => send(ambit, stage.world, 'ada', `${APOLLO}/settings`, { method: 'PATCH', body: { ai_enabled } })
    const chat = async (on: typeof ambit) => (await (await send(on, stage.world, 'carol', `${APOLLO}/chat`, { body: question(freshThread(), 'Hello?') })).json()) as { code: string; detail: string }
    await set(false)
    const off = await read<Scope>(stage, ambit, 'carol', `${APOLLO}/scope`)
    expect(off.may).toEqual(['read', 'write', 'chat', 'admin'])
    expect(await chat(ambit)).toMatchObject(must(off.chat_refusal))
    await set(true)
    expect((await read<Scope>(stage, ambit, 'carol', `${APOLLO}/scope`)).chat_refusal).toBeNull()
    const without = await read<Scope>(stage, none, 'carol', `${APOLLO}/scope`)
    expect([without['models'], without.may.includes('chat')]).toEqual([[], true])
    expect(await chat(none)).toMatchObject(must(without.chat_refusal))
  })

  test('a host’s own tools, models and directory are said, each tool to who has its grant', async () => {
    const tool = (name: string, effect: 'read' | 'write', requires?: string) => ({ name, description: `Does ${name}.`, effect, input: z.object({}), run: () => 'done', ...(requires !== undefined && { requires }) })
    const place = { id: 'org-1', slug: 'one', name: 'One' }
    const of = async (grants: readonly string[]) => {
      const { ambit } = start({
        authenticate: async () => ({ subject: 'x', kind: 'person' }), model: 'offline', tools: [tool('look', 'read'), tool('pay', 'write', 'money')],
        directory: { access: async (_, { project: named }) => (named === undefined ? { role: 'member', grants, org: place } : null), projects: async () => [] },
      })
      const response = await send(ambit, stage.world, null, '/v1/orgs/one/scope')
      return (await response.json()) as Scope
    }
    const [some, all] = [await of([]), await of(['money'])]
    expect(some).toMatchObject({ directory: 'host', org: { slug: 'one', name: 'One', about: '' }, models: ['offline'], principal: { subject: 'x', name: null } })
    expect((some['tools'] as { name: string }[]).map(({ name }) => name)).not.toContain('pay')
    expect(all['tools']).toContainEqual({ name: 'pay', description: 'Does pay.', effect: 'write' })
  })

  test('it holds names and no ids of rows', async () => {
    const { ambit } = start()
    const key = await stage.database.handles.operator((sql) => createKey(sql, { orgId: must(stage.world.ids['acme']), personId: 'ada', expiresInDays: null }, newId))
    const response = await send(ambit, stage.world, null, `${ACME}/scope`, { headers: { authorization: `Bearer ${key}` } })
    expect([response.status, JSON.stringify(await response.json())]).toEqual([200, expect.not.stringMatching(/orgId|projectIds|administers|key_|org_[0-9a-f]|prj_/)])
  })
})
