import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { parseBody } from '../../src/lib/http/parse-body.ts'
import { readJson } from '../../src/lib/http/read-json.ts'
import { bodyOf, pieces } from '../support/pieces.ts'

const MEGABYTES = 1_000_000
const JSON_TYPE = { 'content-type': 'application/json' }

function requestWith(body: ReadableStream<Uint8Array> | string, headers: Readonly<Record<string, string>> = JSON_TYPE): Request {
  return new Request('http://ambit.test/', { method: 'POST', headers, body, duplex: 'half' })
}

/** Does this and counts the turns that the event loop had meanwhile. */
async function countTurns<T>(work: Promise<T>): Promise<{ readonly turns: number; readonly result: T }> {
  let turns = 0
  let counting = true
  const count = () => {
    turns += 1
    if (counting) setImmediate(count)
  }
  setImmediate(count)
  const result = await work
  counting = false
  return { turns, result }
}

describe('the event loop has its turns', () => {
  const text = (bytes: number) => Buffer.from(`{"a":"${'x'.repeat(bytes - 8)}"}`)

  test('in a body of 16 MB that comes in one piece', async () => {
    const { turns, result } = await countTurns(readJson(requestWith(bodyOf([text(16 * MEGABYTES)])), 16 * MEGABYTES))
    expect(result.ok).toBe(true)
    expect(turns).toBeGreaterThan(200) // a turn for each 64 KiB
  })

  test('in a body of small pieces that are all there at once', async () => {
    const parts = pieces(text(50_000), [1])
    const { turns, result } = await countTurns(readJson(requestWith(bodyOf(parts)), MEGABYTES))
    expect(result.ok).toBe(true)
    expect(turns).toBeGreaterThan(300)
  })

  test('in a body of pieces without bytes', async () => {
    const parts = [text(100), ...Array.from({ length: 20_000 }, () => new Uint8Array(0))]
    const { turns, result } = await countTurns(readJson(requestWith(bodyOf(parts)), MEGABYTES))
    expect(result.ok).toBe(true)
    expect(turns).toBeGreaterThan(100)
  })
})

test('a value comes back as JSON.parse has it', async () => {
  for (const value of [{ a: [1, { b: 'é€😀' }] }, [], 'text', -1.5e300, true, null, 0]) {
    const bytes = Buffer.from(JSON.stringify(value))
    for (const sizes of [[], [1], [3, 2]]) expect(await readJson(requestWith(bodyOf(pieces(bytes, sizes))), 1_000)).toEqual({ ok: true, value })
  }
})

test.each([
  ['application/json', true],
  ['Application/JSON ; Charset=UTF-8', true],
  ['application/json;charset="utf-8";profile=x', true],
  ['application/json; charset=utf8;', true],
  ['application/json; charset=utf-16', false],
  ['application/json; charset=iso-8859-1', false],
  ['application/json; charset=', false],
  ['application/json, text/plain', false],
  ['application/json-patch+json', false],
  ['application/vnd.api+json', false],
  ['application/jsonp', false],
  ['text/json', false],
  ['multipart/form-data; boundary=application/json', false],
  ['', false],
])('content-type %j is taken: %s', async (type, taken) => {
  const result = await readJson(requestWith('{}', { 'content-type': type }), 1_000)
  expect(result).toMatchObject(taken ? { ok: true } : { ok: false, code: 'unsupported_media_type' })
})

test.each([['identity', true], ['', true], ['gzip', false], ['br', false], ['identity, gzip', false], ['gzip, identity', false], ['x', false]])(
  'content-encoding %j is taken: %s',
  async (encoding, taken) => {
    const result = await readJson(requestWith('{}', { ...JSON_TYPE, 'content-encoding': encoding }), 1_000)
    expect(result).toMatchObject(taken ? { ok: true } : { ok: false, code: 'unsupported_media_type' })
  },
)

test.each([
  ['a byte that begins nothing', [0x22, 0xff, 0x22]],
  ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
  ['an overlong quote', [0x22, 0xc0, 0xa2, 0x22]],
  ['a character that is cut by a quote', [0x22, 0xe2, 0x82, 0x22]],
  ['a character that is cut by the end', [0x22, 0x61, 0xe2, 0x82]],
])('%s is no UTF-8', async (_, bytes) => {
  for (const sizes of [[], [1], [2]]) {
    const result = await readJson(requestWith(bodyOf(pieces(Buffer.from(bytes), sizes))), 1_000)
    expect(result).toEqual({ ok: false, code: 'malformed', detail: 'The body is not valid UTF-8.' })
  }
})

test('a body that is announced as too large is refused before a byte of it is read', async () => {
  let pulled = 0
  const body = new ReadableStream<Uint8Array>({ pull: () => void (pulled += 1) }, { highWaterMark: 0 })
  const result = await readJson(requestWith(body, { ...JSON_TYPE, 'content-length': '1001' }), 1_000)
  expect([result, pulled]).toEqual([{ ok: false, code: 'too_large', detail: expect.any(String), facts: { limit: 1_000 } }, 0])
})

test.each([[999, true], [1_000, true], [1_001, false]])('%i of 1,000 bytes are taken: %s', async (bytes, taken) => {
  const text = Buffer.from(`"${'x'.repeat(bytes - 2)}"`)
  for (const sizes of [[], [7]]) {
    expect(await readJson(requestWith(bodyOf(pieces(text, sizes))), 1_000)).toMatchObject(taken ? { ok: true } : { ok: false, code: 'too_large' })
  }
})

test('what is refused in its middle is given up there', async () => {
  let cancelled = 0
  let pulled = 0
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        pulled += 1
        controller.enqueue(Buffer.from('[1,,'))
      },
      cancel() {
        cancelled += 1
      },
    },
    { highWaterMark: 0 },
  )
  expect(await readJson(requestWith(body), 1_000)).toMatchObject({ code: 'malformed', facts: { pointer: '', offset: 3 } })
  expect([pulled, cancelled]).toEqual([1, 1])
})

test.each([[new TypeError('terminated')], [new Error('aborted')], [undefined]])('a body that breaks with %s is no fault of this side', async (error) => {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(Buffer.from('{"a":')),
    pull: (controller) => controller.error(error),
  })
  expect(await readJson(requestWith(body), 1_000)).toEqual({ ok: false, code: 'malformed', detail: 'The body broke off before its end. Send it again.' })
})

test('10,000 keys are taken, one more is not, wherever they are', async () => {
  const object = (keys: number) => JSON.stringify(Object.fromEntries(Array.from({ length: keys }, (_, index) => [`k${index}`, 0])))
  for (const text of [object(10_000), `[${object(10_000)}]`]) expect(await readJson(requestWith(text), MEGABYTES)).toMatchObject({ ok: true })
  for (const text of [object(10_001), `[${object(10_001)}]`, `[${object(5_000)},${object(5_001)}]`]) {
    expect(await readJson(requestWith(text), MEGABYTES)).toMatchObject({ code: 'malformed', detail: expect.stringContaining('too many keys'), facts: { pointer: '' } })
  }
})

test('a route’s body is small', async () => {
  const schema = z.object({ text: z.string() })
  const request = () => requestWith(JSON.stringify({ text: 'x'.repeat(MEGABYTES) }))
  const refused = await parseBody(request(), schema)
  expect(refused).toMatchObject({ code: 'too_large', facts: { limit: expect.any(Number) } })
  expect((await parseBody(requestWith('{"text":"x"}'), schema)).ok).toBe(true)
  expect(await parseBody(requestWith('{"text":1}'), schema)).toMatchObject({ code: 'malformed', facts: { pointer: '/text' } })
})
