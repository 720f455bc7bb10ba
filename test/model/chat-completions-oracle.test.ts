import type { LanguageModelV4CallOptions as CallOptions, LanguageModelV4StreamPart as Part } from '@ai-sdk/provider'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chunk, deltaChunk } from '../support/chat-completions.ts'
import { askOwn, askPackage, comparable, cut } from '../support/completion-adapters.ts'
import { USAGE, WIRES, callPiece, calls, dataOf, wireOf } from '../support/completion-wires.ts'

// Ambit speaks this wire itself. What the package for it says to the same bytes is the measure.

async function heard(wire: string, ...at: readonly number[]): Promise<{ own: readonly unknown[]; theirs: readonly unknown[] }> {
  const pieces = cut(wire, ...at)
  const [own, theirs] = await Promise.all([askOwn(pieces), askPackage(pieces)])
  return { own: comparable(own.parts, wire), theirs: comparable(theirs.parts, wire) }
}

const named = Object.entries(WIRES)

/** Each event's data on several lines, one of them empty and one without a colon. */
const inLines = (wire: string) => wire.replaceAll('"choices":', '\ndata: "choices":\ndata\ndata:  \ndata:')

describe('the same parts as the package', () => {
  test.each(named)('%s', async (_, wire) => {
    const { own, theirs } = await heard(wire)
    expect(own).toEqual(theirs)
  })

  test.each<[name: string, change: (wire: string) => string]>([
    ['lines that end with CR LF', (wire) => wire.replaceAll('\n', '\r\n')],
    // With more behind it: the package waits for the LF that might belong to the last CR.
    ['lines that end with CR', (wire) => `${wire.replaceAll('\n', '\r')}: end`],
    ['all three ends of a line', (wire) => wire.replaceAll('\n\n', '\n\r\r\n')],
    ['a byte order mark', (wire) => `\uFEFF${wire}`],
    ['comments, names, ids and unknown fields', (wire) => wire.replaceAll('data: ', ': keep-alive\nevent: x\nid: 1\nretry: 5\ndataset: x\ndatum\ndata: ')],
    ['no space', (wire) => wire.replaceAll('data: ', 'data:')],
    ['data on several lines', inLines],
    ['data on several lines that end with CR LF', (wire) => inLines(wire).replaceAll('\n', '\r\n')],
    ['blank lines', (wire) => wire.replaceAll('\n\n', '\n\n\n\n')],
    ['an end that is cut off', (wire) => `${wire}data: {"choices":`],
    ['a last line without its end', (wire) => wire.replace(/\n\n$/, '')],
  ])('%s', async (_, change) => {
    for (const [name, wire] of named) {
      const { own, theirs } = await heard(change(wire))
      expect([name, own]).toEqual([name, theirs])
    }
  })
})

describe('the same parts, wherever it is cut', () => {
  test.each(['text', 'a call after a text and a thought', 'a refusal'])('%s, at every byte', async (name) => {
    for (const wire of [WIRES[name] ?? '', `\uFEFF${inLines(WIRES[name] ?? '').replaceAll('\n', '\r\n')}`]) {
      const whole = comparable((await askOwn(cut(wire))).parts, wire)
      const length = Buffer.byteLength(wire)
      for (let at = 1; at < length; at += 1) expect(comparable((await askOwn(cut(wire, at))).parts, wire)).toEqual(whole)
      const bytes = Array.from({ length }, (__, at) => at)
      expect(comparable((await askOwn(cut(wire, ...bytes))).parts, wire)).toEqual(whole)
    }
  })

  test('any answer, with any ends of lines, at any bytes: as uncut, and as the package', async () => {
    await fc.assert(
      fc.asyncProperty(anyDeltas, fc.constantFrom('stop', 'length', 'tool_calls'), fc.constantFrom('\n', '\r\n', '\r'), fc.array(fc.nat(5_000), { maxLength: 20 }), async (deltas, reason, eol, cuts) => {
        const wire = wireOf(deltas, reason).replaceAll('\n', eol)
        const at = cuts.filter((one) => one < Buffer.byteLength(wire))
        const { own, theirs } = await heard(wire, ...at)
        expect(own).toEqual(theirs)
        expect(own).toEqual(comparable((await askOwn(cut(wire))).parts, wire))
      }),
      { numRuns: 200 },
    )
  })
})

const anyText = fc.string({ unit: fc.constantFrom('a', 'é', '–', '🙂', '\n', '"', '\\', '{', '}', ':', ' ') })

/** A call's deltas, in one of the ways in which servers write them. */
const anyCall = fc.record({ input: fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(anyText, fc.integer()), { maxKeys: 2 }), pieces: fc.integer({ min: 1, max: 5 }), whole: fc.boolean() })

const anyDeltas = fc
  .array(fc.oneof(fc.record({ content: anyText }), fc.record({ reasoning_content: anyText }), fc.record({ reasoning: anyText, content: anyText }), anyCall), { maxLength: 12 })
  .map((items) =>
    items.flatMap((item, index) => {
      if (!('input' in item)) return [item]
      const text = JSON.stringify(item.input)
      if (item.whole) return [calls(callPiece({ index, id: `call-${index}`, name: 'rate' }, text))]
      const size = Math.ceil(text.length / item.pieces)
      const pieces = Array.from({ length: item.pieces }, (_, at) => text.slice(at * size, (at + 1) * size))
      return [calls(callPiece({ index, id: `call-${index}`, name: 'rate' }, '')), ...pieces.map((piece) => calls(callPiece({ index }, piece)))]
    }),
  )

describe('whatever comes', () => {
  test('what is said is sound: no part without its text, everything that begins ends, one finish at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(anyChunk, fc.jsonValue()), { maxLength: 8 }), fc.boolean(), async (bodies, ends) => {
        const { parts } = await askOwn(cut(dataOf(...bodies, ...(ends ? [deltaChunk({}, 'stop')] : []))))
        expect(faultsIn(parts)).toEqual([])
      }),
      { numRuns: 1_000 },
    )
  })
})

const anyField = fc.oneof({ weight: 3, arbitrary: anyText }, fc.jsonValue({ maxDepth: 1 }))
const anyCallDelta = fc.record(
  { index: fc.oneof(fc.nat(2), anyField), id: fc.oneof(fc.constantFrom('a', 'b', ''), anyField), function: fc.oneof({ weight: 3, arbitrary: fc.record({ name: fc.oneof(fc.constantFrom('rate', 'name', ' '), anyField), arguments: fc.oneof(fc.constantFrom('{', '}', '{}', ''), anyField) }, { requiredKeys: [] }) }, anyField) },
  { requiredKeys: ['function'] },
)
const anyChunk = fc
  .record({ content: fc.oneof(anyField, fc.array(fc.record({ type: fc.constantFrom('text', 'thinking'), text: anyField, thinking: fc.array(anyField) }, { requiredKeys: ['type'] }))), reasoning: anyField, refusal: anyField, tool_calls: fc.array(anyCallDelta, { maxLength: 3 }) }, { requiredKeys: [] })
  .map((delta) => deltaChunk(delta))

function faultsIn(parts: readonly Part[]): readonly string[] {
  const faults: string[] = []
  const open = new Set<string>()
  const demand = (holds: boolean, fault: string) => void (holds || faults.push(fault))
  const failed = parts.some((part) => part.type === 'error')
  demand(parts[0]?.type === 'stream-start', 'no start')
  demand(parts.at(-1)?.type === 'finish' && parts.filter((part) => part.type === 'finish').length === 1, 'no one finish at the end')
  for (const part of parts) {
    if ('delta' in part) demand(typeof part.delta === 'string' && part.delta !== '' && open.has(part.id), 'a delta that is none')
    if (part.type.endsWith('-start') && 'id' in part) demand(!open.has(part.id ?? '') && open.add(part.id ?? '').size > 0, 'begun twice')
    if (part.type.endsWith('-end') && 'id' in part) demand(open.delete(part.id ?? ''), 'ended and not open')
    if (part.type === 'tool-call') demand(typeof part.input === 'string' && part.toolName.trim() !== '' && !failed, 'a call that is none')
  }
  // A call that was cut is never said whole.
  demand([...open].every((id) => failed && id !== 'text' && id !== 'reasoning'), 'left open')
  return faults
}

describe('what is different, and why', () => {
  const types = (parts: readonly unknown[]) => parts.map((part) => (part as Part).type)
  const usageIn = (parts: readonly unknown[]) => parts.flatMap((part) => ('usage' in (part as Part) ? [(part as Extract<Part, { type: 'finish' }>).usage] : []))[0]

  test.each<[difference: string, wire: string, own: readonly string[], theirs: readonly string[]]>([
    // Some servers write it with every event, and it says that there is none.
    ['"error": null is no error', dataOf({ ...deltaChunk({ content: 'a' }), error: null }, deltaChunk({}, 'stop')), ['text-start', 'text-delta', 'text-end', 'finish'], ['error']],
    // The standard says so; some servers keep the connection alive with it.
    ['an event with empty data is none', `data:\n\n${dataOf(deltaChunk({ content: 'a' }, 'stop'))}`, ['text-start', 'text-delta', 'text-end', 'finish'], ['error']],
    // An answer is not lost for its bill.
    ['a count that is no number is unknown', dataOf(deltaChunk({ content: 'a' }, 'stop'), chunk({ choices: [], usage: { prompt_tokens: '11', completion_tokens: -1 } })), ['text-start', 'text-delta', 'text-end', 'finish'], ['text-start', 'text-delta', 'error']],
    // Who says it is not what is read.
    ['another role', dataOf(deltaChunk({ role: 'model', content: 'a' }, 'stop')), ['text-start', 'text-delta', 'text-end', 'finish'], ['error']],
    // Nothing was called.
    ['a call with nothing in it', wireOf([{ content: 'a' }, calls(callPiece({ index: 0, id: 'a' }, ''))]), ['text-start', 'text-delta', 'text-end', 'finish'], ['text-start', 'text-delta', 'text-end', 'throws']],
    // What is cut may be whole JSON all the same, and mean something else.
    ['a call in an answer without a finish reason is never made', dataOf(deltaChunk(calls(callPiece({ index: 0, id: 'a', name: 'rate' }, '{}')))), ['tool-input-start', 'tool-input-delta', 'error'], ['tool-input-start', 'tool-input-delta', 'tool-input-end', 'tool-call', 'error']],
    // The model is told that its arguments are no JSON; without them it would be told of a call that it never made.
    ['a call that has arguments and never a name is an error', wireOf([calls(callPiece({ index: 0, name: '' }, '{}'))], 'tool_calls'), ['error'], ['finish']],
  ])('%s', async (_, wire, own, theirs) => {
    expect(types(comparable((await askOwn(cut(wire))).parts, wire)).slice(1)).toEqual(own)
    const their = await askPackage(cut(wire)).then(({ parts }) => types(comparable(parts, wire)).slice(1), () => null)
    expect(their).toEqual(theirs.includes('throws') ? null : theirs)
  })

  test.each<[given: string, usage: unknown, own: unknown]>([
    ['no usage', undefined, { inputTokens: {}, outputTokens: {} }],
    ['an empty one', {}, { inputTokens: {}, outputTokens: {} }],
    ['no details', { prompt_tokens: 11, completion_tokens: 7 }, { inputTokens: { total: 11 }, outputTokens: { total: 7 } }],
    ['details of nothing', { prompt_tokens: 11, prompt_tokens_details: null, completion_tokens_details: {} }, { inputTokens: { total: 11 }, outputTokens: {} }],
    ['counts that are none', { prompt_tokens: '11', completion_tokens: -1, prompt_tokens_details: 4 }, { inputTokens: {}, outputTokens: {} }],
    ['more cached than asked', { prompt_tokens: 1, prompt_tokens_details: { cached_tokens: 2 } }, { inputTokens: { total: 1, noCache: 0, cacheRead: 2 }, outputTokens: {} }],
    ['all', USAGE, { inputTokens: { total: 11, noCache: 7, cacheRead: 4 }, outputTokens: { total: 7, text: 5, reasoning: 2 } }],
  ])('what was not counted is unknown, and not 0: %s', async (_, usage, own) => {
    const wire = dataOf(deltaChunk({ content: 'a' }, 'stop'), chunk({ choices: [], usage }))
    expect(usageIn((await askOwn(cut(wire))).parts)).toEqual(own)
  })
})

describe('the same request as the package', () => {
  const tools: CallOptions['tools'] = [
    { type: 'function', name: 'rate', description: 'The rate.', inputSchema: { type: 'object', properties: { of: { type: 'string' } } } },
    { type: 'function', name: 'name', inputSchema: { type: 'object' }, strict: true },
  ]
  const call = (toolCallId: string, input: unknown, providerOptions?: Record<string, Record<string, string>>) =>
    ({ type: 'tool-call', toolCallId, toolName: 'rate', input, ...(providerOptions && { providerOptions }) }) as const
  const result = (toolCallId: string, output: object) => ({ type: 'tool-result', toolCallId, toolName: 'rate', output }) as never

  test.each<[name: string, options: CallOptions]>([
    ['a question', { prompt: [{ role: 'system', content: 'Be brief.' }, { role: 'user', content: [{ type: 'text', text: 'Zürich?' }] }] }],
    ['several texts', { prompt: [{ role: 'user', content: [{ type: 'text', text: 'a' }, { type: 'text', text: 'b' }] }] }],
    ['an image, as base64 and as bytes', {
      prompt: [{
        role: 'user',
        content: [
          { type: 'file', mediaType: 'image/png', data: { type: 'data', data: 'iVBORw0KGgo=' } },
          { type: 'file', mediaType: 'image/jpeg', data: { type: 'data', data: new Uint8Array([0xff, 0xd8, 0xff, 0x00]).subarray(0, 3) } },
          { type: 'text', text: 'What is this?' },
        ],
      }],
    }],
    ['an image alone', { prompt: [{ role: 'user', content: [{ type: 'file', mediaType: 'image/webp', data: { type: 'data', data: 'AA==' } }] }] }],
    ['a question of nothing', { prompt: [{ role: 'user', content: [] }] }],
    ['a conversation', {
      prompt: [
        { role: 'user', content: [{ type: 'text', text: 'a' }] },
        { role: 'assistant', content: [{ type: 'text', text: 'b' }, { type: 'text', text: 'c' }] },
        { role: 'assistant', content: [] },
        { role: 'user', content: [{ type: 'text', text: 'd' }] },
      ],
    }],
    ['calls, thoughts and results', {
      prompt: [
        { role: 'user', content: [{ type: 'text', text: 'a' }] },
        { role: 'assistant', content: [{ type: 'reasoning', text: 'I think.' }, { type: 'text', text: 'I look.' }, call('x', { of: 'EUR' }), call('y', {})] },
        { role: 'tool', content: [result('x', { type: 'json', value: { rate: 1.25 } }), result('y', { type: 'error-text', value: 'No.' })] },
        { role: 'assistant', content: [call('z', { of: [1, null] })] },
        { role: 'tool', content: [result('z', { type: 'text', value: 'a' }), result('z', { type: 'error-json', value: ['a'] }), result('z', { type: 'execution-denied', reason: 'Not now.' })] },
      ],
    }],
    ['a thought signature', { prompt: [{ role: 'assistant', content: [call('x', {}, { 'openai-compatible': { thoughtSignature: 'sig==' } })] }] }],
    ['tools', { prompt: [], tools, toolChoice: { type: 'auto' } }],
    ['no tools', { prompt: [], tools: [], toolChoice: { type: 'auto' } }],
    ['tools without a choice', { prompt: [], tools }],
    ['one tool', { prompt: [], tools, toolChoice: { type: 'tool', toolName: 'rate' } }],
    ['any tool', { prompt: [], tools, toolChoice: { type: 'required' } }],
    ['settings', { prompt: [], maxOutputTokens: 100, temperature: 0, topP: 0.5, frequencyPenalty: 1, presencePenalty: 2, stopSequences: ['x'], seed: 7 }],
  ])('%s', async (_, options) => {
    const [own, theirs] = await Promise.all([askOwn(cut(WIRES['text'] ?? ''), options), askPackage(cut(WIRES['text'] ?? ''), options)])
    expect(own.body).toEqual(theirs.body)
    expect(own.parts[0]).toEqual({ type: 'stream-start', warnings: [] })
  })

  test('what is asked for and not sent is a warning', async () => {
    const { parts } = await askOwn(cut(WIRES['text'] ?? ''), { prompt: [], topK: 3, responseFormat: { type: 'json' } })
    expect(parts[0]).toEqual({ type: 'stream-start', warnings: [{ type: 'unsupported', feature: 'topK' }, { type: 'unsupported', feature: 'responseFormat' }] })
  })

  test.each<[name: string, options: CallOptions]>([
    ['a file that is no image', { prompt: [{ role: 'user', content: [{ type: 'file', mediaType: 'application/pdf', data: { type: 'data', data: 'AA==' } }] }] }],
    ['an image that is not at hand', { prompt: [{ role: 'user', content: [{ type: 'file', mediaType: 'image/png', data: { type: 'url', url: new URL('https://example.com') } }] }] }],
    ['a result of several parts', { prompt: [{ role: 'tool', content: [result('x', { type: 'content', value: [] })] }] }],
    ['a tool of the provider', { prompt: [], tools: [{ type: 'provider', id: 'x.y', name: 'y', args: {} }] }],
  ])('what cannot be said is an error: %s', async (_, options) => {
    await expect(askOwn([], options)).rejects.toThrow('functionality not supported')
  })
})
