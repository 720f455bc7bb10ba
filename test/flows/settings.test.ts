import { describe, expect, test } from 'vitest'
import { ACME, APOLLO, question, readStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import type { ScriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, must, read, runIdOf, runOf, useStage } from '../support/stage.ts'
import { attempt, settingsOf } from '../support/under.ts'

const GLOBEX = '/v1/orgs/globex'

describe.each(databaseKinds)('settings on $name', (kind) => {
  const stage = useStage(kind)
  const systemOf = (model: ScriptedModel): string => JSON.stringify(must(model.calls.at(-1)).prompt[0])

  test('an admin says what the model is told, in the organisation and in a project, and the next run is told it', async () => {
    const model = scriptedModel(says('Said.'))
    const { ambit, lines } = stage.start({ model })
    const change = (path: string, instructions: string) => send(ambit, stage.world, 'carol', `${path}/settings`, { method: 'PATCH', body: { instructions } })
    const changed = await change(ACME, 'Say "acme" first.')
    expect([changed.status, await changed.json()]).toEqual([200, { ai_enabled: true, instructions: 'Say "acme" first.', model: null }])
    expect((await change(APOLLO, 'Say "apollo" second.')).status).toBe(200)
    expect(await read(stage, ambit, 'bob', `${APOLLO}/settings`)).toEqual({ ai_enabled: true, instructions: 'Say "apollo" second.', model: null })
    await answerTo(stage, ambit, { thread: freshThread() })
    expect(systemOf(model)).toContain('Say \\"acme\\" first.\\n\\nSay \\"apollo\\" second.')
    await answerTo(stage, ambit, { path: ACME, thread: freshThread() })
    expect(systemOf(model)).not.toContain('apollo\\" second')
    await answerTo(stage, ambit, { who: 'gus', path: GLOBEX, thread: freshThread() })
    expect(systemOf(model)).not.toContain('Say')
    const line = await logged(lines, 'settings changed')
    expect(line).toMatchObject({ org_slug: 'acme', subject: 'carol', changed: ['instructions'] })
    expect(JSON.stringify(lines)).not.toContain('acme\\" first')
  })

  test('an admin switches chat off and on again, and nothing else changes by it', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    const before = await read<{ instructions: string }>(stage, ambit, 'ada', `${APOLLO}/settings`)
    const set = async (body: object) => (await send(ambit, stage.world, 'ada', `${APOLLO}/settings`, { method: 'PATCH', body })).json()
    expect(await set({ ai_enabled: false })).toEqual({ ...before, ai_enabled: false })
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(freshThread(), 'Hello?') })).status).toBe(503)
    expect(await set({ ai_enabled: true })).toEqual({ ...before, ai_enabled: true })
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(freshThread(), 'Hello?') })).status).toBe(200)
  })

  test('an admin chooses the model of a place: a project’s wins over its organisation’s, and a request’s over both', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel(says('Said.')), allowedModels: ['offline'] })
    const choose = async (path: string, body: object) => {
      const response = await send(ambit, stage.world, 'ada', `${path}/settings`, { method: 'PATCH', body })
      return [response.status, ((await response.json()) as { model?: string | null }).model]
    }
    const modelOf = async (path: string, body: object = {}) => {
      const asked = await send(ambit, stage.world, 'bob', `${path}/chat`, { body: { ...question(freshThread(), 'Which one?'), ...body } })
      return (await read<{ model: string }>(stage, ambit, 'bob', `${path}/runs/${runIdOf(await readStream(asked))}`)).model
    }
    expect([await modelOf(APOLLO), await modelOf(ACME)]).toEqual(['test:scripted', 'test:scripted'])
    expect(await choose(ACME, { model: 'offline' })).toEqual([200, 'offline'])
    expect([await modelOf(APOLLO), await modelOf(ACME)]).toEqual(['offline', 'offline'])
    expect(await choose(APOLLO, { model: 'test:scripted' })).toEqual([200, 'test:scripted'])
    expect([await modelOf(APOLLO), await modelOf(ACME)]).toEqual(['test:scripted', 'offline'])
    expect(await modelOf(APOLLO, { model: 'offline' })).toBe('offline')
    expect((await read<{ models: unknown }>(stage, ambit, 'bob', `${ACME}/scope`)).models).toEqual(['offline', 'test:scripted'])
    // What is said of something else leaves it as it is; null takes it away.
    expect(await choose(APOLLO, { ai_enabled: true })).toEqual([200, 'test:scripted'])
    expect(await choose(APOLLO, { model: null })).toEqual([200, null])
    expect(await modelOf(APOLLO)).toBe('offline')
    expect((await read<{ model: unknown }>(stage, ambit, 'bob', `${ACME}/settings`)).model).toBe('offline')
    expect(await logged(lines, 'settings changed')).toMatchObject({ changed: ['model'] })
    for (const model of ['openai:gpt-5', 'none', 'off*', 'off\0line', '__proto__']) {
      const response = await send(ambit, stage.world, 'ada', `${ACME}/settings`, { method: 'PATCH', body: { model, ai_enabled: false } })
      expect([model, response.status, await response.json()]).toEqual([model, 400, expect.objectContaining({ code: 'malformed', pointer: '/model' })])
    }
    expect(await modelOf(ACME)).toBe('offline') // and nothing else of what was refused was done
  })

  test('a model that was chosen and is no longer allowed is passed over', async () => {
    const model = scriptedModel(says('Said.'))
    const before = stage.start({ model, allowedModels: ['offline'] })
    const choose = (path: string, name: string | null) => send(before.ambit, stage.world, 'ada', `${path}/settings`, { method: 'PATCH', body: { model: name } })
    expect((await choose(APOLLO, 'offline')).status).toBe(200)
    expect((await choose(ACME, 'test:scripted')).status).toBe(200)
    const { ambit } = stage.start({ model })
    expect((await read<{ model: unknown }>(stage, ambit, 'bob', `${APOLLO}/settings`)).model).toBe('offline')
    const id = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    expect(await runOf(stage, ambit, id)).toMatchObject({ model: 'test:scripted' })
    expect((await read<{ models: unknown }>(stage, ambit, 'bob', `${APOLLO}/scope`)).models).toEqual(['test:scripted'])
    await choose(APOLLO, null)
    await choose(ACME, null)
  })

  test.each([
    [{ model: 7 }, '/model'], [{ model: '' }, '/model'], [{ model: 'x'.repeat(257) }, '/model'],
    [{}, ''], [{ ai_enabled: 'no' }, '/ai_enabled'], [{ instructions: 7 }, '/instructions'],
    [{ instructions: 'x'.repeat(20_001) }, '/instructions'], [{ instructions: 'a\0b' }, '/instructions'],
  ])('%o is malformed', async (body, pointer) => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    const response = await send(ambit, stage.world, 'ada', `${ACME}/settings`, { method: 'PATCH', body })
    expect([response.status, await response.json()]).toEqual([400, expect.objectContaining({ code: 'malformed', pointer })])
  })

  test('half a character in instructions is stored as a whole one', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    const response = await send(ambit, stage.world, 'ada', `${ACME}/settings`, { method: 'PATCH', body: { instructions: 'a\ud800b' } })
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ instructions: 'a\ufffdb' })])
  })

  test('who is admin of a project changes that project only', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    const acme = must(stage.world.ids['acme'])
    const apollo = must(stage.world.ids['acme/apollo'])
    await stage.database.superuser.transaction('', (sql) =>
      sql.query("update ambit.memberships set role = 'admin' where org_id = $1 and project_id = $2 and person_id = 'erin'", [acme, apollo]))
    const by = (path: string) => send(ambit, stage.world, 'erin', `${path}/settings`, { method: 'PATCH', body: { instructions: 'Mine.' } })
    expect((await by(APOLLO)).status).toBe(200)
    expect((await by(ACME)).status).toBe(404)
  })

  test('below the code: without a scope that was opened to administer, an admin’s own transaction changes nothing', async () => {
    const rows = stage.world.rows('acme', 'ada')
    const update = "update ambit.settings set instructions = 'x' where project_id = '*'"
    const changed = (settings: object) => attempt(stage.database.superuser, 'scoped', settings, async (sql) => (await sql.query(update)).count)
    expect(await changed(settingsOf(rows))).toBe(0)
    expect(await changed({ ...settingsOf(rows), administers: '' })).toBe(0)
    expect(await changed({ ...settingsOf(rows), administers: 'true' })).toBe(1)
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    const context = await ambit.resolveChatScope({ subject: 'ada', kind: 'person' }, { org: 'acme' })
    if (!context.ok) throw new Error(context.detail)
    expect(context.may).toContain('admin')
    expect(context.rows.administers).toBeUndefined()
  })
})
