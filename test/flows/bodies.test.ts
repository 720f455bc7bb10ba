import { describe, expect, test } from 'vitest'
import { APOLLO, readStream, said, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, useStage, userTexts } from '../support/stage.ts'

const text = (words: string) => [{ type: 'text', text: words }]
const user = (words: string, id?: string) => ({ ...(id !== undefined && { id }), role: 'user', parts: text(words) })

/** An answer of 6 KB with a call in it, as a client keeps it. */
const searched = (index: number) => ({
  id: `a${index}`,
  role: 'assistant',
  parts: [
    { type: 'step-start' },
    { type: 'dynamic-tool', toolName: 'search_documents', toolCallId: `c${index}`, state: 'output-available', input: { query: 'it' }, output: { documents: ['x'.repeat(5_500)] } },
    { type: 'text', text: 'There: "\\" \u2028 😀 [1]', state: 'done' },
  ],
  metadata: { ambit: { run: `run_${index}` } },
})

describe.each(databaseKinds)('the body of a chat request on $name', (kind) => {
  const stage = useStage(kind)

  test.each([
    ['{id, message}', () => ({ id: freshThread(), message: user('Hello', 'm1') })],
    ['{message} alone', () => ({ message: user('Hello') })],
    ['{messages} alone', () => ({ messages: [user('Hello')] })],
    ['nulls for what is optional', () => ({ id: null, messages: null, message: { ...user('Hello'), id: null }, trigger: null, messageId: null, model: null })],
    ['two text parts', () => ({ message: { role: 'user', parts: [...text('Hel'), ...text('lo')] } }), 'Hel\nlo'],
    ['what other clients add', () => ({ id: freshThread(), messages: [user('Hello')], callSettings: {}, config: {}, metadata: { a: 1 }, runConfig: [] })],
    ['200 turns with a search in each, as useChat sends them', () => ({
      id: freshThread(),
      trigger: 'submit-message',
      messages: [...Array.from({ length: 200 }, (_, index) => [user('Where is it?', `u${index}`), searched(index)]).flat(), user('Hello', 'm1')],
    })],
    ['a message after 15.9 MB of history', () => ({ messages: [...Array.from({ length: 31 }, () => user('x'.repeat(512_000))), user('Hello', 'm1')] })],
    ['200 turns of 5 KB', () => ({
      id: freshThread(),
      messages: [...Array.from({ length: 200 }, (_, index) => ({ id: `h${index}`, role: index % 2 === 0 ? 'user' : 'assistant', parts: text('x'.repeat(5_000)) })), user('Hello', 'm1')],
    })],
  ] as [string, () => object, string?][])('%s is taken', async (_, body, words = 'Hello') => {
    const model = scriptedModel(says('Hi.'))
    const { ambit } = stage.start({ model })
    const streamed = await readStream(await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: body() }))
    expectSound(streamed)
    expect(said(streamed.chunks)).toBe('Hi.')
    expect(userTexts(model.calls[0])).toEqual([words])
    const { thread } = (must(streamed.chunks[0]) as { messageMetadata: { ambit: { thread: string } } }).messageMetadata.ambit
    expect((await send(ambit, stage.world, 'bob', `${APOLLO}/threads/${thread}/messages`)).status).toBe(200)
  })

  test('a message without a thread begins a new one each time', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Hi.')) })
    const ids = new Set<unknown>()
    for (const _ of [1, 2]) {
      const { chunks } = await readStream(await send(ambit, stage.world, 'bob', `${APOLLO}/chat`, { body: { message: user('Hello', 'm1') } }))
      ids.add((chunks[0] as { messageMetadata: { ambit: { thread: string } } }).messageMetadata.ambit.thread)
    }
    expect(ids.size).toBe(2)
  })

  const nested = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
  const json = { 'content-type': 'application/json' }
  const small = { messageBytes: 2_000, messageChars: 1_000, bodyBytes: 10_000 }

  test.each([
    ['nothing', '', '', 400],
    ['no message', '{}', '', 400],
    ['no messages', '{"messages":[]}', '', 400],
    ['a null message', '{"message":null}', '', 400],
    ['a null as the last message', '{"messages":[null]}', '/messages/0', 400],
    ['an array', '[]', '', 400],
    ['a text', '"hello"', '', 400],
    ['no role', JSON.stringify({ messages: [{ parts: text('x') }] }), '/messages/0/role', 400],
    ['an assistant’s message', JSON.stringify({ messages: [user('x'), { ...user('x'), role: 'assistant' }] }), '/messages/1/role', 400],
    ['a system message', JSON.stringify({ message: { ...user('x'), role: 'system' } }), '/message/role', 400],
    ['no parts', JSON.stringify({ message: { role: 'user', content: 'x' } }), '/message/parts', 400],
    ['an empty list of parts', JSON.stringify({ message: { role: 'user', parts: [] } }), '/message/parts', 400],
    ['a file elsewhere', JSON.stringify({ message: { role: 'user', parts: [...text('x'), { type: 'file', url: 'http://x', mediaType: 'text/plain' }] } }), '/message/parts/1/url', 400],
    ['a part of another kind', JSON.stringify({ message: { role: 'user', parts: [...text('x'), { type: 'reasoning', text: 'x' }] } }), '/message/parts/1/type', 400],
    ['a text that is a number', JSON.stringify({ message: { role: 'user', parts: [{ type: 'text', text: 1 }] } }), '/message/parts/0/text', 400],
    ['white space only', JSON.stringify({ message: user(' \n\t ') }), '/message', 400],
    ['a thread that is no id', JSON.stringify({ id: '../etc', message: user('x') }), '/id', 400],
    ['a thread that is a number', JSON.stringify({ id: 1, message: user('x') }), '/id', 400],
    ['a message id that is no id', JSON.stringify({ message: user('x', 'a b') }), '/message/id', 400],
    ['an unknown trigger', JSON.stringify({ message: user('x'), trigger: 'resume' }), '/trigger', 400],
    ['messages that are no list', '{"messages":{"length":1}}', '/messages', 400],
    ['cut JSON', '{"message":', '/message', 400],
    ['JSON with a mistake in the history', '{"messages":[{},{"a":01}]}', '/messages/1', 400],
    ['a huge thread', JSON.stringify({ id: 'x'.repeat(9_000), message: user('x') }), '/id', 400],
    ['a huge model', JSON.stringify({ model: 'x'.repeat(257), message: user('x') }), '/model', 400],
    ['more than 10 objects', JSON.stringify({ message: user('x'), about: Array.from({ length: 11 }, () => ({ type: 'a', id: 'b' })) }), '/about', 400],
    ['an object that is no id', JSON.stringify({ message: user('x'), about: [{ type: 'a', id: '../b' }] }), '/about/0/id', 400],
    ['65 levels', nested(65), '', 400],
    ['4,000 levels', nested(4_000), '', 400],
    ['a message over its bytes', JSON.stringify({ message: { ...user('x'), metadata: 'x'.repeat(3_000) } }), '/message', 413],
    ['a text over its characters', JSON.stringify({ message: user('x'.repeat(1_001)) }), '/message', 413],
    ['a body over its bytes', JSON.stringify({ message: user('x'), padding: 'x'.repeat(11_000) }), undefined, 413],
  ] as const)('%s is refused', async (_, body, pointer, status) => {
    const model = scriptedModel(says('Hi.'))
    const { ambit } = stage.start({ model, limits: small })
    const response = await ambit.fetch(new Request(`http://ambit.test${APOLLO}/chat`, { method: 'POST', body, headers: { ...json, authorization: `Bearer ${stage.world.keys.bob}` } }))
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    const problem = (await response.json()) as Record<string, unknown>
    expect(problem).toMatchObject({ code: status === 413 ? 'too_large' : 'malformed', detail: expect.any(String) })
    expect(problem['pointer']).toBe(pointer)
    expect(model.calls).toHaveLength(0)
  })

  test('64 levels of JSON are read: what is wrong with them is their kind', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Hi.')) })
    const response = await ambit.fetch(new Request(`http://ambit.test${APOLLO}/chat`, { method: 'POST', body: nested(64), headers: { ...json, authorization: `Bearer ${stage.world.keys.bob}` } }))
    expect(((await response.json()) as { detail: string }).detail).toMatch(/^The body does not fit/)
  })

  test.each([
    ['no content type', {}, '{}', 415, 'Send the body as JSON'],
    ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, '{}', 415, 'Send the body as JSON'],
    ['plain text', { 'content-type': 'text/plain' }, '{}', 415, 'Send the body as JSON'],
    ['another charset', { 'content-type': 'application/json; charset=latin1' }, '{}', 415, 'Send the body as JSON'],
    ['a compressed body', { ...json, 'content-encoding': 'gzip' }, '{}', 415, 'without a "content-encoding"'],
    ['bytes that are no UTF-8', json, Buffer.from([0x22, 0xff, 0xfe, 0x22]), 400, 'The body is not valid UTF-8'],
    ['a cut character', json, Buffer.from([0x22, 0xe2, 0x82]), 400, 'The body is not valid UTF-8'],
  ] as const)('%s is refused', async (_, headers, body, status, words) => {
    const { ambit } = stage.start({ model: scriptedModel(says('Hi.')) })
    const response = await ambit.fetch(
      new Request(`http://ambit.test${APOLLO}/chat`, { method: 'POST', body: new Blob([body]), headers: { ...headers, authorization: `Bearer ${stage.world.keys.bob}` } }),
    )
    const problem = (await response.json()) as { code: string; detail: string }
    expect([response.status, problem.code]).toEqual([status, status === 415 ? 'unsupported_media_type' : 'malformed'])
    expect(problem.detail).toContain(words)
    expect(response.headers.get('accept')).toBe(status === 415 ? 'application/json' : null)
  })

  test('a body without an end is left at its bound', async () => {
    const { ambit } = stage.start({ model: scriptedModel(says('Hi.')), limits: small })
    let pulled = 0
    let cancelled = 0
    const endless = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          pulled += 1
          controller.enqueue(new Uint8Array(1_000).fill(0x20))
        },
        cancel() {
          cancelled += 1
        },
      },
      { highWaterMark: 0 },
    )
    const response = await ambit.fetch(
      new Request(`http://ambit.test${APOLLO}/chat`, { method: 'POST', body: endless, duplex: 'half', headers: { ...json, authorization: `Bearer ${stage.world.keys.bob}` } }),
    )
    expect(response.status).toBe(413)
    expect([pulled, cancelled]).toEqual([11, 1])
  })
})
