import { describe, expect, test } from 'vitest'
import { ACME, APOLLO, question, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import type { ScriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, must, read, useStage } from '../support/stage.ts'
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
    expect([changed.status, await changed.json()]).toEqual([200, { ai_enabled: true, instructions: 'Say "acme" first.' }])
    expect((await change(APOLLO, 'Say "apollo" second.')).status).toBe(200)
    expect(await read(stage, ambit, 'bob', `${APOLLO}/settings`)).toEqual({ ai_enabled: true, instructions: 'Say "apollo" second.' })
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

  test.each([
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
