import { describe, expect, test } from 'vitest'
import { SCOPED_ROUTES } from '../../src/lib/http/routes.ts'
import { putSettings } from '../../src/lib/store/settings-rows.ts'
import { ACME, APOLLO, ask, question, send } from '../support/client.ts'
import type { TestAmbit } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { uploadFile } from '../support/files.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

// Where nobody may chat, everybody still reads; and who has no business there learns nothing of it.

const BODIES: Readonly<Record<string, object>> = {
  'PATCH /threads/:thread': { title: 'Still mine' },
  'POST /documents': { title: 'Another', body: 'Said.' },
  'PATCH /documents/:document': { title: 'Still ours' },
  'PATCH /settings': { instructions: 'Still kind.' },
}

describe.each(databaseKinds)('chat that is not available on $name', (kind) => {
  const stage = useStage(kind)
  const thread = 'before'
  const model = () => scriptedModel(says('Said.'))
  const idOf = (name: string) => must(stage.world.ids[name])

  async function switchChat(aiEnabled: boolean, org: string, projectId = '*'): Promise<void> {
    await stage.database.handles.operator((sql) => putSettings(sql, { orgId: idOf(org), projectId, aiEnabled, instructions: '' }))
  }

  const chat = ({ ambit }: TestAmbit, who: PersonName, place: string, at = freshThread()) =>
    send(ambit, stage.world, who, `${place}/chat`, { body: question(at, 'Anybody there?') })

  async function expectUnavailable(running: TestAmbit, who: PersonName, place: string): Promise<void> {
    const response = await chat(running, who, place)
    expect([place, response.status]).toEqual([place, 503])
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await response.json()).toMatchObject({ code: 'ai_unavailable', retry_after: Number(response.headers.get('retry-after')) })
  }

  async function expectServed(running: TestAmbit, who: PersonName, place: string): Promise<void> {
    const response = await chat(running, who, place)
    expect([place, response.status]).toEqual([place, 200])
    expect(await response.text()).toContain('Said.')
  }

  /** Every route but the chat itself, which the table of routes names. */
  async function expectReadable({ ambit }: TestAmbit, who: PersonName, place: string): Promise<void> {
    const { runs } = (await (await send(ambit, stage.world, who, `${place}/runs`)).json()) as { runs: { id: string }[] }
    const { id: file } = await uploadFile(stage, ambit, 'A file.', { who, path: place })
    const { id: document } = (await (await send(ambit, stage.world, who, `${place}/documents`, { body: BODIES['POST /documents'] })).json()) as { id: string }
    for (const route of SCOPED_ROUTES) {
      // What is taken away, the next routes could not name; and whoever keeps the directory asks no model.
      if (route.permission === 'chat' || route.method === 'DELETE' || route.directory) continue
      const path = place + route.path.replace(':thread', thread).replace(':run', must(runs[0]).id).replace(':document', document).replace(':file', file)
      const body = BODIES[`${route.method} ${route.path}`] ?? {}
      const response = await send(ambit, stage.world, route.permission === 'admin' ? 'ada' : who, path, { method: route.method, ...(route.method !== 'GET' && { body }) })
      const served = route.path.endsWith('/stream') ? 204 : route.method === 'POST' && ['/files', '/documents'].includes(route.path) ? 201 : 200
      expect([route.path, response.status]).toEqual([route.path, served])
    }
  }

  test('while the organisation switched it off: 503, and all else goes on; elsewhere nothing changes', async () => {
    const running = stage.start({ model: model() })
    for (const place of [ACME, APOLLO]) await ask(running.ambit, stage.world, 'bob', place, thread, 'While it is on?')
    await switchChat(false, 'acme')
    for (const place of [ACME, APOLLO]) {
      await expectUnavailable(running, 'bob', place)
      await expectReadable(running, 'bob', place)
    }
    await expectServed(running, 'gus', '/v1/orgs/globex/projects/apollo')
    // Not a word of it to those who may not chat there anyway.
    expect((await chat(running, 'gus', ACME)).status).toBe(404)
    expect((await chat(running, 'bob', '/v1/orgs/acme/projects/zephyr')).status).toBe(404)
    expect((await chat(running, 'dave', ACME)).status).toBe(403)
    expect((await send(running.ambit, stage.world, null, `${ACME}/chat`, { body: question('x', 'Hello?') })).status).toBe(401)
    await switchChat(true, 'acme')
    for (const place of [ACME, APOLLO]) await expectServed(running, 'bob', place)
  })

  test('while it is switched off for one project: there, and nowhere else', async () => {
    const running = stage.start({ model: model() })
    await switchChat(false, 'acme', idOf('acme/apollo'))
    await expectUnavailable(running, 'bob', APOLLO)
    await expectReadable(running, 'bob', APOLLO)
    await expectServed(running, 'bob', ACME)
    await expectServed(running, 'ada', '/v1/orgs/acme/projects/zephyr')
    await switchChat(true, 'acme', idOf('acme/apollo'))
    await expectServed(running, 'bob', APOLLO)
  })

  test('while there is no model: 503, and all else goes on', async () => {
    const running = stage.start({ model: 'none' })
    for (const place of [ACME, APOLLO]) {
      await expectUnavailable(running, 'bob', place)
      await expectReadable(running, 'bob', place)
      expect((await chat(running, 'gus', place)).status).toBe(404)
      expect((await chat(running, 'dave', place)).status).toBe(403)
    }
  })
})
