import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Tool } from '../../src/index.ts'
import { APOLLO, parseStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { rowsOf } from '../support/left-behind.ts'
import { callsTools, gate, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, post, runIdOf, useStage } from '../support/stage.ts'

describe.each(databaseKinds)('a call that is under way when its run is stopped, on $name', (kind) => {
  const stage = useStage(kind)

  test.each([
    ['read', 'failed'],
    ['write', 'unknown'],
    ['idempotent', 'unknown'],
  ] as const)('of a tool with effect %s is recorded as %s: only what acts may have acted', async (effect, state) => {
    const [begun, over] = [gate(), gate()]
    const waits: Tool<never, Record<string, never>> = {
      name: 'waits', description: 'Waits.', input: z.object({}), effect,
      async run() {
        begun.open()
        await over.opened
      },
    }
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['waits', {}])), tools: [waits] })
    const thread = freshThread()
    const answer = (await post(stage, ambit, { thread })).text()
    await begun.opened
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST' })).status).toBe(200)
    expect(await rowsOf(stage, 'calls', runIdOf(parseStream(await answer)))).toMatchObject([{ effect, state }])
    over.open()
  })
})
