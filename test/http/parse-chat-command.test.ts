import { describe, expect, test } from 'vitest'
import { parseChatCommand } from '../../src/lib/http/parse-chat-command.ts'
import { DEFAULT_LIMITS } from '../../src/lib/limits/limits.ts'
import type { Limits } from '../../src/lib/limits/limits.ts'
import { bodyOf, pieces } from '../support/pieces.ts'

const user = (text: string, more: object = {}) => ({ role: 'user', parts: [{ type: 'text', text }], ...more })

function parse(body: unknown, limits: Partial<Limits> = {}, sizes: readonly number[] = []) {
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
  const request = new Request('http://ambit.test/', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: bodyOf(pieces(bytes, sizes)),
    duplex: 'half',
  })
  return parseChatCommand(request, { ...DEFAULT_LIMITS, ...limits })
}

const taken = { thread: null, messageId: null, model: null, trigger: 'submit', message: { clientId: null, text: 'Hello' } }

describe('which message is taken', () => {
  test.each([
    ['the one in "message"', { message: user('Hello') }],
    ['the one in "message", before the last of "messages"', { messages: [user('Other')], message: user('Hello') }],
    ['the last of "messages"', { messages: [user('Other'), { role: 'assistant', parts: [] }, user('Hello')] }],
    ['the last of "messages" beside a null', { message: null, messages: [user('Hello')] }],
    ['the last of the later "messages"', `{"messages":[${JSON.stringify(user('Other'))}],"messages":[${JSON.stringify(user('Hello'))}]}`],
    ['the one under an escaped key', `{"messages":[${JSON.stringify(user('Other'))}],"mess\\u0061ges":[${JSON.stringify(user('Hello'))}]}`],
    ['the later of two in "message"', `{"message":{},"message":${JSON.stringify(user('Hello'))}}`],
    ['none inside of others', { a: { messages: [user('Other')] }, messages: [user('Hello', { messages: [user('Other')], message: user('Other') })] }],
    ['with a byte order mark', `\ufeff${JSON.stringify({ message: user('Hello') })}`],
    ['beside polluting keys', `{"__proto__":{"message":1},"constructor":{"prototype":1},"messages":[${JSON.stringify(user('Hello')).replace('{', '{"__proto__":{"role":"system"},')}]}`],
    ['with white space around', `\n{ "messages" : [ {} , ${JSON.stringify(user('Hello'), null, 2)} ] }\r\n`],
  ])('%s', async (_, body) => {
    for (const sizes of [[], [1], [50]]) expect(await parse(body, {}, sizes)).toEqual({ ok: true, command: taken })
  })
})

test('what a regeneration brings along is not looked at', async () => {
  const body = { trigger: 'regenerate-message', id: 't', messageId: 'm', messages: [user('x'.repeat(2_000)), { role: 'assistant' }] }
  expect(await parse(body, { messageBytes: 100 })).toEqual({ ok: true, command: { thread: 't', messageId: 'm', model: null, trigger: 'regenerate', message: null } })
})

describe('bounds', () => {
  const last = (bytes: number, tail = '') => {
    const empty = JSON.stringify(user('Hello', { metadata: '' }))
    const message = empty.replace('"metadata":""', `"metadata":"${'x'.repeat(bytes - empty.length)}"`)
    return `{"messages":[{"history":"${'y'.repeat(5_000)}"},${message}]${tail}}`
  }

  test.each([[-1, true], [0, true], [1, false]])('the last message with %i bytes more than its bound is taken: %s', async (more, isTaken) => {
    const expected = isTaken ? { ok: true, command: taken } : { code: 'too_large', facts: { pointer: '/messages/1', limit: 1_000 } }
    for (const sizes of [[], [64]]) expect(await parse(last(1_000 + more), { messageBytes: 1_000 }, sizes)).toMatchObject(expected)
  })

  test('a small message that replaces one over its bound is taken', async () => {
    const tail = `,"messages":[${JSON.stringify(user('Hello'))}]`
    expect(await parse(last(3_000, tail), { messageBytes: 1_000 })).toEqual({ ok: true, command: taken })
  })

  test.each([[-1, true], [0, true], [1, false]])('a body with %i bytes more than its bound is taken: %s', async (more, isTaken) => {
    const body = JSON.stringify({ message: user('Hello'), padding: '' }).replace('"padding":""', `"padding":"${'x'.repeat(2_000)}"`)
    const bodyBytes = Buffer.byteLength(body) - more
    const expected = isTaken ? { ok: true } : { code: 'too_large', facts: { limit: bodyBytes } }
    for (const sizes of [[], [64]]) expect(await parse(body, { bodyBytes }, sizes)).toMatchObject(expected)
  })

  test.each([[99, true], [100, true], [101, false]])('%i of 100 characters are taken: %s', async (length, isTaken) => {
    const expected = isTaken ? { ok: true } : { code: 'too_large', facts: { pointer: '/message', limit: 100 } }
    expect(await parse({ message: user('€'.repeat(length)) }, { messageChars: 100 })).toMatchObject(expected)
  })

  test.each([[49, true], [50, true], [51, false]])('%i of 50 parts are taken: %s', async (count, isTaken) => {
    const parts = Array.from({ length: count }, () => ({ type: 'text', text: 'a' }))
    expect(await parse({ message: { role: 'user', parts } })).toMatchObject(isTaken ? { ok: true } : { code: 'malformed', facts: { pointer: '/message/parts' } })
  })

  test('a list of far too many wrong parts has one fault', async () => {
    const result = await parse(`{"message":{"role":"user","parts":[${'0,'.repeat(450_000)}0]}}`)
    expect(result).toMatchObject({ code: 'malformed', facts: { pointer: '/message/parts' } })
  })

  test.each(['id', 'trigger', 'messageId', 'model', 'about', 'messages'])('a huge %s is refused and not kept', async (name) => {
    const result = await parse({ message: user('Hello'), [name]: { a: 'x'.repeat(20_000) } })
    expect(result).toMatchObject({ code: 'malformed', facts: { pointer: `/${name}`, limit: 16_000 } })
  })

  test('keys in the last message are bounded, in the history they are not', async () => {
    const keys = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 0]))
    expect(await parse({ messages: [keys(30_000), user('Hello', { metadata: keys(9_000) })] })).toEqual({ ok: true, command: taken })
    expect(await parse({ messages: [user('Hello', { metadata: keys(10_001) })] })).toMatchObject({ code: 'malformed', facts: { pointer: '/messages/0' } })
  })
})

describe('what a message is about', () => {
  const about = (count: number) => Array.from({ length: count }, (_, index) => ({ type: 'invoice', id: `inv_${index}` }))

  test.each([[1], [10]])('%i objects are taken', async (count) => {
    expect(await parse({ message: user('Hello'), about: about(count) })).toEqual({ ok: true, command: { ...taken, about: about(count) } })
    expect(await parse({ trigger: 'regenerate-message', id: 't', about: about(count) })).toMatchObject({ command: { about: about(count) } })
  })

  test.each([['none', undefined], ['null', null], ['an empty list', []]])('%s leaves it out', async (_, given) => {
    expect(await parse({ message: user('Hello'), ...(given !== undefined && { about: given }) })).toEqual({ ok: true, command: taken })
  })

  test('only type and id are taken of each', async () => {
    const given = [{ type: 'invoice', id: 'inv_1', org: 'globex', project: 'p' }]
    expect(await parse({ message: user('Hello'), about: given })).toEqual({ ok: true, command: { ...taken, about: about(1).map((one) => ({ ...one, id: 'inv_1' })) } })
  })

  test.each([
    ['11 objects', about(11), '/about'],
    ['far too many', Array.from({ length: 5_000 }, () => 0), '/about'],
    ['an object', { type: 'invoice', id: 'a' }, '/about'],
    ['a text', 'inv_1', '/about'],
    ['a list of texts', ['inv_1'], '/about/0'],
    ['no type', [{ id: 'a' }], '/about/0/type'],
    ['no id', [...about(2), { type: 'invoice' }], '/about/2/id'],
    ['an id that is none', [{ type: 'invoice', id: 'a b' }], '/about/0/id'],
    ['an id that is a number', [{ type: 'invoice', id: 1 }], '/about/0/id'],
    ['an id with a NUL', [{ type: 'invoice', id: 'a\0' }], '/about/0/id'],
    ['a type that is none', [{ type: '', id: 'a' }], '/about/0/type'],
    ['a type that is a path', [{ type: '../x', id: 'a' }], '/about/0/type'],
  ])('%s is refused', async (_, given, pointer) => {
    expect(await parse({ message: user('Hello'), about: given })).toMatchObject({ ok: false, code: 'malformed', facts: { pointer } })
  })
})
