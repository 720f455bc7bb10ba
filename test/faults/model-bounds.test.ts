import type { LanguageModelV4StreamPart as StreamPart } from '@ai-sdk/provider'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Limits, Tool } from '../../src/index.ts'
import { said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callsTools, finish, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { answerTo, freshThread, must, runIdOf, runOf, toolResults, useStage } from '../support/stage.ts'

// A model is an untrusted client: what it sends is bounded before it is kept.

const ran: unknown[] = []
const rate = {
  name: 'rate', description: 'The exchange rate.', input: z.object({ of: z.string() }), effect: 'read',
  run: (args: unknown) => {
    ran.push(args)
    return 1.25
  },
} as Tool<never>

const begins = (id: string, toolName = 'rate'): StreamPart => ({ type: 'tool-input-start', id, toolName })
const writes = (id: string, delta: string): StreamPart => ({ type: 'tool-input-delta', id, delta })
const calls = (toolCallId: string, input: string, toolName = 'rate'): StreamPart => ({ type: 'tool-call', toolCallId, toolName, input })

describe.each(databaseKinds)('a model that sends too much, on $name', (kind) => {
  const stage = useStage(kind)

  async function answer(script: Script, limits: Partial<Limits> = {}) {
    ran.length = 0
    const model = scriptedModel(script, says('Now.'))
    const { ambit } = stage.start({ model, tools: [rate], limits })
    const streamed = await answerTo(stage, ambit, { thread: freshThread() })
    expectSound(streamed)
    return { model, streamed, run: await runOf(stage, ambit, runIdOf(streamed)) }
  }

  test.each([[64, true], [65, false]])('arguments of %i bytes at a limit of 64', async (bytes, runs) => {
    const input = JSON.stringify({ of: 'x'.repeat(bytes - '{"of":""}'.length) })
    expect(Buffer.byteLength(input)).toBe(bytes)
    const { streamed } = await answer([begins('a'), writes('a', input.slice(0, 30)), writes('a', input.slice(30)), calls('a', input), finish('tool-calls')], { argumentBytes: 64 })
    expect(ran).toHaveLength(runs ? 1 : 0)
    expect(streamed.chunks.filter((chunk) => chunk.type === 'tool-input-error')).toHaveLength(runs ? 0 : 1)
    expect(said(streamed.chunks)).toBe('Now.')
  })

  test('arguments that grow past the limit are cut where they do; the model is told, and other calls go on', async () => {
    const long = 'x'.repeat(50)
    const script = [begins('a'), begins('b'), writes('a', long), writes('a', long), writes('b', '{"of":"EUR"}'), writes('a', long), calls('a', long.repeat(3)), calls('b', '{"of":"EUR"}'), finish('tool-calls')]
    const { model, streamed } = await answer(script, { argumentBytes: 64 })
    const types = streamed.chunks.map((chunk) => chunk.type).filter((type) => type.startsWith('tool-'))
    expect(types).toEqual(['tool-input-start', 'tool-input-start', 'tool-input-delta', 'tool-input-error', 'tool-input-delta', 'tool-input-available', 'tool-output-available'])
    expect(ran).toEqual([{ of: 'EUR' }])
    expect(toolResults(model.calls[1]).map((result) => [result.toolCallId, result.output])).toEqual([
      ['a', { type: 'error-text', value: 'The arguments are too large.' }],
      ['b', { type: 'json', value: 1.25 }],
    ])
  })

  test('a call that is begun and never made is settled, and is no call', async () => {
    const { streamed, run } = await answer([{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'So.' }, { type: 'text-end', id: '0' }, begins('a'), writes('a', '{"of"'), finish('stop')])
    expect(said(streamed.chunks)).toBe('So.')
    expect(run).toMatchObject({ state: 'completed', steps: [{ number: 1 }] })
  })

  test('more calls in one step than a run may make: none runs, the stream is closed, and it ends in words', async () => {
    const many = Array.from({ length: 1_000 }, (_, at) => [begins(`${at}`), calls(`${at}`, '{"of":"EUR"}')]).flat()
    const { model, streamed, run } = await answer([...many, finish('tool-calls')], { calls: 5 })
    expect(streamed.chunks.filter((chunk) => chunk.type === 'tool-input-start')).toHaveLength(6)
    expect(ran).toEqual([])
    expect(model.cancelled()).toBe(1)
    expect(said(streamed.chunks)).toMatch(/^I stopped at 5 tool calls/)
    expect(run).toMatchObject({ state: 'completed', finish_reason: 'call_limit' })
    expect(run.steps[0]?.usage).toEqual({ inputTokens: {}, outputTokens: {} })
  })

  test('as many calls as a run may make: all run', async () => {
    const { streamed } = await answer(callsTools(...Array.from({ length: 5 }, () => ['rate', { of: 'EUR' }] as const)), { calls: 5 })
    expect(ran).toHaveLength(5)
    expect(said(streamed.chunks)).toBe('Now.')
  })

  test('a name and an id of a megabyte', async () => {
    const large = 'n'.repeat(1_000_000)
    const { model, streamed } = await answer([begins(large, large), calls(large, '{}', large), finish('tool-calls')])
    expect(streamed.text.length).toBeLessThan(5_000)
    expect(streamed.chunks).toContainEqual(expect.objectContaining({ type: 'tool-input-error', toolName: 'n'.repeat(128), errorText: 'There is no such tool here.' }))
    const [result] = toolResults(model.calls[1])
    const call = streamed.chunks.find((chunk) => chunk.type === 'tool-input-error')
    expect(result?.toolCallId).toBe(call && 'toolCallId' in call ? call.toolCallId : '')
  })

  test('what a provider attaches goes back to it, up to a bound, and without what would break a client', async () => {
    const attached = (of: number): StreamPart => ({ ...calls('a', '{"of":"EUR"}'), providerMetadata: { test: { signature: 's'.repeat(of), ...(JSON.parse('{"__proto__":{"x":1}}') as object) } } }) as StreamPart
    const { model, streamed } = await answer([attached(60_000), finish('tool-calls')])
    const told = must(must(model.calls[1]).prompt.find((message) => message.role === 'assistant'))
    expect(JSON.stringify(told)).toContain('s'.repeat(60_000))
    expect(streamed.text).not.toContain('__proto__')
    const second = await answer([attached(70_000), finish('tool-calls')])
    expect(second.streamed.text.length).toBeLessThan(10_000)
    expect(ran).toHaveLength(1)
  })

  test('a source that is no link is not shown', async () => {
    const source = (url: string): StreamPart => ({ type: 'source', sourceType: 'url', id: url.slice(0, 20), url, title: 't'.repeat(9_000) })
    const script: Script = [source('https://a.test/x'), source('javascript:alert(1)'), source(`https://a.test/${'x'.repeat(9_000)}`), source('no link'), ...says('Now.')]
    const { streamed } = await answer(script)
    const shown = streamed.chunks.flatMap((chunk) => (chunk.type === 'source-url' ? [chunk] : []))
    expect(shown.map((chunk) => [chunk.url, chunk.title?.length])).toEqual([['https://a.test/x', 2_000]])
  })
})
