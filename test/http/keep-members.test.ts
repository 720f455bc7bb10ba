import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createKeptMembers } from '../../src/lib/http/keep-members.ts'
import type { KeepPlan, KeptMembers } from '../../src/lib/http/keep-members.ts'
import { pieces } from '../support/pieces.ts'

const NAMES = ['id', 'model', 'message', 'messages']
const plan: KeepPlan = { members: { id: 1e6, model: 1e6, message: 1e6, messages: 1e6 }, list: { name: 'messages', maxBytes: 1e6 } }

function keep(text: string, sizes: readonly number[] = [], given = plan): KeptMembers {
  const kept = createKeptMembers(given)
  for (const piece of pieces(Buffer.from(text), sizes)) expect(kept.feed(piece)).toBeNull()
  expect(kept.end()).toBeNull()
  return kept
}

const valueOf = (piece: ReturnType<KeptMembers['member']>) => (piece?.ok ? [JSON.parse(piece.text) as unknown] : [])

/** What is kept, beside what `JSON.parse` makes of the whole. */
function compare(text: string, sizes: readonly number[]): void {
  const kept = keep(text, sizes)
  const whole = JSON.parse(Buffer.from(text).toString()) as unknown
  const isObject = typeof whole === 'object' && whole !== null && !Array.isArray(whole)
  expect(kept.isObject()).toBe(isObject)
  const members: Readonly<Record<string, unknown>> = isObject ? (whole as Record<string, unknown>) : {}
  for (const name of NAMES) {
    const value = Object.hasOwn(members, name) ? members[name] : undefined
    const isList = name === 'messages' && Array.isArray(value)
    expect([text, name, valueOf(kept.member(name))]).toEqual([text, name, value === undefined || isList ? [] : [value]])
  }
  const list = Object.hasOwn(members, 'messages') ? members['messages'] : undefined
  const expected = Array.isArray(list) ? { count: list.length, last: list.slice(-1) } : undefined
  const last = kept.last()
  expect([text, last && { count: last.count, last: valueOf(last.piece) }]).toEqual([text, expected])
}

/** The same key, written with some of its letters as escapes. */
const spelled = (key: string) =>
  fc.array(fc.constantFrom('plain', 'lower', 'upper'), { minLength: key.length, maxLength: key.length }).map((ways) =>
    [...key].map((letter, index) => {
      const hex = letter.charCodeAt(0).toString(16).padStart(4, '0')
      return ways[index] === 'plain' ? letter : `\\u${ways[index] === 'upper' ? hex.toUpperCase() : hex}`
    }).join(''),
  )

const keys = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...NAMES).chain(spelled) },
  { weight: 2, arbitrary: fc.constantFrom('__proto__', 'constructor', 'Messages', 'messages ', 'message\\u0000', 'i', 'idd', '', 'mess\\u0430ges', 'id\\ud800', 'toString', '\\"messages\\"', 'm'.repeat(70)) },
)
const { value: json } = fc.letrec<{ value: string; list: string; object: string }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    fc.constantFrom('0', '-1.5e3', 'null', 'true', '""', '"]"', '"}"', '"\\"messages\\":[1]"', '"é€😀"', '"\\\\"', '[]', '{}'),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }).map((values) => `[${values.join(' , ')}]`),
  object: fc.array(fc.tuple(keys, tie('value')), { maxLength: 4 }).map((members) => `{${members.map(([key, value]) => `"${key}" :${value}`).join(',')} }`),
}))
const objects = fc.array(fc.tuple(keys, json), { maxLength: 8 }).map((members) => `{${members.map(([key, value]) => `"${key}":${value}`).join(',')}}`)
const sizesOf = fc.oneof(fc.constant([]), fc.constant([1]), fc.array(fc.integer({ min: 1, max: 12 }), { maxLength: 40 }))

test('what is kept is what JSON.parse of the whole finds, with keys twice, escaped and nested, in any pieces', () => {
  fc.assert(fc.property(fc.oneof({ weight: 9, arbitrary: objects }, json), sizesOf, compare), { numRuns: 2_500 })
})

test.each([
  ['the later of two lists', '{"messages":[1,2],"messages":[3]}'],
  ['no element of a list that was replaced', '{"messages":[1],"messages":[]}'],
  ['no list that was replaced', '{"messages":[1],"messages":"x"}'],
  ['a list that replaced something else', '{"messages":"x","messages":[7]}'],
  ['a null that replaced a list', '{"messages":[1],"messages":null}'],
  ['an escaped key', '{"mess\\u0061ges":[1],"\\u0069d":"a"}'],
  ['an escaped key that replaces', '{"messages":[1],"\\u006d\\u0065\\u0073\\u0073\\u0061\\u0067\\u0065\\u0073":[2]}'],
  ['no list below the top', '{"a":{"messages":[1],"id":2},"b":[{"messages":[3]}]}'],
  ['no list inside of a message', '{"messages":[{"messages":[1,2,3]}]}'],
  ['no key that is a value', '{"a":"messages","b":["messages",{"id":"id"}]}'],
  ['no list of a list', '[{"messages":[1],"id":"x"}]'],
  ['no key that only looks alike', '{"messages\\u0000":[1],"\\u200bmessages":[2],"mes\\ud800sages":[3]}'],
])('keeps %s', (_, text) => {
  for (const sizes of [[], [1], [5]]) compare(text, sizes)
  expect.hasAssertions()
})

test('a key that is no name of Object.prototype pollutes nothing', () => {
  keep('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"messages":[{"__proto__":{"polluted":1}}]}', [1])
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test.each([[[]], [[1]], [[7, 64]]])('a value is kept up to its bound, in pieces of %j', (sizes) => {
  const bounds = { members: { id: 10, message: 100 }, list: { name: 'messages', maxBytes: 300 } }
  const text = (length: number) => JSON.stringify('x'.repeat(length - 2))
  const reason = (piece: ReturnType<KeptMembers['member']>) => (piece?.ok ? piece.text.length : [piece?.reason, piece?.limit])
  const idOf = (value: string) => reason(keep(`{"id": ${value} ,"a":[1]}`, sizes, bounds).member('id'))
  const lastOf = (...values: string[]) => reason(keep(`{"messages":[${values.join()}]}`, sizes, bounds).last()?.piece)
  expect([idOf(text(9)), idOf(text(10)), idOf(text(11))]).toEqual([9, 10, ['too_large', 10]])
  expect([lastOf(text(299)), lastOf(text(300)), lastOf(text(301))]).toEqual([299, 300, ['too_large', 300]])
  expect(lastOf(text(5_000), text(20))).toBe(20) // only the last is bounded
  expect(lastOf(text(20), text(5_000))).toEqual(['too_large', 300])
  expect(lastOf(text(20), text(5_000), '1')).toBe(1)
})

test('keys are bounded in what is kept, and passed over elsewhere', () => {
  const bounds = { members: { id: 1_000_000 }, list: { name: 'messages', maxBytes: 1_000_000 } }
  const object = (keyCount: number) => `{"nested":{${Array.from({ length: keyCount - 1 }, (_, index) => `"k${index}":0`).join()}}}`
  const ok = (text: string) => keep(text, [4_096], bounds).last()?.piece?.ok
  expect([ok(`{"messages":[${object(10_000)}]}`), ok(`{"messages":[${object(10_001)}]}`)]).toEqual([true, false])
  expect(ok(`{"b":${object(20_000)},"messages":[${object(20_000)},${object(9_000)}]}`)).toBe(true)
  expect(keep(`{"id":${object(10_001)}}`, [], bounds).member('id')).toEqual({ ok: false, reason: 'too_many_keys', limit: 10_000 })
})

test('members are bounded, whether they are kept or not', () => {
  const object = (members: number) => Buffer.from(`{${Array.from({ length: members }, () => '"a":{"b":0}').join()}}`)
  expect(createKeptMembers(plan).feed(object(10_000))).toBeNull()
  expect(createKeptMembers(plan).feed(object(10_001))).toEqual({ reason: 'too_many_keys', offset: 1 + 12 * 10_000 })
})

test.each([
  ['{"id":x', ['id']],
  ['{"messages":[1,2,{"a":x', ['messages', 2]],
  ['{"messages":[1,2 3', ['messages']],
  ['{"messages":[1,2],x', []],
  ['{"message":{"parts":[x', ['message']],
  ['{"other":[x', []],
  ['x', []],
])('%s: the place is the nearest that has a name', (text, place) => {
  for (const sizes of [[], [1]]) {
    const kept = createKeptMembers(plan)
    const faults = pieces(Buffer.from(text), sizes).map((piece) => kept.feed(piece))
    expect(faults.at(-1)).toEqual({ reason: 'not_json', offset: text.length - 1 })
    expect(kept.place()).toEqual(place)
  }
})
