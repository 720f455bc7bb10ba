import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { namedModel } from '../../src/index.ts'
import type { Tool } from '../../src/index.ts'
import { APOLLO, parseStream, said, send } from '../support/client.ts'
import { chatCompletions, completion } from '../support/chat-completions.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { answerTo, freshThread, logged, must, post, readRest, readUntil, runIdOf, runOf, useStage } from '../support/stage.ts'
import type { Answer } from '../support/upstream.ts'

const KEY = 'sk-SECRET-4711'
const usage = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }
const rate: Tool<never> = {
  name: 'rate', description: 'The exchange rate.', input: z.object({ of: z.string() }), effect: 'read', run: () => ({ rate: 1.25 }),
} as Tool<never>

const callsRate = completion(
  [
    { role: 'assistant', content: 'I look. ' },
    { tool_calls: [{ index: 0, id: 'call_x', type: 'function', function: { name: 'rate', arguments: '{"of":' } }] },
    { tool_calls: [{ index: 0, function: { arguments: '"EUR"}' } }] },
  ],
  'tool_calls',
  usage,
)
const saysRate = completion([{ role: 'assistant', content: 'It is ' }, { content: '1.25.' }], 'stop', { ...usage, prompt_tokens: 23 })

describe.each(databaseKinds)('a provider over HTTP, on $name', (kind) => {
  const stage = useStage(kind)

  async function upstream(...answers: readonly Answer[]) {
    const server = await chatCompletions(...answers)
    onTestFinished(() => server.close())
    return { server, model: namedModel('openai-compatible:x', { baseURL: server.baseURL, apiKey: KEY }) }
  }

  test('text and a tool, its own call id, its usage as it gave it, and the key in no log', async () => {
    const { server, model } = await upstream(callsRate, saysRate)
    const { ambit, lines } = stage.start({ model, tools: [rate] })
    const streamed = await answerTo(stage, ambit, { thread: freshThread(), text: 'What is the rate?' })
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('I look. It is 1.25.')
    expect(streamed.chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'stop' })
    expect(server.asked.map((one) => one.authorization)).toEqual([`Bearer ${KEY}`, `Bearer ${KEY}`])
    const told = server.asked[1]?.body['messages'] as Record<string, unknown>[]
    expect(told.at(-1)).toEqual({ role: 'tool', tool_call_id: 'call_x', content: '{"rate":1.25}' })
    expect(told.at(-2)).toMatchObject({ role: 'assistant', tool_calls: [{ id: 'call_x', function: { name: 'rate', arguments: '{"of":"EUR"}' } }] })
    const run = await runOf(stage, ambit, runIdOf(streamed))
    expect(run.steps.map((step) => step.finish_reason)).toEqual(['tool-calls', 'stop'])
    expect(run.steps.map((step) => step.usage)).toEqual([
      expect.objectContaining({ inputTokens: expect.objectContaining({ total: 11 }), outputTokens: expect.objectContaining({ total: 7 }) }),
      expect.objectContaining({ inputTokens: expect.objectContaining({ total: 23 }) }),
    ])
    expect(JSON.stringify(run.steps)).not.toContain('null')
    await logged(lines, 'answering')
    expect(JSON.stringify(lines) + streamed.text).not.toContain(KEY)
  })

  test('a stop closes the connection to the provider', async () => {
    const closed = Promise.withResolvers<void>()
    const { model } = await upstream((response) => {
      response.on('close', () => closed.resolve())
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write(`data: ${JSON.stringify({ id: 'c', choices: [{ index: 0, delta: { content: 'So far' }, finish_reason: null }] })}\n\n`)
    })
    const { ambit } = stage.start({ model })
    const thread = freshThread()
    const reader = must((await post(stage, ambit, { thread })).body).getReader()
    const early = await readUntil(reader, 'So far')
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/chat/${thread}/stop`, { method: 'POST' })).status).toBe(200)
    await closed.promise
    const streamed = parseStream(early + (await readRest(reader)))
    expectSound(streamed)
    expect(streamed.chunks.at(-1)?.type).toBe('abort')
  })
})
