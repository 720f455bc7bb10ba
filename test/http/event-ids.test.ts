import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import type { Tool } from '../../src/index.ts'
import { APOLLO, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { callChunk, leaveBehind, rowsOf } from '../support/left-behind.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, runIdOf, runOf, useStage } from '../support/stage.ts'

/** Last-Event-ID as a stranger may write it: the doors' answers, by the words of the protocol, and never a fault. */
describe.each(databaseKinds)('the id of an event that somebody made up, on $name', (kind) => {
  const stage = useStage(kind)

  test('malformed, foreign, beyond, of another run: each has its answer, and what is answered is the exact rest', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('One, ', 'two.')) })
    const thread = freshThread()
    const whole = await answerTo(stage, ambit, { thread })
    const run = runIdOf(whole)
    const other = runIdOf(await answerTo(stage, ambit, { thread: freshThread() }))
    const foreign = runIdOf(await answerTo(stage, ambit, { who: 'gus', path: '/v1/orgs/globex/projects/apollo', thread: freshThread() }))
    const events = whole.text.split('\n\n').filter((event) => event.startsWith('id: '))
    const last = events.length
    const doors = [`${APOLLO}/runs/${run}/events`, `${APOLLO}/chat/${thread}/stream`] as const

    const runs = [run, other, foreign, 'run_never', '', `${run}.1`, 'x'.repeat(129), "' or 1=1"]
    const fences = ['1', '2', '999999999999999', '9999999999999999', '0', '01', '-1', '1e0', '']
    const seqs = ['1', `${last - 1}`, `${last}`, `${last + 1}`, '999999999999999', '9999999999999999', '0', '00', '01', '-1', '1.0', 'x', '']
    const texts = runs.flatMap((id) => fences.flatMap((fence) => seqs.map((seq) => ({ id, fence, seq, text: `${id}.${fence}.${seq}` }))))
      .filter(({ id, fence, seq }) => [id === run, fence === '1', seq === '1'].filter(Boolean).length > 0) // one thing wrong, or two
    const odd = ['', '.', '..', '1', '*', 'null', run, `${run}.1`, ` ${run} .1.1`, `${run}.1.1,${run}.1.1`, `id: ${run}.1.1`].map((text) => ({ id: '', fence: '', seq: '', text }))

    const expected = (byRun: boolean, { id, fence, seq }: { id: string; fence: string; seq: string }): { status: number; rest: string } => {
      const place = /^[A-Za-z0-9_:-]{1,128}$/.test(id) && [fence, seq].every((number) => /^[1-9]\d{0,14}$/.test(number))
      if (!place) return { status: 400, rest: '' }
      if (id !== run) return { status: byRun ? 400 : 404, rest: '' }
      if (fence !== '1' || Number(seq) > last) return { status: 409, rest: '' }
      if (Number(seq) === last) return { status: 204, rest: '' }
      return { status: 200, rest: events.slice(Number(seq)).join('\n\n') }
    }
    for (const made of [...texts, ...odd]) {
      for (const [index, door] of doors.entries()) {
        const response = await send(ambit, stage.world, 'bob', door, { headers: { 'last-event-id': made.text } })
        const text = await response.text()
        const rest = response.status === 200 ? text.split('\n\n').filter((event) => event.startsWith('id: ')).join('\n\n') : ''
        expect([door, made.text, { status: response.status, rest }]).toEqual([door, made.text, expected(index === 0, made)])
      }
    }
    expect(texts.length).toBeGreaterThan(100)
  }, 60_000)

  test('in an attempt that never was, because what stands there was kept: 409, once that can be told', async () => {
    const left = await leaveBehind(stage, {
      async live(pen) {
        pen.say({ type: 'start-step' })
        pen.say(callChunk('call_1', 'count'))
        await pen.commit({ step: { number: 1, finishReason: 'tool-calls', usage: {}, calls: [{ id: 'call_1', place: 0, name: 'count', effect: 'read', input: '{}', state: 'claimed' }] } })
      },
    })
    const { opened, open } = gate()
    const count = { name: 'count', description: 'Counts.', input: z.object({}), effect: 'read', run: () => opened } as Tool<never>
    const { ambit, lines } = stage.start({ model: scriptedModel(says('Done.')), tools: [count] })
    await ambit.start()
    const { id } = left.owned
    const base = Number(must((await rowsOf(stage, 'claims', id)).at(-1))['base'])
    const ask = (cursor: string, door = `${APOLLO}/runs/${id}/events`) => send(ambit, stage.world, 'bob', door, { headers: { 'last-event-id': cursor } })
    const forged = `${id}.1.${base + 1}`
    const early = await ask(forged)
    expect(early.status).toBe(200) // what comes next may be a step
    open()
    await expect(early.text()).rejects.toThrow('The frames ended without a terminal one.')
    await vi.waitFor(async () => expect(await runOf(stage, ambit, id)).toMatchObject({ state: 'completed' }), { timeout: 10_000 })
    for (const door of [`${APOLLO}/runs/${id}/events`, `${APOLLO}/chat/${left.thread}/stream`]) {
      expect([(await ask(forged, door)).status, (await ask(`${id}.1.${base}`, door)).status]).toEqual([409, 200])
    }
    expect(lines.filter(({ level }) => Number(level) > 30)).toEqual([])
  })

  test('a request says of which run it is, in the line of its answer', async () => {
    const { ambit, lines } = stage.start({ model: scriptedModel(says('Done.')) })
    const thread = freshThread()
    const whole = await answerTo(stage, ambit, { thread })
    const run = runIdOf(whole)
    const cursor = must(whole.ids.at(-1))
    const asked: readonly (readonly [status: number, path: string, call?: Parameters<typeof send>[4]])[] = [
      [200, `/runs/${run}`],
      [200, `/runs/${run}/events`],
      [204, `/runs/${run}/events`, { headers: { 'last-event-id': cursor } }],
      [409, `/runs/${run}/events`, { headers: { 'last-event-id': `${run}.7.1` } }],
      [204, `/chat/${thread}/stream`, { headers: { 'last-event-id': cursor } }],
      [200, `/chat/${thread}/stop`, { body: { run } }],
    ]
    for (const [index, [status, path, call = {}]] of asked.entries()) {
      const response = await send(ambit, stage.world, 'bob', APOLLO + path, { ...call, headers: { ...call.headers, 'x-request-id': `${kind.name}-${index}` } })
      await response.text()
      expect(response.status).toBe(status)
      const line = await vi.waitFor(() => must(lines.find((one) => one.msg === 'request' && one['request_id'] === `${kind.name}-${index}`)))
      expect(line).toMatchObject({ run_id: run, status, org_slug: 'acme', project_slug: 'apollo' })
    }
    expect(lines.filter(({ msg, route }) => msg === 'request' && String(route).endsWith('/chat'))).toEqual([expect.objectContaining({ run_id: run })])
  })
})
