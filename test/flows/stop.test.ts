import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Ambit, Tool } from '../../src/index.ts'
import { APOLLO, parseStream, question, readStream, said, send } from '../support/client.ts'
import type { Streamed } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { holding } from '../support/held-store.ts'
import { rowsOf } from '../support/left-behind.ts'
import { callsTools, gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, assistantTexts, freshThread, messagesOf, must, post, readRest, readUntil, runIdOf, runOf, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

const never = new Promise<never>(() => {})
const halfSaid = [...says('Half, ').slice(0, 3), never]

describe.each(databaseKinds)('a stop on $name', (kind) => {
  const stage = useStage(kind)

  async function stop(ambit: Ambit, thread: string, body?: unknown, who: PersonName = 'bob') {
    const response = await send(ambit, stage.world, who, `${APOLLO}/chat/${thread}/stop`, { method: 'POST', ...(body !== undefined && { body }) })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  /** What every stopped answer is: sound, ended by `abort`, marked in its metadata, recorded, and its thread free. */
  async function expectStopped(ambit: Ambit, thread: string, streamed: Streamed): Promise<void> {
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' })
    expect(streamed.chunks).toContainEqual({ type: 'message-metadata', messageMetadata: { ambit: { state: 'stopped', code: 'stopped' } } })
    expect(await runOf(stage, ambit, runIdOf(streamed))).toMatchObject({ state: 'stopped', error_code: null, finish_reason: null })
    const stored = must((await messagesOf(stage, ambit, { thread })).at(-1))
    expect(stored.metadata.ambit.run).toEqual({ id: runIdOf(streamed), state: 'stopped', error_code: null })
    const next = await answerTo(stage, ambit, { thread, text: 'And now?' })
    expectSound(next)
    expect(said(next.chunks)).toBe('Now.')
  }

  test('in mid-text: what was said is kept, the model’s stream is cancelled, the thread goes on', async () => {
    const model = scriptedModel(halfSaid, says('Now.'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const run = runIdOf(parseStream(early))
    expect(await stop(ambit, thread)).toEqual({ status: 200, body: { run, state: 'stopped' } })
    expect(model.cancelled()).toBe(1)
    expect(model.calls[0]?.abortSignal?.aborted).toBe(true)
    const streamed = parseStream(early + (await readRest(reader)))
    await expectStopped(ambit, thread, streamed)
    const stored = await messagesOf(stage, ambit, { thread })
    expect(stored[1]?.parts).toEqual([{ type: 'step-start' }, { type: 'text', text: 'Half, ', state: 'done' }])
    expect(assistantTexts(model.calls[1])).toEqual(['Half, '])
  })

  test('of a message that waited and is being begun, by the node that begins it: it is ended before it is answered', async () => {
    const { opened, open } = gate()
    const store = holding(stage.database, 'from ambit.calls') // what is read of a run that was claimed
    const model = scriptedModel([opened, ...says('First.')], halfSaid)
    const { ambit } = stage.start({ store, model })
    const thread = freshThread()
    await post(stage, ambit, { thread })
    const second = await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { ...question(thread, 'And then?'), onActive: 'queue' } })
    const run = must(second.headers.get('x-resumable-stream-id'))
    open()
    await store.held
    const stopping = stop(ambit, thread, { run })
    await vi.waitFor(async () => expect(await rowsOf(stage, 'runs', run)).toMatchObject([{ state: 'running', stop_requested: true }]))
    await delay(200) // it has looked for who drives it, and found nobody
    store.letGo()
    expect(await stopping).toEqual({ status: 200, body: { run, state: 'stopped' } })
    expectSound(await readStream(second))
  })

  test('in a tool call: its signal is aborted, the call is settled, no further model call is made', async () => {
    const { opened, open } = gate()
    const reasons: unknown[] = []
    const waits = {
      name: 'waits', description: 'Waits.', input: z.object({}), effect: 'read',
      run: (_, { signal }) => new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reasons.push(signal.reason)
          reject(new Error('ended'))
        })
        open()
      }),
    } as Tool<never>
    const model = scriptedModel(callsTools(['waits', {}]), says('Now.'))
    const { ambit } = stage.start({ model, tools: [waits] })
    const thread = freshThread()
    const answer = answerTo(stage, ambit, { thread })
    await opened
    expect(await stop(ambit, thread)).toMatchObject({ status: 200, body: { state: 'stopped' } })
    expect(reasons).toHaveLength(1)
    const streamed = await answer
    expect(streamed.chunks).toContainEqual(expect.objectContaining({ type: 'tool-output-error', errorText: 'Not finished: the answer ended before the outcome of this call was known.' }))
    expect(model.calls).toHaveLength(1)
    await expectStopped(ambit, thread, streamed)
  })

  test('in a tool call that ignores its signal: the stop does not wait for it', async () => {
    const { opened, open } = gate()
    const ignores = { name: 'ignores', description: 'Ignores.', input: z.object({}), effect: 'read', run: () => (open(), never) } as Tool<never>
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['ignores', {}]), says('Now.')), tools: [ignores] })
    const thread = freshThread()
    const answer = answerTo(stage, ambit, { thread })
    await opened
    expect(await stop(ambit, thread)).toMatchObject({ status: 200, body: { state: 'stopped' } })
    await expectStopped(ambit, thread, await answer)
  })

  test('with one of two calls done: its outcome is kept, the other is settled', async () => {
    const never2 = { name: 'ignores', description: 'Ignores.', input: z.object({}), effect: 'read', run: () => never } as Tool<never>
    const quick = { name: 'quick', description: 'Quick.', input: z.object({}), effect: 'read', run: () => 'done' } as Tool<never>
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['ignores', {}], ['quick', {}]), says('Now.')), tools: [never2, quick] })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, '"output":"done"')
    await stop(ambit, thread)
    await expectStopped(ambit, thread, parseStream(early + (await readRest(reader))))
    const parts = must((await messagesOf(stage, ambit, { thread }))[1]).parts.filter((part) => part['type'] === 'dynamic-tool')
    expect(parts.map((part) => [part['toolName'], part['state']])).toEqual([['ignores', 'output-error'], ['quick', 'output-available']])
  })

  test('before the first word', async () => {
    const model = scriptedModel([never], says('Now.'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const response = await post(stage, ambit, { thread })
    await vi.waitFor(() => expect(model.calls).toHaveLength(1))
    expect(await stop(ambit, thread)).toMatchObject({ status: 200, body: { state: 'stopped' } })
    const streamed = await readStream(response)
    expect(said(streamed.chunks)).toBe('')
    await expectStopped(ambit, thread, streamed)
    expect(model.cancelled()).toBe(1)
  })

  test('while the model has not even opened its stream, and ignores the abort', async () => {
    const scripted = scriptedModel(says('Now.'))
    let first = true
    const { opened, open } = gate()
    const model = { ...scripted, doStream: (options: Parameters<typeof scripted.doStream>[0]) => (first ? ((first = false), open(), never) : scripted.doStream(options)) }
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const answer = answerTo(stage, ambit, { thread })
    await opened
    expect(await stop(ambit, thread)).toMatchObject({ status: 200, body: { state: 'stopped' } })
    await expectStopped(ambit, thread, await answer)
  })

  test('while a source of context hangs: the model is never called', async () => {
    const { opened, open } = gate()
    let first = true
    const source = { name: 'hangs', load: () => (first ? ((first = false), open(), never) : null) }
    const model = scriptedModel(says('Now.'))
    const { ambit } = stage.start({ model, sources: [source] })
    const thread = freshThread()
    const answer = answerTo(stage, ambit, { thread })
    await opened
    expect(await stop(ambit, thread)).toMatchObject({ status: 200, body: { state: 'stopped' } })
    expect(model.calls).toHaveLength(0)
    await expectStopped(ambit, thread, await answer)
  })

  test('twice in the same moment: both are told that it stopped; again later: that nothing runs', async () => {
    const model = scriptedModel(halfSaid, says('Now.'))
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'Half, ')
    const [one, two] = await Promise.all([stop(ambit, thread), stop(ambit, thread, {})])
    for (const { status, body } of [one, two]) {
      expect(status).toBe(200)
      expect(['stopped', 'idle']).toContain(body['state'])
    }
    // Behind a pooler either may be the first.
    expect([one, two].map(({ body }) => body['state'])).toContain('stopped')
    const streamed = parseStream(early + (await readRest(reader)))
    expect(streamed.chunks.filter((chunk) => chunk.type === 'abort')).toHaveLength(1)
    expect(await stop(ambit, thread)).toEqual({ status: 200, body: { run: null, state: 'idle' } })
    await expectStopped(ambit, thread, streamed)
  })

  test('after the end: nothing changes', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Whole.')) })
    const thread = freshThread()
    const streamed = await answerTo(stage, ambit, { thread })
    expect(await stop(ambit, thread)).toEqual({ status: 200, body: { run: null, state: 'idle' } })
    expect(await stop(ambit, thread, { run: runIdOf(streamed) })).toEqual({ status: 200, body: { run: runIdOf(streamed), state: 'completed' } })
    expect(await runOf(stage, ambit, runIdOf(streamed))).toMatchObject({ state: 'completed' })
  })

  test('that names another run leaves the running one alone', async () => {
    const { opened, open } = gate()
    const { ambit } = stage.start({ model: scriptedModel(says('First.'), [opened, ...says('Second.')]) })
    const thread = freshThread()
    const first = runIdOf(await answerTo(stage, ambit, { thread, text: 'One?' }))
    const response = await post(stage, ambit, { thread, text: 'Two?' })
    expect(await stop(ambit, thread, { run: first })).toEqual({ status: 200, body: { run: first, state: 'completed' } })
    open()
    const streamed = await readStream(response)
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('Second.')
    expect(await runOf(stage, ambit, runIdOf(streamed))).toMatchObject({ state: 'completed' })
  })

  test('of a thread that is unknown, and of one that is another’s: the same bytes; by a viewer: forbidden', async () => {
    const { opened, open } = gate()
    const { ambit } = stage.start({ model: scriptedModel([opened, ...says('Mine.')]) })
    const thread = freshThread()
    const response = await post(stage, ambit, { who: 'ada', thread })
    const run = must(response.headers.get('x-resumable-stream-id'))
    const { thread_id: serverId } = await runOf(stage, ambit, run, { who: 'ada' })
    const answers = await Promise.all(
      ['never', thread, serverId].map(async (name) => {
        const refused = await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${name}/stop`, { method: 'POST', headers: { 'x-request-id': 'same' } })
        return [refused.status, await refused.text()]
      }),
    )
    expect(answers[0]?.[0]).toBe(404)
    expect(answers[1]).toEqual(answers[0])
    expect(answers[2]).toEqual(answers[0])
    expect((await stop(ambit, serverId, undefined, 'dave')).status).toBe(403)
    open()
    expect(said((await readStream(response)).chunks)).toBe('Mine.')
  })

  test.each([['{"run":1}'], ['{"run":"a b"}'], ['[]'], ['{']])('with a body that is none (%s) is refused', async (body) => {
    const { ambit } = stage.start({ model: scriptedModel(says('x')) })
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${stage.world.keys.bob}` }
    const response = await ambit.fetch(new Request(`http://ambit.test${APOLLO}/chat/x/stop`, { method: 'POST', body, headers }))
    expect(response.status).toBe(400)
  })
})
