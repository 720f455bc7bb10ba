import { describe, expect, test } from 'vitest'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { expectQuiet, listResources } from '../support/leak-check.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, messagesOf, must, post, readRest, readUntil, runIdOf, runOf, useStage } from '../support/stage.ts'

const never = new Promise<never>(() => {})

describe.each(databaseKinds)('closing during a run, on $name', (kind) => {
  const stage = useStage(kind)

  test('without grace: the reader gets one error, the run is recorded, the thread goes on in the next life', async () => {
    const model = scriptedModel([...says('Half, ').slice(0, 3), never])
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const rest = readRest(reader)
    await ambit.close({ graceMs: 0 })
    const streamed = parseStream(early + (await rest))
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: 'The server is restarting. Ask again.' })
    expect(model.cancelled()).toBe(1)
    const next = stage.start({ model: scriptedModel(says('Now.')) })
    expect(await runOf(stage, next.ambit, runIdOf(streamed))).toMatchObject({ state: 'failed', error_code: 'interrupted' })
    expect((await messagesOf(stage, next.ambit, { thread }))[1]?.parts).toEqual([{ type: 'step-start' }, { type: 'text', text: 'Half, ', state: 'done' }])
    expect((await answerTo(stage, next.ambit, { thread })).text).toBe(streamed.text)
    expect(said((await answerTo(stage, next.ambit, { thread, text: 'And now?' })).chunks)).toBe('Now.')
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
