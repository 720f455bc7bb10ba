import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { z } from 'zod'
import type { Tool } from '../../src/index.ts'
import { ACME, APOLLO, question, readStream, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { callChunk, leaveBehind } from '../support/left-behind.ts'
import { callsTools, finish, gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { answerTo, freshThread, messagesOf, must, post, read, readUntil, runIdOf, useStage } from '../support/stage.ts'
import type { PersonName } from '../support/world.ts'

interface Step {
  readonly number: number
  readonly started_at: string | null
  readonly first_at: string | null
  readonly answered_at: string
  readonly ended_at: string | null
}

interface Detail {
  readonly id: string
  readonly thread_id: string
  readonly state: string
  readonly created_at: string
  readonly scope: { readonly principal: object; readonly tools: readonly string[]; readonly limits: object } | null
  readonly claims: readonly { readonly claimed_at: string }[]
  readonly steps: readonly Step[]
  readonly calls: readonly { readonly claimed_at: string; readonly settled_at: string; readonly output: unknown }[]
}

interface Page {
  readonly runs: readonly { readonly id: string }[]
  readonly next: string | null
}

/** Not in this order is not told in this order, also where two were in the same microsecond. */
function expectInOrder(...moments: readonly (string | null)[]): void {
  expect(moments).not.toContain(null)
  expect(moments).toEqual([...moments].sort())
}

const measure: Tool<never, { of: string }> = {
  name: 'measure', description: 'Measures.', input: z.object({ of: z.string() }), effect: 'read',
  run: ({ of }) => {
    if (of === 'nothing') throw new Error('There is nothing to measure.')
    return { of, is: of.length }
  },
}
const print: Tool<never, { chars: number }> = {
  name: 'print', description: 'Prints.', input: z.object({ chars: z.number() }), effect: 'read', run: ({ chars }) => ({ text: 'é'.repeat(chars) }),
}
const tools: readonly Tool<never>[] = [measure, print]

describe.each(databaseKinds)('what a message tells of its run, on $name', (kind) => {
  const stage = useStage(kind)

  test('what its author was called, and why there is no answer', async () => {
    const { ambit } = stage.start({ model: scriptedModel([new Error('no')]) })
    const thread = freshThread()
    await answerTo(stage, ambit, { thread, text: 'How long is it?' })
    const told = (await messagesOf(stage, ambit, { thread, who: 'bob' })).map(({ metadata }) => metadata.ambit)
    expect(told).toMatchObject([{ author_id: 'bob', author_name: 'bob', run: null }, { author_name: 'bob', run: { state: 'failed', error_code: 'model_error' } }])
  })
})

describe.each(databaseKinds)('what a run did, on $name', (kind) => {
  const stage = useStage(kind)
  const detailOf = (ambit: Parameters<typeof read>[1], id: string, { who = 'bob', path = APOLLO }: { who?: PersonName; path?: string } = {}) =>
    read<Detail>(stage, ambit, who, `${path}/runs/${id}`)

  /** A run of Bob's in apollo, and what is told of it. */
  async function ranBy(...scripts: Script[]) {
    const { ambit } = stage.start({ model: scriptedModel(...scripts), tools })
    const streamed = await answerTo(stage, ambit, { thread: freshThread(), text: 'How long is it?' })
    return { ambit, streamed, detail: await detailOf(ambit, runIdOf(streamed)) }
  }

  test('who asked, where and with what; each step and each call with its times, and what was used', async () => {
    const { ambit, detail } = await ranBy(callsTools(['measure', { of: 'apollo' }], ['measure', { of: 'nothing' }], ['unheard_of', {}]), says('Six.'))
    const done = { effect: 'read', cut: false, claimed_at: expect.any(String) as string, settled_at: expect.any(String) as string }
    expect(detail).toMatchObject({
      state: 'completed',
      author_name: 'bob',
      thread_title: 'How long is it?',
      thread: { id: detail.thread_id, title: 'How long is it?' },
      scope: {
        org: { slug: 'acme', name: 'The acme company' }, project: { slug: 'apollo', name: 'apollo of acme' },
        principal: { subject: 'bob', kind: 'person', name: 'bob' }, role: 'member', may: ['read', 'write', 'chat'], models: ['test:scripted'],
      },
      claims: [{ fence: 1, node: expect.any(String) as string, reason: 'opened', base: 0 }],
      step_count: 2,
      steps: [{ number: 1, finish_reason: 'tool-calls' }, { number: 2, finish_reason: 'stop' }],
      usage: { input_tokens: 20, output_tokens: 10, unknown: false },
      calls: [
        { ...done, step: 1, place: 0, name: 'measure', state: 'done', input: { of: 'apollo' }, output: { of: 'apollo', is: 6 }, error: null },
        { ...done, step: 1, place: 1, name: 'measure', state: 'failed', input: { of: 'nothing' }, output: null, error: expect.stringContaining('failed') as string },
      ],
    })
    expect(detail.claims).toHaveLength(1)
    expect(detail.calls).toHaveLength(2) // no tool could take the third
    expect(must(detail.scope).tools).toEqual(expect.arrayContaining(['measure', 'print']))
    expect(must(detail.scope).limits).toEqual((await read<{ limits: object }>(stage, ambit, 'bob', `${APOLLO}/scope`)).limits)
    const [first, second] = detail.steps.map(({ started_at, first_at, answered_at, ended_at }) => [started_at, first_at, answered_at, ended_at])
    expectInOrder(detail.created_at, ...must(first))
    expectInOrder(...must(second))
    expectInOrder(must(detail.steps[0]).ended_at, must(detail.steps[1]).answered_at)
    for (const { claimed_at, settled_at } of detail.calls) expectInOrder(must(detail.steps[0]).first_at, claimed_at, settled_at, must(detail.steps[0]).ended_at)
    expectInOrder(must(detail.claims[0]).claimed_at, must(detail.steps[0]).answered_at)
  })

  test('nothing of instructions, and of a credential no more than a name', async () => {
    const { detail } = await ranBy(says('Said.'))
    expect(JSON.stringify(detail)).not.toMatch(/CNRY|Be kind|"claims":\{|"key"|instructions":/)
    expect(must(detail.scope).principal).toEqual({ subject: 'bob', kind: 'person', name: 'bob' })
  })

  test('a step goes on until its last call is settled', async () => {
    const { opened, open } = gate()
    const slow: Tool<never> = { name: 'slow', description: 'Slow.', input: z.object({}), effect: 'read', run: () => opened }
    const { ambit } = stage.start({ model: scriptedModel(callsTools(['slow', {}], ['measure', { of: 'it' }]), says('Done.')), tools: [measure, slow] })
    const response = await post(stage, ambit, { thread: freshThread() })
    const reader = must(response.body).getReader()
    const id = must(/"run":"(\w+)"/.exec(await readUntil(reader, 'tool-output-available')))[1] ?? ''
    expect(await detailOf(ambit, id)).toMatchObject({
      state: 'running',
      steps: [{ number: 1, answered_at: expect.any(String) as string, ended_at: null }],
      calls: [{ name: 'slow', state: 'claimed', output: null, error: null, settled_at: null }, { name: 'measure', state: 'done' }],
      usage: { input_tokens: 10, output_tokens: 5, unknown: false },
    })
    open()
    await reader.cancel()
    const detail = await vi.waitFor(async () => {
      const ended = await detailOf(ambit, id)
      expect(ended.state).toBe('completed')
      return ended
    })
    expect(must(detail.steps[0]).ended_at).toBe(must(detail.calls[0]).settled_at)
  })

  test('a run that was taken over: who drove it, what became of its calls, and tokens that nobody knows', async () => {
    const left = await leaveBehind(stage, {
      async live(pen) {
        pen.say({ type: 'start-step' })
        pen.say(callChunk('call_1', 'count'))
        pen.say(callChunk('call_2', 'gone'))
        const calls = [
          { id: 'call_1', place: 0, name: 'count', effect: 'read', input: '{}', state: 'claimed' },
          { id: 'call_2', place: 1, name: 'gone', effect: 'write', input: '{}', state: 'claimed' },
        ] as const
        await pen.commit({ step: { number: 1, finishReason: 'tool-calls', usage: { inputTokens: { total: 7 } }, calls, spoke: { ms: 2_000, firstMs: 1_500 } } })
      },
    })
    const count: Tool<never> = { name: 'count', description: 'Counts.', input: z.object({}), effect: 'read', run: () => 'counted' }
    const { ambit } = stage.start({ model: scriptedModel(says('Now.')), tools: [count] })
    await ambit.start()
    const detail = await vi.waitFor(async () => {
      const ended = await detailOf(ambit, left.owned.id)
      expect(ended.state).toBe('completed')
      return ended
    }, { timeout: 10_000 })
    expect(detail).toMatchObject({
      claims: [{ fence: 1, node: 'dead', reason: 'opened', base: 0 }, { fence: 2, node: expect.any(String) as string, reason: 'takeover', base: expect.any(Number) as number }],
      steps: [{ number: 1 }, { number: 2, finish_reason: 'stop' }],
      calls: [
        { id: 'call_1', state: 'done', output: 'counted', error: null },
        { id: 'call_2', state: 'unknown', output: null, error: expect.stringContaining('not known') as string },
      ],
      usage: { input_tokens: 17, output_tokens: 5, unknown: true },
    })
    const [step] = detail.steps
    const ms = (from: string | null | undefined, to: string | null | undefined) => Date.parse(must(to)) - Date.parse(must(from))
    expect([ms(step?.started_at, step?.first_at), ms(step?.started_at, step?.answered_at)]).toEqual([1_500, 2_000]) // as its node had measured
    expectInOrder(step?.answered_at ?? null, must(detail.claims[1]).claimed_at, must(detail.calls[0]).settled_at, step?.ended_at ?? null)
  })

  test('an attempt that was dropped and a provider that counts nothing make the sum unknown, and not zero', async () => {
    const broken = scriptedModel(
      [{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Lost.' }, Object.assign(new Error('connect'), { code: 'ECONNRESET' })],
      says('Said.'),
    )
    const retried = stage.start({ model: broken })
    const again = await detailOf(retried.ambit, runIdOf(await answerTo(stage, retried.ambit, { thread: freshThread() })))
    expect(again).toMatchObject({
      state: 'completed', claims: [{ reason: 'opened' }, { fence: 2, reason: 'retry', base: 1 }], steps: [{ number: 1 }],
      usage: { input_tokens: 10, output_tokens: 5, unknown: true },
    })
    // What it took is that of the attempt that was kept.
    expectInOrder(must(again.claims[1]).claimed_at, must(again.steps[0]).answered_at)
    const uncounted = { ...finish(), usage: { inputTokens: {}, outputTokens: {} } } as ReturnType<typeof finish>
    const { detail } = await ranBy([...says('Said.').slice(0, -1), uncounted])
    expect(detail).toMatchObject({ usage: { input_tokens: null, output_tokens: null, unknown: true } })
    const failed = await ranBy(callsTools(['measure', { of: 'it' }]), [new Error('Down.')])
    expect(failed.detail).toMatchObject({ state: 'failed', steps: [{ number: 1 }], usage: { input_tokens: 10, output_tokens: 5, unknown: true } })
  })

  test('of a large output the beginning of its text is told, and that there is more', async () => {
    const { detail } = await ranBy(callsTools(['print', { chars: 60_000 }], ['print', { chars: 70_000 }]), says('Printed.'))
    expect(detail.calls).toMatchObject([{ cut: false, output: { text: 'é'.repeat(60_000) } }, { cut: true, error: null }])
    const output = must(detail.calls[1]).output as string
    expect(output.startsWith('{"text":"éé')).toBe(true)
    expect(output.length).toBeGreaterThan(63_000)
    expect(output.length).toBeLessThanOrEqual(64_000)
  })

  test('a reader who may not see what it has read is told that it was, and nothing of what it did', async () => {
    const model = scriptedModel(callsTools(['search_documents', { query: 'price for Kestrel' }]), says('41.5 million. CNRY-acme-zephyr'))
    const { ambit } = stage.start({ model, tools })
    const alias = freshThread()
    const id = runIdOf(await answerTo(stage, ambit, { who: 'ada', path: ACME, thread: alias, text: 'What does it cost?' }))
    const threadId = (await read<{ id: string }>(stage, ambit, 'ada', `${ACME}/threads/${alias}`)).id
    const share = (shared: boolean) => send(ambit, stage.world, 'ada', `${ACME}/threads/${threadId}`, { method: 'PATCH', body: { shared } })
    expect((await share(true)).status).toBe(200)
    const told = { author_id: 'ada', author_name: 'ada', state: 'completed', thread_title: 'What does it cost?' }
    expect(await detailOf(ambit, id, { who: 'carol', path: ACME })).toMatchObject({
      ...told, scope: { role: 'owner', project: null }, claims: [{ fence: 1 }], step_count: 2, calls: [{ name: 'search_documents' }], usage: { input_tokens: 20 },
    })
    const hidden = await send(ambit, stage.world, 'bob', `${ACME}/runs/${id}`)
    const body = await hidden.text()
    expect(JSON.parse(body)).toMatchObject({ ...told, scope: null, claims: [], steps: [], step_count: null, calls: [], usage: null, manifest: null })
    expect(body).not.toMatch(/CNRY|Kestrel|41\.5|zephyr|search_documents|owner/i)
    const { runs } = await read<Page>(stage, ambit, 'bob', `${ACME}/runs?thread=${threadId}`)
    expect(runs).toMatchObject([{ id, ...told, step_count: null, usage: null }])
    expect(await read<Page>(stage, ambit, 'carol', `${ACME}/runs?thread=${threadId}`)).toMatchObject({ runs: [{ id, step_count: 2, usage: { input_tokens: 20, output_tokens: 10, unknown: false } }] })
  })

  test('whoever asked in a thread that was taken back sees the own run, and not what the thread is called now', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    const alias = freshThread()
    await answerTo(stage, ambit, { who: 'ada', thread: alias })
    const thread = (await read<{ id: string }>(stage, ambit, 'ada', `${APOLLO}/threads/${alias}`)).id
    const change = (body: object) => send(ambit, stage.world, 'ada', `${APOLLO}/threads/${thread}`, { method: 'PATCH', body })
    await change({ shared: true })
    const id = runIdOf(await answerTo(stage, ambit, { thread, text: 'And I?' }))
    await change({ shared: false, title: 'Of Bob' })
    expect(await detailOf(ambit, id)).toMatchObject({ thread_title: null, thread: { id: thread, title: null }, step_count: 1 })
    expect(await detailOf(ambit, id, { who: 'ada' })).toMatchObject({ thread_title: 'Of Bob', thread: { id: thread, title: 'Of Bob' } })
    expect(await read<Page>(stage, ambit, 'bob', `${APOLLO}/runs?thread=${thread}`)).toMatchObject({ runs: [{ id, thread_title: null }] })
  })
})

describe.each(databaseKinds)('the page of runs on $name', (kind) => {
  const stage = useStage(kind)

  /** Four that ended well, one that failed, one that runs, and one that waits for it; of Bob's and Ada's, in apollo. */
  async function filled() {
    const held = gate()
    onTestFinished(() => held.open())
    const model = scriptedModel(says('1'), says('2'), says('3'), says('4'), [new Error('Down.')], [{ type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Well, ' }, held.opened, ...says('5')])
    const { ambit } = stage.start({ model })
    const ids: Record<string, string> = {}
    const thread = freshThread()
    const ran = async (name: string, who: PersonName, alias: string) => void (ids[name] = runIdOf(await answerTo(stage, ambit, { who, thread: alias, text: name })))
    await ran('bob 1', 'bob', thread)
    await ran('bob 2', 'bob', thread)
    await ran('ada 1', 'ada', freshThread())
    const shared = (await read<{ id: string }>(stage, ambit, 'bob', `${APOLLO}/threads/${thread}`)).id
    await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${shared}`, { method: 'PATCH', body: { shared: true, on_active: 'queue' } })
    await ran('ada 2', 'ada', shared)
    await ran('failed', 'bob', freshThread())
    for (const name of ['running', 'queued']) {
      const reader = must((await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: question(thread, name, name) })).body).getReader()
      ids[name] = must(/"run":"(\w+)"/.exec(await readUntil(reader, name === 'running' ? 'Well, ' : '"run":')))[1] ?? ''
      await reader.cancel()
    }
    const named = async (query: string, who: PersonName = 'bob') => {
      const { runs } = await read<Page>(stage, ambit, who, `${APOLLO}/runs?${query}`)
      return runs.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id))
    }
    return { ambit, shared, named }
  }

  test('is narrowed by state, author and thread, and goes on from page to page', async () => {
    const { ambit, shared, named } = await filled()
    expect(await named('')).toEqual(['queued', 'running', 'failed', 'ada 2', 'bob 2', 'bob 1'])
    expect(await named('state=running')).toEqual(['running'])
    expect(await named('state=running,queued')).toEqual(['queued', 'running'])
    expect(await named('state=running&state=queued,failed&state=queued')).toEqual(['queued', 'running', 'failed'])
    expect(await named('state=stopped')).toEqual([])
    expect(await named('author=me')).toEqual(['queued', 'running', 'failed', 'bob 2', 'bob 1'])
    expect(await named('author=me', 'ada')).toEqual(['ada 2', 'ada 1'])
    expect(await named('author=me', 'carol')).toEqual([])
    expect(await named(`thread=${shared}`)).toEqual(['queued', 'running', 'ada 2', 'bob 2', 'bob 1'])
    expect(await named(`thread=${shared}&author=me&state=completed`, 'ada')).toEqual(['ada 2'])
    expect(await named('state=failed', 'ada')).toEqual([]) // it is in a thread of Bob's own
    const pages: (string | undefined)[][] = []
    const limited = 'state=completed&limit=2'
    for (let query: string | null = limited; query !== null; ) {
      pages.push(await named(query))
      const { next }: Page = await read<Page>(stage, ambit, 'bob', `${APOLLO}/runs?${query}`)
      query = next === null ? null : `${limited}&after=${next}`
    }
    expect(pages).toEqual([['ada 2', 'bob 2'], ['bob 1']])
  })

  test('a thread of others is one that never was', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    await answerTo(stage, ambit, { who: 'ada', thread: 'mine' })
    const hidden = (await read<{ id: string }>(stage, ambit, 'ada', `${APOLLO}/threads/mine`)).id
    const answers = await Promise.all([hidden, 'thr_0123456789abcdef0123456789abcdef', 'mine'].map(async (thread) => (await send(ambit, stage.world, 'bob', `${APOLLO}/runs?thread=${thread}`)).text()))
    expect(answers).toEqual(Array.from({ length: 3 }, () => '{"runs":[],"next":null}'))
    expect((await read<Page>(stage, ambit, 'ada', `${APOLLO}/runs?thread=${hidden}`)).runs).toHaveLength(1)
  })

  const malformed = ['state=', 'state=done', 'state=running,', 'state=running&state=%00', 'author=ada', 'author=', 'thread=', 'thread=a%20b', 'thread=%00', `thread=${'x'.repeat(129)}`, 'state=running&limit=0']

  test('what is no state, no author and no id is malformed', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    for (const query of malformed) {
      const response = await send(ambit, stage.world, 'bob', `${APOLLO}/runs?${query}`)
      expect([query, response.status, await response.json()]).toEqual([query, 400, expect.objectContaining({ code: 'malformed' })])
    }
  })

  test('a run without a name of its author has none', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Said.')) })
    const context = await ambit.resolveChatScope({ subject: 'bob', kind: 'person' }, { org: 'acme', project: 'apollo' })
    if (!context.ok) throw new Error(context.detail)
    const opened = await ambit.openRun(context, { thread: null, trigger: 'submit', message: { clientId: null, text: 'Nameless?' }, messageId: null, model: null })
    if (!opened.ok) throw new Error(opened.detail)
    await readStream(await send(ambit, stage.world, 'bob', `${APOLLO}/runs/${opened.run.id}/events`))
    expect(await detailOfName(ambit, opened.run.id)).toEqual([null, null])
  })

  async function detailOfName(ambit: Parameters<typeof read>[1], id: string) {
    const { author_name, scope } = await read<{ author_name: string | null; scope: { principal: { name: string | null } } }>(stage, ambit, 'bob', `${APOLLO}/runs/${id}`)
    return [author_name, scope.principal.name]
  }
})
