import { expect, test } from 'vitest'
import { grammarFaults, idFaults } from '../support/grammar.ts'
import type { RawChunk } from '../support/grammar.ts'

const start = { type: 'start', messageId: 'm' }
const step = { type: 'start-step' }
const stepEnd = { type: 'finish-step' }
const finish = { type: 'finish', finishReason: 'stop' }
const text = (kind: string, id = '1') => ({ type: `text-${kind}`, id, ...(kind === 'delta' && { delta: 'x' }) })
const call = (kind: string, id = 'c') => ({ type: `tool-${kind}`, toolCallId: id })

const sound: Record<string, RawChunk[]> = {
  text: [start, step, text('start'), text('delta'), text('end'), stepEnd, finish],
  tool: [start, step, call('input-start'), call('input-delta'), call('input-available'), call('output-available'), stepEnd, finish],
  'outcomes out of order': [
    start, step, call('input-available', 'a'), call('input-available', 'b'), call('output-error', 'b'), { ...call('output-available', 'a'), output: null }, stepEnd, finish,
  ],
  'input in error': [start, step, call('input-start'), call('input-error'), stepEnd, finish],
  'failed before a step': [start, { type: 'error', errorText: 'no' }],
  stopped: [start, step, text('start'), text('end'), stepEnd, { type: 'message-metadata', messageMetadata: {} }, { type: 'abort' }],
}

test.each(Object.entries(sound))('%s is sound', (_, chunks) => {
  expect(grammarFaults(chunks, true)).toEqual([])
})

const broken: Record<string, [RawChunk[], string]> = {
  'no start': [[step, stepEnd, finish], '0 start-step: not start'],
  'two starts': [[start, start, finish], '1 start: start twice'],
  'a start without an id': [[{ type: 'start' }, finish], '0 start: no messageId'],
  'text outside a step': [[start, text('start'), text('end'), finish], '1 text-start: outside a step'],
  'a source outside a step': [[start, { type: 'source-url' }, finish], '1 source-url: outside a step'],
  'a step in a step': [[start, step, step, stepEnd, finish], '2 start-step: in a step'],
  'an end without a step': [[start, stepEnd, finish], '1 finish-step: no step'],
  'open text at the end of a step': [[start, step, text('start'), stepEnd, finish], '3 finish-step: text 1 is open'],
  'open input at the end of a step': [[start, step, call('input-start'), stepEnd, finish], '3 finish-step: the input of c is open'],
  'a text id again': [[start, step, text('start'), text('end'), text('start'), text('end'), stepEnd, finish], '4 text-start: id 1 again'],
  'a delta without a start': [[start, step, text('delta'), stepEnd, finish], '2 text-delta: 1 is not open'],
  'an end of another kind': [[start, step, text('start'), { type: 'reasoning-end', id: '1' }, stepEnd, finish], '3 reasoning-end: 1 is not open'],
  'an input delta without a start': [[start, step, call('input-delta'), stepEnd, finish], '2 tool-input-delta: the input of c is not open'],
  'a call id again': [[start, step, call('input-available'), call('input-available'), call('output-error'), stepEnd, finish], '3 tool-input-available: call c again'],
  'a call without an outcome': [[start, step, call('input-available'), stepEnd, finish], '4 finish: call c has no outcome'],
  'two outcomes': [[start, step, call('input-available'), call('output-error'), call('output-error'), stepEnd, finish], '4 tool-output-error: call c waits for no outcome'],
  'an outcome after a refused input': [[start, step, call('input-error'), call('output-error'), stepEnd, finish], '3 tool-output-error: call c waits for no outcome'],
  'an outcome of nothing': [[start, step, call('output-available'), stepEnd, finish], '2 tool-output-available: call c waits for no outcome'],
  'a terminal chunk in a step': [[start, step, finish], '2 finish: in a step'],
  'two terminal chunks': [[start, finish, { type: 'abort' }], '2 abort: after the terminal chunk'],
  'no terminal chunk': [[start, step, stepEnd], 'no terminal chunk at the end'],
  'a null': [[start, { type: 'finish', finishReason: null }], '1 finish: finishReason is null'],
  'a prototype': [[start, step, call('input-available'), JSON.parse('{"type":"tool-output-available","toolCallId":"c","output":{"a":[{"__proto__":1}]}}'), stepEnd, finish], '3 tool-output-available: a key __proto__'],
  'a type of nobody': [[start, { type: 'status' }, finish], '1 status: unknown'],
}

test.each(Object.entries(broken))('%s is found', (_, [chunks, fault]) => {
  expect(grammarFaults(chunks, true)).toContain(fault)
})

test('a stream without [DONE] is found', () => {
  expect(grammarFaults([start, finish], false)).toEqual(['no [DONE]'])
})

test('ids are dense, of one run, and of no falling fence', () => {
  expect(idFaults(['r.1.1', 'r.1.2', 'r.2.3'])).toEqual([])
  expect(idFaults(['r.1.1', 'r.1.3'])).toEqual(['seq 3 at 2'])
  expect(idFaults(['r.2.1', 'r.1.2'])).toEqual(['r.1.2 after r.2.1'])
  expect(idFaults(['r.1.1', 's.1.2'])).toEqual(['s.1.2 after r.1.1'])
  expect(idFaults(['1'])).toEqual(['1 is no cursor'])
})
