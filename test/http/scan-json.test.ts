import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createJsonScan } from '../../src/lib/http/scan-json.ts'
import type { Fault, Watch } from '../../src/lib/http/scan-json.ts'
import { createUtf8Scan } from '../../src/lib/http/scan-utf8.ts'
import { isShallow } from '../../src/lib/limits/is-shallow.ts'
import { pieces } from '../support/pieces.ts'

const nobody: Watch = { begin() {}, end() {}, beginKey() {}, endKey() {} }

/** What is wrong with a text that comes in pieces; null where nothing is. */
function scan(text: string | Uint8Array, sizes: readonly number[] = []): Fault | null {
  const scanning = createJsonScan(nobody)
  for (const piece of pieces(Buffer.from(text as string), sizes)) {
    const fault = scanning.feed(piece)
    if (fault) return fault
  }
  return scanning.end()
}

/** The judge. What is fed is UTF-8, so a lone surrogate is a replacement character to both. */
function isJson(text: string): boolean {
  try {
    return isShallow(JSON.parse(Buffer.from(text).toString()))
  } catch {
    return false
  }
}

const nested = (levels: number, open = '[', close = ']') => open.repeat(levels) + close.repeat(levels)
const controls = Array.from({ length: 0x20 }, (_, code) => String.fromCharCode(code))

describe('is JSON', () => {
  test.each([
    ['literals', 'null', 'true', 'false', ' \t\r\n null \t\r\n '],
    ['numbers', '0', '-0', '1', '-1', '10', '1.0', '0.5', '-0.0', '1e5', '1E5', '1e+5', '1e-05', '0e0', '0.0e-0', '1e400', '-1e-400', '9'.repeat(1_000)],
    ['strings', '""', '"a"', '"\\""', '"\\\\"', '"\\/\\b\\f\\n\\r\\t"', '"\\u0000"', '"\\uD83D\\uDE00"', '"\\ud800"', '"\\uabCD"', '"\u007f"', '"\u2028\u2029"', '"é€😀"', '"/"', '"\\\\\\""'],
    ['lists', '[]', '[ ]', '[1]', '[1,2]', '[ 1 , [ ] , { } ]', '[[],[[]]]', '[-0]', '[0,0.1]', '["]"]'],
    ['objects', '{}', '{ }', '{"a":1}', '{"a":{"b":[{}]}}', '{"":0}', '{"a":1,"a":2}', '{ "a" : 1 , "b" : 2 }', '{"__proto__":1,"constructor":{"prototype":{}}}', '{"}":"{"}'],
    ['the deepest', nested(64), nested(64, '{"a":', '}').replace(':}', ':0}')],
  ])('%s', (_, ...texts) => {
    for (const text of texts) expect([text, isJson(text), scan(text), scan(text, [1])]).toEqual([text, true, null, null])
  })
})

describe('is no JSON', () => {
  test.each([
    ['nothing', '', ' ', '\n'],
    ['literals', 'nul', 'nulll', 'True', 'TRUE', 'fals', 'tru ', 'NaN', 'Infinity', '-Infinity', 'undefined', 'nanb', 't', 'truefalse'],
    ['numbers', '01', '-01', '00', '1.', '.5', '-.5', '+1', '--1', '1e', '1e+', '1e-', '1.e5', '1.5.5', '1e5e5', '1e5.5', '0x1', '1_000', '1,000', '-', '- 1', '1 2', '2.e+3', '１'],
    ['strings', '"', '"a', '"\\"', "'a'", '"\\x41"', '"\\u12"', '"\\u12G4"', '"\\u"', '"\\U0041"', '"\\a"', '"\\0"', '"\\\u0000"', '"\\', '"\\\n"', '"a"b"', 'a', '“a”'],
    ['control characters', ...controls.map((control) => `"a${control}b"`)],
    ['lists', '[', ']', '[1', '[1,', '[1,]', '[,1]', '[,]', '[1 2]', '[1,,2]', '[1:2]', '[[]', '[]]', '[}', '[1}', '["a": 1]', '["a'],
    ['objects', '{', '}', '{]', '{"a"}', '{"a":}', '{"a":1', '{"a":1,', '{"a":1,}', '{,}', '{a:1}', "{'a':1}", '{1:1}', '{"a" 1}', '{"a"::1}', '{"a":1 "b":2}', '{"a":1,,"b":2}', '{null:1}', '{"a":1}}', '{"a","b"}', '{[]:1}'],
    ['two values', '1 1', '{}{}', '[][]', '{},', 'null null', '"a""b"', '{} x', '{}\u0000'],
    ['comments', '/**/{}', '{}//', '[1/*a*/]', '# a', '{} #'],
    ['other white space', '\u00a0{}', '\f{}', '\v{}', '[\u2028]', '{}\u0085', '\u0000{}'],
    ['a mark in the wrong place', '\ufeff', ' \ufeff{}', '{}\ufeff', '\ufeff\ufeff{}', '[\ufeff]'],
  ])('%s', (_, ...texts) => {
    for (const text of texts) {
      // A byte order mark at the very start is passed over, which `JSON.parse` leaves to whoever decodes.
      expect([text, isJson(text.replace(/^\ufeff/, '')), scan(text) === null, scan(text, [1]) === null]).toEqual([text, false, false, false])
    }
  })
})

test('a byte order mark at the start is passed over, however it is cut', () => {
  for (const sizes of [[], [1], [2], [1, 9]]) expect(scan('\ufeff{"a":1}', sizes)).toBeNull()
})

test.each([
  ['a comma too many', '{"a":1,}', 'not_json', 7],
  ['a leading zero', '[01]', 'not_json', 2],
  ['a line break in a string', '"a\nb"', 'not_json', 2],
  ['a second value', '{} x', 'not_json', 3],
  ['an open list', '[1', 'cut', 2],
  ['a sign', '-', 'cut', 1],
  ['an open string', '"abc', 'cut', 4],
  ['nothing', '', 'cut', 0],
  ['65 lists', nested(65), 'too_deep', 64],
  ['65 levels of both', `[${nested(64, '{"a":[', ']}')}]`, 'too_deep', 1 + 31 * 6 + 5],
] as const)('%s is found where it shows', (_, text, reason, offset) => {
  for (const sizes of [[], [1], [3]]) expect(scan(text, sizes)).toEqual({ reason, offset })
})

const sizesOf = fc.oneof(fc.constant([]), fc.constant([1]), fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 40 }))
const spaces = fc.constantFrom(0, 1, '\t', '\r\n ')

test('takes what JSON.stringify writes, in any pieces', () => {
  const property = fc.property(fc.jsonValue({ maxDepth: 6 }), spaces, sizesOf, (value, space, sizes) => {
    expect(scan(JSON.stringify(value, null, space), sizes)).toBeNull()
  })
  fc.assert(property, { numRuns: 3_000 })
})

const edits = fc.array(
  fc.record({
    at: fc.nat(),
    removed: fc.constantFrom(0, 0, 1, 2),
    added: fc.oneof(fc.constantFrom(...'{}[],:"\\/u09aAeE+-.tfn \t\n\0\u001f\u007f', '\\u', '\\ud800', '1e', '""', '\ufeff', '\ud800', 'é', '😀'), fc.string({ maxLength: 2 })),
  }),
  { minLength: 1, maxLength: 4 },
)

test('takes exactly what JSON.parse takes, of JSON with mistakes in it', () => {
  let taken = 0
  const property = fc.property(fc.jsonValue({ maxDepth: 3 }), spaces, edits, sizesOf, (value, space, changes, sizes) => {
    let text = JSON.stringify(value, null, space)
    for (const { at, removed, added } of changes) {
      const place = at % (text.length + 1)
      text = text.slice(0, place) + added + text.slice(place + removed)
    }
    if (text.startsWith('\ufeff')) return
    const expected = isJson(text)
    if (expected) taken += 1
    expect([text, scan(text, sizes) === null]).toEqual([text, expected])
  })
  fc.assert(property, { numRuns: 8_000 })
  expect(taken).toBeGreaterThan(500)
})

const tokens = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"', '"\\u0061"', '0', '1', '-', '.', 'e', '+', '12', '-0.5e+1', 'true', 'fal', 'null', ' ', '\n')

test('takes exactly what JSON.parse takes, of anything made of its tokens', () => {
  const property = fc.property(fc.array(tokens, { maxLength: 9 }), sizesOf, (parts, sizes) => {
    const text = parts.join('')
    expect([text, scan(text, sizes) === null]).toEqual([text, isJson(text)])
  })
  fc.assert(property, { numRuns: 20_000 })
})

test('every byte in every state is as JSON.parse has it', () => {
  const prefixes = ['', '[', '[1,', '{', '{"a"', '{"a":', '{"a":1', '{"a":1,', '[1', '{}', '-', '0', '1', '1.', '1.1', '1e', '1e+', '1e1', '"', '"\\', '"\\u', '"\\u1', '"\\u12', '"\\u123', '{"', '{"\\', '{"\\u000', 't', 'tr', 'tru', 'f', 'fa', 'fal', 'fals', 'n', 'nu', 'nul']
  const endings = ['', '"', ']', '}', '1', '1]', '"]', '"}', '0"', '00"', '000"', '0000"', '":1}', '0":1}', '1":1}', ':1}', '1}', '"a":1}', ':1}', 'ue', 'e', 'l', 'll', 'lse', 'se', 'ull', 'rue', 'alse']
  const wrong: string[] = []
  for (const prefix of prefixes) {
    for (let code = 0; code < 0x80; code += 1) {
      for (const ending of endings) {
        const text = prefix + String.fromCharCode(code) + ending
        if ((scan(text) === null) !== isJson(text)) wrong.push(text)
      }
    }
  }
  expect(wrong).toEqual([])
})

describe('UTF-8', () => {
  const isUtf8 = (bytes: Uint8Array, sizes: readonly number[]) => {
    const scanning = createUtf8Scan()
    return pieces(Buffer.from(bytes), sizes).every((piece) => scanning.feed(piece)) && scanning.end()
  }
  const decodes = (bytes: Uint8Array) => {
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes)
      return true
    } catch {
      return false
    }
  }
  const lead = fc.constantFrom(0x41, 0x7f, 0x80, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe2, 0x82, 0xac, 0xed, 0x9f, 0xa0, 0xef, 0xf0, 0x90, 0x8f, 0xf4, 0xf5, 0xff)

  test('is judged as a decoder does, in any pieces', () => {
    fc.assert(
      fc.property(fc.array(lead, { maxLength: 12 }), fc.string({ unit: 'grapheme', maxLength: 5 }), sizesOf, (hostile, text, sizes) => {
        const bytes = Buffer.concat([Buffer.from(text), Buffer.from(hostile)])
        expect([bytes.toString('hex'), isUtf8(bytes, sizes)]).toEqual([bytes.toString('hex'), decodes(bytes)])
      }),
      { numRuns: 10_000 },
    )
  })

  test('holds for characters of every length at every cut', () => {
    const text = Buffer.from('aé€😀z')
    for (let first = 1; first < text.length; first += 1) expect(isUtf8(text, [first, 99])).toBe(true)
    expect(isUtf8(text, [1])).toBe(true)
    expect(isUtf8(text.subarray(0, -2), [])).toBe(false)
  })
})
