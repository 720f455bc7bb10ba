import { createParser } from 'eventsource-parser'
import { assert, array, constantFrom, nat, property, string } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEventReader } from '../../src/lib/client/event-reader.ts'
import type { ServerEvent } from '../../src/lib/client/event-reader.ts'

/** Reads the text in pieces of these lengths. */
function readIn(text: string, lengths: readonly number[]): readonly ServerEvent[] {
  const read = createEventReader()
  const events: ServerEvent[] = []
  let from = 0
  for (const length of [...lengths, text.length]) {
    events.push(...read(text.slice(from, from + length)))
    from += length
  }
  return events
}

function judge(text: string): readonly ServerEvent[] {
  const events: ServerEvent[] = []
  const parser = createParser({ onEvent: ({ id, data }) => events.push({ id: id ? id : null, data }) })
  parser.feed(text)
  return events
}

describe('the event reader', () => {
  test('reads what another parser reads, wherever the text is cut', () => {
    const line = constantFrom('\n', '\r\n', ': \n', ':\n', 'data\n', 'data:\n', 'data: [DONE]\n', 'data:x: y\n', 'data:  two\r\n', 'id: r.1.2\n', 'id\n', 'id: a\0b\n', 'event: other\n', 'retry: 5\n', 'datax: 1\n', ' data: 1\n')
    const free = string().map((text) => `data: ${text.replaceAll(/[\r\n]/g, '')}\n`)
    const text = array(line, { maxLength: 40 }).chain((lines) => array(free, { maxLength: 5 }).map((more) => [...lines, ...more, '\n'].join('')))
    const pieces = array(nat({ max: 20 }), { maxLength: 60 })
    const agrees = property(text, pieces, (stream, lengths) => {
      expect(readIn(stream, lengths)).toEqual(judge(stream))
    })
    assert(agrees, { numRuns: 2_000 })
  })

  test('an event that is cut off is not given, wherever that is', () => {
    const whole = 'id: r.1.1\ndata: {"a":1}\n\n'
    const next = 'id: r.1.2\ndata: {"a":2}\n\n'
    for (let cut = 0; cut < next.length; cut += 1) {
      expect(createEventReader()(whole + next.slice(0, cut))).toEqual([{ id: 'r.1.1', data: '{"a":1}' }])
    }
  })

  test('a bound for one event, and none for many', () => {
    const read = createEventReader(100)
    for (let index = 0; index < 1_000; index += 1) read(`: silence\n\nid: ${index}\ndata: ${'x'.repeat(50)}\n\n`)
    expect(() => read('data: '.padEnd(101))).toThrow('an event of more than 100 characters')
    expect(() => createEventReader(100)(`${'data: xxxxx\n'.repeat(20)}\n`)).toThrow('an event of more than 100 characters')
  })

  test('a large event in small pieces costs no more than its length', () => {
    const read = createEventReader()
    const piece = 'x'.repeat(16)
    read('data: ')
    for (let index = 0; index < 500_000; index += 1) read(piece) // 8 MB: quadratic work would be 2 × 10^12 characters, and no test
    expect(read('\n\n')[0]?.data.length).toBe(8_000_000)
  })
})
