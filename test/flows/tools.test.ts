import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ToolError } from '../../src/index.ts'
import type { Limits, Tool } from '../../src/index.ts'
import { parseStream, said } from '../support/client.ts'
import type { LogLine } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callsTools, finish, gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { answerTo, freshThread, logged, messagesOf, must, post, readRest, readUntil, runIdOf, runOf, toolCalls, toolResults, useStage } from '../support/stage.ts'

const SECRET = 'SECRET-4711'

/** A tool that takes anything and does this. */
function tool(name: string, run: Tool<never, Record<string, unknown>>['run'], input: z.ZodType = z.looseObject({})): Tool<never> {
  return { name, description: `${name}.`, input, effect: 'read', run } as Tool<never>
}

describe.each(databaseKinds)('tools on $name', (kind) => {
  const stage = useStage(kind)

  /** One question, answered by these scripts: what came out, and what the last model call was told. */
  async function converse(scripts: readonly Script[], tools: readonly Tool<never>[], limits: Partial<Limits> = {}) {
    const model = scriptedModel(...scripts)
    const { ambit, lines } = stage.start({ model, tools, limits })
    const thread = freshThread()
    const streamed = await answerTo(stage, ambit, { thread })
    expectSound(streamed)
    const run = await runOf(stage, ambit, runIdOf(streamed))
    const stored = must((await messagesOf(stage, ambit, { thread })).at(-1))
    return { streamed, model, lines, run, stored, told: toolResults(model.calls.at(-1)) }
  }

  /** The frames that are committed, past every wall. */
  async function storedText(runId: string): Promise<string> {
    const { rows } = await stage.database.superuser.transaction('', (sql) =>
      sql.query<{ text: string }>('select text from ambit.frames where run_id = $1 order by first_seq', [runId]))
    return rows.map((row) => row.text).join('')
  }

  async function expectLogged(lines: readonly LogLine[], runId: string, what: Record<string, unknown>): Promise<void> {
    const line = await logged(lines, 'a tool call failed')
    expect(line).toMatchObject({ org_slug: 'acme', project_slug: 'apollo', run_id: runId, ...what })
    expect(line['call_id']).toMatch(/^call_/)
  }

  test.each([
    ['an unknown tool', ['nothing', {}], 'There is no such tool here.'],
    ['arguments that are no JSON', ['count', '{"n":'], 'The arguments are not JSON.'],
    ['arguments that are no object', ['count', '[]'], 'The arguments do not fit: arguments: '],
    ['wrong arguments', ['count', { n: 'three' }], 'The arguments do not fit: n: '],
    ['arguments nested too deeply', ['count', `{"n":${'['.repeat(70)}${']'.repeat(70)}}`], 'The arguments are nested too deeply.'],
    ['arguments that are too large', ['count', { n: 'x'.repeat(70_000) }], 'The arguments are too large.'],
  ] as const)('%s: an error for model and reader, and the run goes on', async (_, call, words) => {
    let ran = 0
    const count = tool('count', () => (ran += 1), z.object({ n: z.number() }))
    const { streamed, told, run } = await converse([callsTools(call), says('Sorry.')], [count])
    expect(streamed.chunks.filter((chunk) => chunk.type === 'tool-input-error')).toEqual([expect.objectContaining({ errorText: expect.stringContaining(words) })])
    expect(told).toEqual([expect.objectContaining({ toolName: call[0], output: { type: 'error-text', value: expect.stringContaining(words) } })])
    expect(said(streamed.chunks)).toBe('Sorry.')
    expect(run).toMatchObject({ state: 'completed', error_code: null })
    expect(ran).toBe(0)
  })

  test('a tool that throws: its words reach the log only', async () => {
    const breaks = tool('breaks', () => {
      throw new Error(`no connection with ${SECRET}`)
    })
    const { streamed, model, told, lines, run, stored } = await converse([callsTools(['breaks', {}]), says('It failed.')], [breaks])
    expect(told[0]?.output).toEqual({ type: 'error-text', value: 'The tool failed. Its operator finds the cause in the log.' })
    expect(streamed.text + JSON.stringify(model.calls) + JSON.stringify(stored)).not.toContain(SECRET)
    expect(run.state).toBe('completed')
    await expectLogged(lines, run.id, { tool: 'breaks', cause: expect.objectContaining({ message: `no connection with ${SECRET}` }) })
  })

  test('a tool that rejects with no Error at all is still only a failed call', async () => {
    const { told, lines, run } = await converse([callsTools(['breaks', {}]), says('It failed.')], [tool('breaks', () => Promise.reject(SECRET))])
    expect(told[0]?.output).toEqual({ type: 'error-text', value: 'The tool failed. Its operator finds the cause in the log.' })
    await expectLogged(lines, run.id, { tool: 'breaks' })
  })

  test('the words of a ToolError reach model and reader', async () => {
    const refuses = tool('refuses', () => {
      throw new ToolError('There is no invoice 7.')
    })
    const { streamed, told, lines, run } = await converse([callsTools(['refuses', {}]), says('None.')], [refuses])
    expect(streamed.chunks).toContainEqual(expect.objectContaining({ type: 'tool-output-error', errorText: 'There is no invoice 7.' }))
    expect(told[0]?.output).toEqual({ type: 'error-text', value: 'There is no invoice 7.' })
    await expectLogged(lines, run.id, { tool: 'refuses' })
  })

  test('a tool that hangs is told to end, and left', async () => {
    const reasons: unknown[] = []
    const hangs = tool('hangs', (_, { signal }) => new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        reasons.push(signal.reason)
        reject(signal.reason)
      })
    }))
    const { told, lines, run } = await converse([callsTools(['hangs', {}]), says('Too slow.')], [hangs], { toolMs: 30 })
    expect(told[0]?.output).toEqual({ type: 'error-text', value: 'The tool took longer than 0.03 s and was left.' })
    expect(reasons).toHaveLength(1)
    await expectLogged(lines, run.id, { tool: 'hangs' })
  })

  test('a tool that asks its db where no database was given: the log says what is missing', async () => {
    const asks = tool('asks', async (_, { db }) => (db as unknown as { query(text: string): Promise<unknown> }).query('select 1'))
    const { told, lines } = await converse([callsTools(['asks', {}]), says('No.')], [asks])
    expect(told[0]?.output).toMatchObject({ type: 'error-text', value: expect.stringContaining('The tool failed.') })
    expect((await logged(lines, 'a tool call failed'))['cause']).toMatchObject({ message: expect.stringContaining('give createAmbit() the database') })
  })

  test('a tool that ignores its signal is left: what it answers later is heard by nobody', async () => {
    const { opened, open } = gate()
    const ignores = tool('ignores', async () => {
      await opened
      return SECRET
    })
    const { told, streamed, lines, run, stored } = await converse([callsTools(['ignores', {}]), says('Too slow.')], [ignores], { toolMs: 30 })
    open()
    await nextTurn()
    expect(told[0]?.output).toMatchObject({ type: 'error-text' })
    expect(streamed.text + JSON.stringify(stored)).not.toContain(SECRET)
    await expectLogged(lines, run.id, { tool: 'ignores' })
  })

  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const deep = JSON.parse(`${'['.repeat(70)}${']'.repeat(70)}`) as unknown
  test.each([
    ['10 MB', () => 'x'.repeat(10_000_000), 'The tool answered too much (more than 256 KB). Ask it for less.'],
    ['a cycle', () => cycle, 'The tool answered something that is not JSON.'],
    ['a BigInt', () => 1n, 'The tool answered something that is not JSON.'],
    ['a promise that nobody awaited', () => ({ rows: Promise.resolve([1]) }), 'The tool answered something that is not JSON.'],
    ['a function', () => () => 1, 'The tool answered something that is not JSON.'],
    ['70 levels', () => deep, 'The tool answered something that is nested too deeply.'],
  ])('a tool that answers %s: an error for model and reader, the cause in the log', async (_, run, words) => {
    const outcome = await converse([callsTools(['answers', {}]), says('Well.')], [tool('answers', run)])
    expect(outcome.told[0]?.output).toEqual({ type: 'error-text', value: expect.stringContaining(words) })
    expect(outcome.streamed.text.length).toBeLessThan(10_000)
    expect(outcome.run.state).toBe('completed')
    await expectLogged(outcome.lines, outcome.run.id, { tool: 'answers' })
  })

  test.each([
    ['undefined', undefined, null],
    ['null', null, null],
    ['false', false, false],
    ['a key __proto__', JSON.parse('{"__proto__":{"admin":true},"rows":[{"__proto__":1,"id":1}]}'), { rows: [{ id: 1 }] }],
    ['NUL, lone surrogates and line separators', { text: `\0\ud800\u2028\r\n` }, { text: `\0\ud800\u2028\r\n` }],
    ['a Date and undefined keys', { at: new Date(0), none: undefined }, { at: '1970-01-01T00:00:00.000Z' }],
  ])('a tool that answers %s: the same plain JSON for reader, model and store', async (_, output, plain) => {
    const { streamed, told, stored } = await converse([callsTools(['answers', {}]), says('Well.')], [tool('answers', () => output)])
    const chunk = must(streamed.chunks.find((one) => one.type === 'tool-output-available'))
    expect(chunk.output).toEqual(plain)
    expect(told[0]?.output).toEqual({ type: 'json', value: plain })
    expect(stored.parts.find((part) => part['type'] === 'dynamic-tool')?.['output']).toEqual(plain)
    expect(streamed.text).not.toContain('__proto__')
  })

  test('calls run side by side up to the limit; outcomes go out as they come, and to the model as they were called', async () => {
    const gates = { a: gate(), b: gate(), c: gate() }
    const begun: string[] = []
    const beginnings = { a: gate(), b: gate(), c: gate() }
    let at = 0
    let most = 0
    const waits = tool('waits', async (args) => {
      const name = args['name'] as 'a' | 'b' | 'c'
      begun.push(name)
      most = Math.max(most, (at += 1))
      beginnings[name].open()
      await gates[name].opened
      at -= 1
      return name
    })
    const model = scriptedModel(callsTools(['waits', { name: 'a' }], ['waits', { name: 'b' }], ['waits', { name: 'c' }]), says('All.'))
    const { ambit } = stage.start({ model, tools: [waits], limits: { parallelCalls: 2 } })
    const reader = must((await post(stage, ambit, { thread: freshThread() })).body).getReader()
    await Promise.all([beginnings.a.opened, beginnings.b.opened])
    expect(begun).toEqual(['a', 'b'])
    gates.b.open()
    await beginnings.c.opened
    gates.c.open()
    const early = await readUntil(reader, '"output":"c"')
    expect(early).not.toContain('"output":"a"')
    expect(await storedText(runIdOf(parseStream(early)))).toContain('"output":"c"')
    gates.a.open()
    const streamed = parseStream(early + (await readRest(reader)))
    expectSound(streamed)
    expect(most).toBe(2)
    const inputs = streamed.chunks.flatMap((chunk) => (chunk.type === 'tool-input-available' ? [chunk] : []))
    const nameOf = new Map(inputs.map((chunk) => [chunk.toolCallId, (chunk.input as { name: string }).name]))
    const out = streamed.chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? [nameOf.get(chunk.toolCallId)] : []))
    expect(out).toEqual(['b', 'c', 'a'])
    const call = must(model.calls.find((one) => toolResults(one).length === 3))
    expect(toolResults(call).map((result) => result.output)).toEqual(['a', 'b', 'c'].map((value) => ({ type: 'json', value })))
  })

  test('a call is committed, with all that was said before it, before it starts', async () => {
    let seen = ''
    const looks = tool('looks', async (_, { idempotencyKey }) => {
      seen = await storedText(must(idempotencyKey.split(':')[0]))
      return null
    })
    const { streamed } = await converse([[...says('Let me see.').slice(0, -1), ...callsTools(['looks', {}])], says('Done.')], [looks])
    expect(seen).toContain('Let me see.')
    expect(seen).toContain('"type":"tool-input-available"')
    expect(streamed.text).toContain(seen)
  })

  test('more calls than a run may make: none of the step runs, and the reader is told', async () => {
    let ran = 0
    const count = tool('count', () => (ran += 1))
    const { streamed, run, model } = await converse([callsTools(['count', {}]), callsTools(['count', {}], ['count', {}])], [count], { calls: 2 })
    expect(said(streamed.chunks)).toBe('I stopped at 2 tool calls without a final answer. Ask again, with a narrower question.')
    expect(streamed.chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'other' })
    expect(streamed.chunks.filter((chunk) => chunk.type === 'tool-output-error')).toHaveLength(2)
    expect(run).toMatchObject({ state: 'completed', finish_reason: 'call_limit' })
    expect(ran).toBe(1)
    expect(model.calls).toHaveLength(2)
  })

  test('a run that only calls is ended in words', async () => {
    const { streamed, run, model, stored } = await converse([callsTools(['count', {}])], [tool('count', () => 1)], { steps: 2 })
    expect(model.calls).toHaveLength(2)
    expect(said(streamed.chunks)).toBe('I stopped after 2 steps without a final answer. Ask again, with a narrower question.')
    expect(streamed.chunks.at(-1)).toEqual({ type: 'finish', finishReason: 'other' })
    expect(run).toMatchObject({ state: 'completed', finish_reason: 'step_limit' })
    expect(stored.parts.at(-1)).toMatchObject({ type: 'text' })
  })

  test('call ids are Ambit’s; the provider, who repeats its own, gets its own back', async () => {
    const step = (n: number) => callsTools(['echo', { n, of: 1 }], ['echo', { n, of: 2 }])
    const { streamed, model } = await converse([step(1), step(2), says('Done.')], [tool('echo', (args) => args)])
    const ids = streamed.chunks.flatMap((chunk) => (chunk.type === 'tool-input-available' ? [chunk.toolCallId] : []))
    expect(new Set(ids).size).toBe(4)
    for (const id of ids) expect(id).toMatch(/^call_[0-9a-f]{32}$/)
    const last = model.calls.at(-1)
    expect(toolCalls(last).map((call) => [call.toolCallId, call.input])).toEqual([
      ['provider-0', { n: 1, of: 1 }], ['provider-1', { n: 1, of: 2 }], ['provider-0', { n: 2, of: 1 }], ['provider-1', { n: 2, of: 2 }],
    ])
    expect(toolResults(last).map((result) => [result.toolCallId, result.output])).toEqual([
      ['provider-0', { type: 'json', value: { n: 1, of: 1 } }], ['provider-1', { type: 'json', value: { n: 1, of: 2 } }],
      ['provider-0', { type: 'json', value: { n: 2, of: 1 } }], ['provider-1', { type: 'json', value: { n: 2, of: 2 } }],
    ])
    expect(JSON.stringify(last?.prompt)).not.toContain('call_')
  })

  test('a provider that gives one id to two calls of a step still makes two calls', async () => {
    const twice: Script = [1, 2].flatMap((n) => [
      { type: 'tool-input-start' as const, id: 'same', toolName: 'echo' },
      { type: 'tool-input-delta' as const, id: 'same', delta: JSON.stringify({ n }) },
      { type: 'tool-input-end' as const, id: 'same' },
      { type: 'tool-call' as const, toolCallId: 'same', toolName: 'echo', input: JSON.stringify({ n }) },
    ])
    const { streamed } = await converse([[...twice, finish('tool-calls')], says('Done.')], [tool('echo', (args) => args)])
    const outputs = streamed.chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? [chunk.output] : []))
    expect(outputs).toEqual(expect.arrayContaining([{ n: 1 }, { n: 2 }]))
  })

  test('what a model leaves open in a step that goes on is closed before the step ends', async () => {
    const careless: Script = [
      { type: 'text-start', id: '0' },
      { type: 'text-delta', id: '0', delta: 'Let me see' },
      { type: 'tool-input-start', id: 'begun', toolName: 'echo' },
      { type: 'tool-input-delta', id: 'begun', delta: '{"n":' },
      { type: 'tool-call', toolCallId: 'whole', toolName: 'echo', input: '{"n":1}' },
      finish('tool-calls'),
    ]
    const { streamed, run } = await converse([careless, says('Done.')], [tool('echo', (args) => args)])
    expect(said(streamed.chunks)).toBe('Let me seeDone.')
    expect(run.state).toBe('completed')
  })

  test('reasoning and text that share an id are two blocks', async () => {
    const shared: Script = [
      { type: 'reasoning-start', id: '0' },
      { type: 'text-start', id: '0' },
      { type: 'reasoning-delta', id: '0', delta: 'Hm.' },
      { type: 'text-delta', id: '0', delta: 'Yes.' },
      { type: 'reasoning-end', id: '0' },
      { type: 'text-end', id: '0' },
      finish(),
    ]
    const { stored } = await converse([shared], [])
    expect(stored.parts).toEqual([{ type: 'step-start' }, { type: 'reasoning', text: 'Hm.', state: 'done' }, { type: 'text', text: 'Yes.', state: 'done' }])
  })

  test('arguments that the tool did not ask for never arrive', async () => {
    const seen: unknown[] = []
    const count = tool('count', (args) => void seen.push(args), z.object({ n: z.number(), unit: z.string().default('days') }))
    const { streamed, told } = await converse([callsTools(['count', { n: 1, org: 'globex', org_id: 'x' }]), says('Done.')], [count])
    expect(seen).toEqual([{ n: 1, unit: 'days' }])
    expect(streamed.chunks.find((chunk) => chunk.type === 'tool-input-available')).toMatchObject({ input: { n: 1, unit: 'days' } })
    expect(streamed.text).not.toContain('globex')
    expect(told).toHaveLength(1)
  })

  test.each([
    ['length', { type: 'finish', finishReason: 'length' }],
    ['error', { type: 'error', errorText: 'The model could not answer. Try again in a moment.' }],
  ] as const)('calls of an answer that was cut (%s) never run, and are settled', async (reason, terminal) => {
    let ran = 0
    const cut: Script = [...says('Let me see').slice(0, -1), ...callsTools(['count', {}], ['nothing', {}]).slice(0, -1), finish(reason)]
    const model = scriptedModel(cut, says('Again.'))
    const { ambit } = stage.start({ model, tools: [tool('count', () => (ran += 1))] })
    const thread = freshThread()
    const streamed = await answerTo(stage, ambit, { thread })
    expectSound(streamed)
    expect(streamed.chunks.at(-1)).toEqual(terminal)
    expect(streamed.chunks).toContainEqual(expect.objectContaining({ type: 'tool-output-error', errorText: 'Not finished: the answer ended before the outcome of this call was known.' }))
    expect(ran).toBe(0)
    expect(model.calls).toHaveLength(1)
    await answerTo(stage, ambit, { thread, text: 'And now?' })
    expect(toolResults(model.calls.at(-1)).map((result) => result.output.type)).toEqual(['error-text', 'error-text'])
  })

  test('a provider’s own tool is never run by Ambit', async () => {
    let ran = 0
    const own: Script = [
      { type: 'tool-call', toolCallId: 'p', toolName: 'count', input: '{}', providerExecuted: true },
      ...says('Found it.'),
    ]
    const { streamed } = await converse([own], [tool('count', () => (ran += 1))])
    expect(said(streamed.chunks)).toBe('Found it.')
    expect(ran).toBe(0)
  })
})
