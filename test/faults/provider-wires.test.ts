import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import type { Tool } from '../../src/index.ts'
import { said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { PROVIDER_WIRES } from '../support/provider-wires.ts'
import type { ProviderWire } from '../support/provider-wires.ts'
import { answerTo, freshThread, logged, must, runIdOf, runOf, useStage } from '../support/stage.ts'
import { startUpstream } from '../support/upstream.ts'
import type { Answer } from '../support/upstream.ts'

// Every provider by its name, over its own wire: the package's adapter, Ambit's fetch, and a server that speaks as it does.

const KEY = 'sk-SECRET-4711'
const rate = {
  name: 'rate', description: 'The exchange rate.', input: z.object({ of: z.string() }), effect: 'read', run: () => ({ rate: 1.25 }),
} as Tool<never>

// On one database: what a provider does is the same to every other.
describe.each(databaseKinds.slice(0, 1))('a provider on its own wire, on $name', (kind) => {
  const stage = useStage(kind)

  async function start(wire: ProviderWire, ...answers: readonly Answer[]) {
    const server = await startUpstream(...answers)
    onTestFinished(() => server.close())
    const providers = { [wire.name]: { apiKey: KEY, baseURL: server.origin + wire.base } }
    return { server, ...stage.start({ model: `${wire.name}:x`, providers, tools: [rate], limits: { modelRetryMs: 1, stepRetries: 0 } }) }
  }

  test('nothing of a thread is kept at OpenAI, and nothing that was kept there is referred to', async () => {
    const wire = must(PROVIDER_WIRES.find(({ name }) => name === 'openai'))
    const { server, ambit } = await start(wire, wire.callsRate, wire.saysRate)
    await answerTo(stage, ambit, { thread: freshThread() })
    expect(server.asked.map(({ body }) => body['store'])).toEqual([false, false])
    expect(JSON.stringify(server.asked)).not.toContain('item_reference')
  })

  describe.each(PROVIDER_WIRES)('$name', (wire) => {
    test('text, a tool call, its result back, and usage as it was given', async () => {
      const { server, ambit, lines } = await start(wire, wire.callsRate, wire.saysRate)
      const streamed = await answerTo(stage, ambit, { thread: freshThread(), text: 'What is the rate?' })
      expectSound(streamed)
      expect(said(streamed.chunks)).toBe('I look. It is 1.25.')
      expect(streamed.chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'stop' })
      expect(server.asked.map((one) => [one.path, one.headers[wire.keyHeader], one.headers['accept-encoding']])).toEqual(
        Array.from({ length: 2 }, () => [wire.path, wire.keyIn(KEY), 'identity']),
      )
      expect(wire.told(must(server.asked[1]))).toEqual({ input: { of: 'EUR' }, output: { rate: 1.25 } })
      expect(server.connections()).toBe(1)
      const run = await runOf(stage, ambit, runIdOf(streamed))
      expect(run).toMatchObject({ state: 'completed', model: `${wire.name}:x` })
      for (const step of run.steps) {
        expect(step.usage).toMatchObject({ inputTokens: { total: 11 }, outputTokens: { total: 7 } })
        expect(JSON.stringify(step.usage)).not.toMatch(/null|raw|prompt_tokens/)
      }
      expect(JSON.stringify(lines) + streamed.text).not.toContain(KEY)
    })

    test('a refusal that repeats the key: one error, and the key in no log', async () => {
      const { ambit, lines } = await start(wire, wire.refuses(401, `no such key: ${KEY}`))
      const streamed = await answerTo(stage, ambit, { thread: freshThread() })
      expectSound(streamed)
      expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: 'The model could not answer. Try again in a moment.' })
      const line = await logged(lines, 'the run failed')
      expect(line).toMatchObject({ org_slug: 'acme', code: 'model_error', cause: { statusCode: 401, message: 'no such key: [key]' } })
      expect(JSON.stringify(lines) + streamed.text).not.toContain(KEY)
    })

    test('an error in mid-stream: what was said stays, one error, its cause in the log', async () => {
      const { server, ambit, lines } = await start(wire, wire.failsLate)
      const streamed = await answerTo(stage, ambit, { thread: freshThread() })
      expectSound(streamed)
      expect(said(streamed.chunks)).toBe('So far')
      expect(streamed.chunks.at(-1)).toEqual({ type: 'error', errorText: 'The model could not answer. Try again in a moment.' })
      expect(streamed.text).not.toContain('boom')
      expect(await logged(lines, 'the run failed')).toMatchObject({ org_slug: 'acme', cause: { message: expect.stringContaining('boom') as string } })
      expect(server.asked).toHaveLength(1)
    })

    test('an answer that ends in the middle is no answer, and its usage is unknown', async () => {
      const { ambit } = await start(wire, wire.breaksOff)
      const streamed = await answerTo(stage, ambit, { thread: freshThread() })
      expectSound(streamed)
      expect(said(streamed.chunks)).toBe('So far')
      expect(streamed.chunks.at(-1)?.type).toBe('error')
      expect(await runOf(stage, ambit, runIdOf(streamed))).toMatchObject({ state: 'failed', steps: [] })
    })

    test('overloaded, and then not: the answer, and nothing of the first try', async () => {
      const { server, ambit, lines } = await start(wire, wire.refuses(529, 'overloaded'), wire.saysRate)
      const streamed = await answerTo(stage, ambit, { thread: freshThread() })
      expectSound(streamed)
      expect(said(streamed.chunks)).toBe('It is 1.25.')
      expect(streamed.chunks.filter((chunk) => chunk.type === 'start-step')).toHaveLength(1)
      expect(server.asked).toHaveLength(2)
      expect(lines.filter((line) => line.msg.includes('is tried again'))).toMatchObject([
        { level: 40, org_slug: 'acme', provider: wire.name, tries: 1, wait_ms: 1, cause: { statusCode: 529, message: 'overloaded' } },
      ])
    })
  })
})
