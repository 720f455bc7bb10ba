import { createParser } from 'eventsource-parser'
import { describe, expect, test } from 'vitest'
import type { Chunk } from '../../src/lib/wire/chunk.ts'
import { encodeEvent, splitEvents } from '../../src/lib/wire/encode-event.ts'

const hostile = [
  '\n\ndata: forged\n\n', '\r\n\r\nid: run.9.9\r\n', '\r', '\u2028\u2029', 'data: [DONE]', '[DONE]', '\0', '\ud800', '\udfff\ud800', '\ufeff', ': comment',
  '"}\n\nevent: x\n', '\\n\\n', 'id: x', 'retry: 1', '😀'.slice(0, 1), 'é'.normalize('NFD'), '</script>', '\u0085', 'x'.repeat(100_000),
]
const chunks: readonly Chunk[] = hostile.flatMap((text): Chunk[] => [
  { type: 'text-delta', id: text, delta: text },
  { type: 'tool-output-available', toolCallId: 'c', output: { [text]: [text, { deep: text }] }, dynamic: true },
  { type: 'error', errorText: text },
])
const encoded = chunks.map((chunk, index) => encodeEvent(`run_1.1.${index + 1}`, chunk))

function parse(pieces: Iterable<string>): { ids: (string | undefined)[]; chunks: unknown[] } {
  const read: { ids: (string | undefined)[]; chunks: unknown[] } = { ids: [], chunks: [] }
  const parser = createParser({
    onEvent(event) {
      read.ids.push(event.id)
      read.chunks.push(JSON.parse(event.data))
      expect(event.event).toBeUndefined()
    },
    onError(error) {
      throw error
    },
  })
  for (const piece of pieces) parser.feed(piece)
  return read
}

describe('an event', () => {
  test('is read by an outside parser as exactly what was sent, whatever stands in it', () => {
    const read = parse([encoded.join('')])
    expect(read.chunks).toEqual(chunks)
    expect(read.ids).toEqual(chunks.map((_, index) => `run_1.1.${index + 1}`))
  })

  test('is read the same from bytes that were cut anywhere', () => {
    const small = encoded.filter((text) => text.length < 1_000)
    const bytes = new TextEncoder().encode(small.join(''))
    for (const size of [1, 2, 3, 7, 64]) {
      const decoder = new TextDecoder()
      const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) => decoder.decode(bytes.subarray(index * size, (index + 1) * size), { stream: true }))
      expect(parse(pieces).chunks).toEqual(chunks.filter((_, index) => (encoded[index] ?? '').length < 1_000))
    }
  })

  test('holds no line break but its own, no carriage return, no NUL, and is well formed', () => {
    for (const text of encoded) {
      expect(text.split('\n')).toHaveLength(4)
      expect(text).not.toMatch(/[\r\0]/)
      expect(text.isWellFormed()).toBe(true)
    }
  })

  test('is found again in the text of many, unchanged', () => {
    const events = splitEvents(encoded.join(''))
    expect(events.map((event) => event.text)).toEqual(encoded)
    expect(events.map((event) => event.type)).toEqual(chunks.map((chunk) => chunk.type))
    expect(events.map((event) => JSON.parse(event.data) as unknown)).toEqual(chunks)
    expect(events.map((event) => event.id)).toEqual(chunks.map((_, index) => `run_1.1.${index + 1}`))
  })

  test('no text is no event', () => {
    expect(splitEvents('')).toEqual([])
  })

  test.each(['data: {"type":"finish"}\n\n', 'id: a\n\n', 'id: a\ndata: [DONE]\n\n', 'id: a\ndata: {"id":"x","type":"finish"}\n\n'])('%j was not written here', (text) => {
    expect(() => splitEvents(text)).toThrow('not one that encodeEvent wrote')
  })
})
