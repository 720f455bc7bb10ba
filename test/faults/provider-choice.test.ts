import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import type { AmbitOptions, Tool } from '../../src/index.ts'
import { chatCompletions, completion } from '../support/chat-completions.ts'
import { APOLLO, question, readStream, said, send } from '../support/client.ts'
import type { TestAmbit } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { PROVIDER_WIRES } from '../support/provider-wires.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, must, runIdOf, runOf, useStage } from '../support/stage.ts'
import { startUpstream, status } from '../support/upstream.ts'
import type { Answer, AskedOf } from '../support/upstream.ts'

type ModelChoice = Pick<AmbitOptions, 'model' | 'allowedModels' | 'limits'>

const now = completion([{ content: 'Now.' }], 'stop')
const anthropic = must(PROVIDER_WIRES.find((wire) => wire.name === 'anthropic'))

/** The role and the text of the messages, but for the instructions. */
function toldIn({ body }: AskedOf): readonly string[] {
  const messages = body['messages'] as { role: string; content: unknown }[]
  return messages.slice(1).map(({ role, content }) => `${role}: ${String(content)}`)
}

/** Fails whoever says so, and answers everybody else. */
const asTold: Answer = (response, request, asked) => (toldIn(asked).includes('user: Fail.') ? status(500, {}) : now)(response, request, asked)

// On one database: what a provider does is the same to every other.
describe.each(databaseKinds.slice(0, 1))('which model answers, on $name', (kind) => {
  const stage = useStage(kind)

  /** Two providers, each with a server of its own. */
  async function start(compatible: Answer, options: Partial<ModelChoice> = {}, tools: readonly Tool<never>[] = []) {
    const first = await chatCompletions(compatible)
    const second = await startUpstream(anthropic.saysRate)
    onTestFinished(async () => void (await Promise.all([first.close(), second.close()])))
    const providers = { 'openai-compatible': { baseURL: first.baseURL }, anthropic: { apiKey: 'k', baseURL: `${second.origin}/v1` } }
    return { first, second, ...stage.start({ model: 'openai-compatible:x', providers, tools, limits: { modelRetries: 0, modelRetryMs: 1 }, ...options }) }
  }

  const ask = ({ ambit }: TestAmbit, model?: string, text = 'Go on.', thread = freshThread()) =>
    send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { ...question(thread, text), ...(model !== undefined && { model }) } })

  describe('by the request', () => {
    const allowedModels = ['openai-compatible:y', 'anthropic:claude-*']

    test.each<[model: string | undefined, asked: unknown]>([
      [undefined, 'x'],
      ['openai-compatible:x', 'x'],
      ['openai-compatible:y', 'y'],
      ['anthropic:claude-x', 'claude-x'],
    ])('%s is allowed', async (model, asked) => {
      const running = await start(now, { allowedModels })
      const streamed = await readStream(await ask(running, model))
      expectSound(streamed)
      expect(streamed.chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'stop' })
      expect([...running.first.asked, ...running.second.asked].map((one) => one.body['model'])).toEqual([asked])
      expect(await runOf(stage, running.ambit, runIdOf(streamed))).toMatchObject({ model: model ?? 'openai-compatible:x' })
    })

    test.each(['openai-compatible:z', 'anthropic:other', 'anthropic:claude-*', 'anthropic:claude-x/../../v1/files', 'openai:gpt-5', 'offline', 'none', 'default', '__proto__'])('%s is forbidden before the first byte', async (model) => {
      const running = await start(now, { allowedModels })
      const response = await ask(running, model)
      expect(response.status).toBe(403)
      expect(await response.json()).toMatchObject({ code: 'forbidden' })
      expect([...running.first.asked, ...running.second.asked]).toEqual([])
    })

    test('a host’s own model and its own choice are the default beside them', async () => {
      const own = scriptedModel(says('Own.'))
      for (const model of [own, () => own]) {
        const running = await start(now, { model, allowedModels })
        expect(said((await readStream(await ask(running))).chunks)).toBe('Own.')
        expect(said((await readStream(await ask(running, 'anthropic:claude-x'))).chunks)).toBe('It is 1.25.')
        expect((await ask(running, 'openai-compatible:x')).status).toBe(403)
      }
    })

    test('a place chooses by a pattern, and what it chooses then takes nothing from what runs', async () => {
      const { opened, open } = gate()
      const slow = { name: 'slow', description: 'Slow.', input: z.object({}), effect: 'read', run: () => opened } as Tool<never>
      const call = { index: 0, id: 'call_x', type: 'function', function: { name: 'slow', arguments: '{}' } }
      const running = await start((response, request, asked) => (toldIn(asked).length === 1 ? completion([{ tool_calls: [call] }], 'tool_calls') : now)(response, request, asked), {
        model: 'offline', allowedModels: ['openai-compatible:*'],
      }, [slow])
      const choose = (model: string | null) => send(running.ambit, stage.world, 'ada', `${APOLLO}/settings`, { method: 'PATCH', body: { model } })
      expect((await choose('openai-compatible:y')).status).toBe(200)
      expect((await choose('openai-compatible:*')).status).toBe(400)
      const answer = readStream(await ask(running))
      await vi.waitFor(() => expect(running.first.asked).toHaveLength(1))
      expect((await choose(null)).status).toBe(200)
      open()
      const streamed = await answer
      expect(streamed.chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'stop' })
      expect(running.first.asked.map((one) => one.body['model'])).toEqual(['y', 'y'])
      expect(await runOf(stage, running.ambit, runIdOf(streamed))).toMatchObject({ model: 'openai-compatible:y' })
      expect(await runOf(stage, running.ambit, runIdOf(await readStream(await ask(running))))).toMatchObject({ model: 'offline' })
    })

    test('a name that was written is the name that is kept', async () => {
      const { ambit } = stage.start({ model: 'offline' })
      const streamed = await answerTo(stage, ambit, { thread: freshThread() })
      expect(await runOf(stage, ambit, runIdOf(streamed))).toMatchObject({ model: 'offline' })
    })
  })

  describe('by the circuit of its provider', () => {
    let ahead = 0
    afterEach(() => void (ahead = 0))

    /** As if so much time had gone by. */
    function pass(ms: number): void {
      const real = performance.now.bind(performance)
      if (ahead === 0) {
        const spy = vi.spyOn(performance, 'now').mockImplementation(() => real() + ahead)
        onTestFinished(() => spy.mockRestore())
      }
      ahead += ms
    }

    async function fail(running: TestAmbit, times: number): Promise<void> {
      for (let time = 0; time < times; time += 1) {
        const streamed = await readStream(await ask(running, 'openai-compatible:x', 'Fail.'))
        expect(streamed.chunks.at(-1)?.type).toBe('error')
      }
    }

    async function expectUnavailable(response: Response): Promise<void> {
      expect(response.status).toBe(503)
      const body = (await response.json()) as { code: string; retry_after: number }
      expect(body.code).toBe('ai_unavailable')
      expect(body.retry_after).toBeGreaterThan(25)
      expect(body.retry_after).toBeLessThanOrEqual(30)
      expect(response.headers.get('retry-after')).toBe(`${body.retry_after}`)
    }

    test('five failures in a row: refused before the first byte, and again served when it answers', async () => {
      const running = await start(asTold)
      await fail(running, 4)
      expect(said((await readStream(await ask(running))).chunks)).toBe('Now.')
      await fail(running, 5)
      expect(await logged(running.lines, 'this provider fails again and again: no run begins with it for a while')).toMatchObject({ level: 40, provider: 'openai-compatible' })
      const asked = running.first.asked.length
      const thread = freshThread()
      await expectUnavailable(await ask(running, undefined, 'Go on.', thread))
      expect(running.first.asked).toHaveLength(asked)
      const resolved = await running.ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
      expect(resolved).toMatchObject({ ok: false, code: 'ai_unavailable', facts: { retry_after: expect.any(Number) as number } })
      const scope = await send(running.ambit, stage.world, 'bob', `${APOLLO}/scope`)
      expect(await scope.json()).toMatchObject({ may: ['read', 'write', 'chat'], chat_refusal: { code: 'ai_unavailable' } })
      // Reading goes on, and nothing is left of what was refused.
      expect((await send(running.ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}`)).status).toBe(404)
      pass(31_000)
      expect(said((await readStream(await ask(running))).chunks)).toBe('Now.')
      expect((await ask(running)).status).toBe(200)
    })

    test('half open: one may try, and a failure of it keeps the others out', async () => {
      const { opened, open } = gate()
      const running = await start(async (response, request, asked) => {
        if (toldIn(asked).includes('user: Wait.')) await opened
        status(500, {})(response, request, asked)
      })
      await fail(running, 5)
      pass(31_000)
      const trial = await ask(running, undefined, 'Wait.')
      expect(trial.status).toBe(200)
      await expectUnavailable(await ask(running))
      open()
      expect((await readStream(trial)).chunks.at(-1)?.type).toBe('error')
      await expectUnavailable(await ask(running))
    })

    test('half open: who is refused for another reason takes the try from nobody', async () => {
      const running = await start(asTold)
      await fail(running, 5)
      pass(31_000)
      const response = await send(running.ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { id: 'nothing-here', trigger: 'regenerate-message', messages: [] } })
      expect(response.status).toBe(404)
      expect((await ask(running)).status).toBe(200)
    })

    test('another provider that is allowed still serves, and is the default for so long where it has a name', async () => {
      const running = await start(asTold, { allowedModels: ['anthropic:claude-x', 'anthropic:*'] })
      await fail(running, 5)
      const streamed = await readStream(await ask(running))
      expect(said(streamed.chunks)).toBe('It is 1.25.')
      expect(await runOf(stage, running.ambit, runIdOf(streamed))).toMatchObject({ model: 'anthropic:claude-x' })
      await expectUnavailable(await ask(running, 'openai-compatible:x'))
      const byPattern = await start(asTold, { allowedModels: ['anthropic:*'] })
      await fail(byPattern, 5)
      await expectUnavailable(await ask(byPattern))
      expect(said((await readStream(await ask(byPattern, 'anthropic:claude-x'))).chunks)).toBe('It is 1.25.')
    })

    test('while that of a place’s own choice fails, the installation’s serves', async () => {
      const running = await start(asTold, { model: 'offline', allowedModels: ['openai-compatible:x'] })
      const choose = (model: string | null) => send(running.ambit, stage.world, 'ada', `${APOLLO}/settings`, { method: 'PATCH', body: { model } })
      await choose('openai-compatible:x')
      onTestFinished(async () => void (await choose(null)))
      await fail(running, 5)
      const streamed = await readStream(await ask(running))
      expect(await runOf(stage, running.ambit, runIdOf(streamed))).toMatchObject({ model: 'offline' })
    })

    test('a run in mid-course goes on', async () => {
      const { opened, open } = gate()
      const slow = { name: 'slow', description: 'Slow.', input: z.object({}), effect: 'read', run: () => opened } as Tool<never>
      const running = await start((response, request, asked) => {
        const begins = toldIn(asked).at(-1) === 'user: Slowly.'
        const call = { index: 0, id: 'call_x', type: 'function', function: { name: 'slow', arguments: '{}' } }
        const answer = begins ? completion([{ tool_calls: [call] }], 'tool_calls') : asTold
        answer(response, request, asked)
      }, {}, [slow])
      const answer = answerTo(stage, running.ambit, { thread: freshThread(), text: 'Slowly.' })
      await vi.waitFor(() => expect(running.first.asked).toHaveLength(1))
      await fail(running, 5)
      await expectUnavailable(await ask(running))
      open()
      const streamed = await answer
      expectSound(streamed)
      expect(said(streamed.chunks)).toBe('Now.')
      // Its answer is word enough that the provider is back.
      expect((await ask(running)).status).toBe(200)
    })

    test('what may be the fault of one request opens nothing', async () => {
      for (const answer of [status(400, {}), status(401, {}), status(413, {}), completion([], 'stop')]) {
        const running = await start(answer)
        await fail(running, 6)
        expect((await ask(running)).status).toBe(200)
      }
    })

    test.each<[name: string, answer: Answer]>([
      ['429', status(429, {})],
      ['a reset', (response) => void response.socket?.resetAndDestroy()],
      ['silence', () => {}],
    ])('%s opens it', async (_, answer) => {
      const running = await start(answer, { limits: { modelRetries: 0, modelFirstMs: 30 } })
      await fail(running, 5)
      await expectUnavailable(await ask(running))
    })

    test('silence after a sign of life opens nothing: it may be long thought about what one person asked', async () => {
      const running = await start((response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        response.write(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content: 'Hm' }, finish_reason: null }] })}\n\n`)
      }, { limits: { modelRetries: 0, modelIdleMs: 30 } })
      await fail(running, 6)
      expect((await ask(running)).status).toBe(200)
    })

    test('models behind a pattern have one of their own: the named ones go on', async () => {
      const weird: Answer = (response, request, asked) => (asked.body['model'] === 'weird' ? status(429, {}) : now)(response, request, asked)
      const running = await start(weird, { allowedModels: ['openai-compatible:w*'] })
      for (let time = 0; time < 5; time += 1) await readStream(await ask(running, 'openai-compatible:weird'))
      await expectUnavailable(await ask(running, 'openai-compatible:weird'))
      expect((await ask(running)).status).toBe(200)
    })

    test('a host’s own model has one, by its provider; a choice by scope has none', async () => {
      const down = () => scriptedModel([Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })])
      const own = await start(now, { model: down() })
      const chosen = await start(now, { model: down })
      for (const running of [own, chosen]) for (let time = 0; time < 5; time += 1) await readStream(await ask(running))
      await expectUnavailable(await ask(own))
      expect((await ask(chosen)).status).toBe(200)
    })
  })
})
