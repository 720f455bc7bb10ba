import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Tool } from '../../src/index.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { expectQuiet, listResources } from '../support/leak-check.ts'
import { callsTools, gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, messagesOf, must, post, readRest, readUntil, runIdOf, runOf, toolResults, useStage } from '../support/stage.ts'

const never = new Promise<never>(() => {})

describe.each(databaseKinds)('closing during a run, on $name', (kind) => {
  const stage = useStage(kind)

  test('without grace: the reader is cut, and the next life goes on with the run', async () => {
    const model = scriptedModel([...says('Half, ').slice(0, 3), never])
    const { ambit, lines } = stage.start({ model })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    // Broken off, not ended: half an answer is none.
    await Promise.all([expect(readRest(reader)).rejects.toThrow('without a terminal one'), ambit.close({ graceMs: 0 })])
    expect(model.cancelled()).toBe(1)
    // Each deployment does this: it is told, and is no warning.
    expect(lines.map(({ msg }) => msg)).toEqual(expect.arrayContaining(['stopping', 'the run is handed over', 'the stream was broken off']))
    expect(lines.filter(({ level }) => Number(level) > 30)).toEqual([])
    const next = stage.start({ model: scriptedModel(says('Whole.'), says('Now.')) })
    const streamed = await answerTo(stage, next.ambit, { thread })
    expectSound(streamed)
    expect(runIdOf(streamed)).toBe(runIdOf(parseStream(early)))
    expect(said(streamed.chunks)).toBe('Whole.')
    expect(await runOf(stage, next.ambit, runIdOf(streamed))).toMatchObject({ state: 'completed' })
    expect((await messagesOf(stage, next.ambit, { thread }))[1]?.parts).toEqual([{ type: 'step-start' }, { type: 'text', text: 'Whole.', state: 'done' }])
    expect(said((await answerTo(stage, next.ambit, { thread, text: 'And now?' })).chunks)).toBe('Now.')
  })

  test('a tool that acts is waited for, beyond the grace: its outcome is recorded, and it is not called again', async () => {
    const [begun, waiting] = [gate(), gate()]
    let calls = 0
    const act: Tool<never, Record<string, never>> = {
      name: 'act', description: 'Acts.', input: z.object({}), effect: 'write',
      async run() {
        calls += 1
        begun.open()
        await waiting.opened
        return 'acted'
      },
    }
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['act', {}]), says('Not here.')), tools: [act] })
    const thread = freshThread()
    const asked = await post(stage, ambit, { thread })
    await begun.opened
    const closing = ambit.close({ graceMs: 0 })
    await delay(20) // a timer of 0 ms that was set before has fired
    waiting.open()
    await Promise.all([closing, asked.text().catch(() => null)])
    const model = scriptedModel(says('Done.'))
    const next = stage.start({ model, tools: [act] })
    const streamed = await answerTo(stage, next.ambit, { thread })
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('Done.')
    expect(toolResults(model.calls[0])).toMatchObject([{ output: { value: 'acted' } }])
    expect(calls).toBe(1)
  })

  test('with grace: waits for the end, takes nothing new', async () => {
    const waiting = gate()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), waiting.opened, ...says('whole.').slice(2)]) })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    let closed = false
    const closing = ambit.close({ graceMs: 20_000 }).then(() => (closed = true))
    const refused = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(freshThread(), 'New?') })
    expect(refused.status).toBe(503)
    expect(closed).toBe(false)
    waiting.open()
    const streamed = parseStream(early + (await readRest(reader)))
    await closing
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('Half, whole.')
  })

  test('leaves nothing open, and may be asked twice', async () => {
    const before = listResources()
    const { ambit } = stage.start({ model: scriptedModel([...says('Half, ').slice(0, 3), never]) })
    const response = await post(stage, ambit, { thread: freshThread() })
    await Promise.all([ambit.close({ graceMs: 0 }), readStream(response).catch(() => undefined)])
    await ambit.close()
    await expectQuiet(before)
  })

  test('what was never opened closes at once', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    await ambit.close()
    await expect(ambit.start()).rejects.toThrow('closed')
  })
})
