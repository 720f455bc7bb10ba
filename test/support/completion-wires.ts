import { chunk, deltaChunk } from './chat-completions.ts'

/** Everything that is counted. */
export const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18, prompt_tokens_details: { cached_tokens: 4 }, completion_tokens_details: { reasoning_tokens: 2 } }

const DONE = 'data: [DONE]\n\n'

export function dataOf(...bodies: readonly unknown[]): string {
  return bodies.map((body) => `data: ${JSON.stringify(body)}\n\n`).join('')
}

/** A whole answer: these deltas, this reason, all counts. */
export function wireOf(deltas: readonly unknown[], reason = 'stop'): string {
  return dataOf(...deltas.map((delta) => deltaChunk(delta)), deltaChunk({}, reason), chunk({ choices: [], usage: USAGE })) + DONE
}

export function callPiece(labels: { readonly index?: number | null; readonly id?: string | null; readonly name?: string | null }, input?: string | null) {
  const { name, ...others } = labels
  return { ...others, type: 'function', function: { ...(name !== undefined && { name }), ...(input !== undefined && { arguments: input }) } }
}

export function calls(...pieces: readonly object[]): object {
  return { tool_calls: pieces }
}

const say = (content: unknown) => ({ content })
const begins = (index: number, id: string, name: string, input = '') => calls(callPiece({ index, id, name }, input))
const goesOn = (index: number, input: string) => calls(callPiece({ index }, input))

/** Answers that every adapter must read alike. */
export const WIRES: Readonly<Record<string, string>> = {
  text: wireOf([{ role: 'assistant', content: '' }, say('Hello'), say(', '), say('Zürich – 🙂')]),
  'nothing but an end': wireOf([]),
  'null and nothing as content': wireOf([{ role: 'assistant', content: null }, {}, say('a'), say(null), say('b')]),
  'the reason with the last text': dataOf(deltaChunk({ content: 'Hello' }, 'stop'), chunk({ choices: [], usage: USAGE })) + DONE,
  'usage with the reason': dataOf(deltaChunk({ content: 'Hello' }), { ...deltaChunk({}, 'stop'), usage: USAGE }) + DONE,
  'usage with every event, the last counts': dataOf({ ...deltaChunk({ content: 'a' }), usage: { ...USAGE, completion_tokens: 1 } }, { ...deltaChunk({}, 'stop'), usage: USAGE }, { ...deltaChunk({}), usage: null }) + DONE,
  'no [DONE]': dataOf(deltaChunk({ content: 'Hello' }, 'stop'), chunk({ choices: [], usage: USAGE })),
  'events after [DONE]': dataOf(deltaChunk({ content: 'Hello' }, 'stop')) + DONE + dataOf(chunk({ choices: [], usage: USAGE })),
  'length': wireOf([say('Hel')], 'length'),
  'content filter': wireOf([say('Hel')], 'content_filter'),
  'function_call': wireOf([say('Hel')], 'function_call'),
  'a reason of its own': wireOf([say('Hel')], 'eos_token'),
  'an empty reason': wireOf([say('Hel')], ''),
  'two reasons, the last counts': wireOf([say('Hel')], 'length').replace('"finish_reason":null', '"finish_reason":"stop"'),
  'a refusal': wireOf([{ role: 'assistant', content: null, refusal: null }, { refusal: 'I can' }, { refusal: 'not.' }]),
  'a refusal that is false': wireOf([{ content: 'Yes.', refusal: false }]),
  'reasoning_content': wireOf([{ reasoning_content: 'I th' }, { reasoning_content: 'ink.' }, say('So.')]),
  'reasoning': wireOf([{ reasoning: 'I think.', content: '' }, { reasoning: '', content: 'So.' }]),
  'both names of a thought': wireOf([{ reasoning_content: 'one', reasoning: 'two', content: null }, say('So.')]),
  'thoughts between texts': wireOf([say('a'), { reasoning: 'b' }, say('c'), { reasoning: 'd' }]),
  'a thought and a text in one event': wireOf([{ reasoning: 'b', content: 'a' }]),
  'content as parts': wireOf([say([{ type: 'thinking', thinking: [{ type: 'text', text: 'I th' }, { type: 'text', text: 'ink.' }] }]), say([{ type: 'text', text: 'So' }, { type: 'image' }, { type: 'text', text: '.' }]), say([])]),
  'a call in pieces': wireOf([begins(0, 'a', 'rate'), goesOn(0, '{"of"'), goesOn(0, ':"E'), goesOn(0, 'UR"}')], 'tool_calls'),
  'a call after a text and a thought': wireOf([say('I look.'), { reasoning: 'hm' }, begins(0, 'a', 'rate', '{}'), say('Done.')], 'tool_calls'),
  'calls in turn': wireOf([begins(0, 'a', 'rate'), goesOn(0, '{"of":"EUR"}'), begins(1, 'b', 'name'), goesOn(1, '{}')], 'tool_calls'),
  'calls in pieces, mixed': wireOf([begins(0, 'a', 'rate'), begins(1, 'b', 'name'), goesOn(1, '{"x"'), goesOn(0, '{'), goesOn(1, ':1}'), goesOn(0, '}')], 'tool_calls'),
  'whole calls in one delta': wireOf([calls(callPiece({ index: 0, id: 'a', name: 'rate' }, '{"of":1}'), callPiece({ index: 1, id: 'b', name: 'rate' }, '{"of":2}'))], 'tool_calls'),
  'whole calls, no index': wireOf([calls(callPiece({ id: 'a', name: 'rate' }, '{"of":1}')), calls(callPiece({ id: 'b', name: 'rate' }, '{"of":2}'))], 'tool_calls'),
  'whole calls, index 0 for all': wireOf([begins(0, 'a', 'rate', '{"of":1}'), begins(0, 'b', 'rate', '{"of":2}'), begins(0, 'c', 'name', '{}')], 'tool_calls'),
  'whole calls, index 0 for all, no id': wireOf([calls(callPiece({ index: 0, name: 'rate' }, '{"of":1}')), calls(callPiece({ index: 0, name: 'rate' }, '{"of":2}'))], 'tool_calls'),
  'calls announced with index 0 for all': wireOf([begins(0, 'a', 'rate'), goesOn(0, '{"of":1}'), begins(0, 'b', 'rate'), goesOn(0, '{"of":2}')], 'tool_calls'),
  'other names at one index, no id': wireOf([calls(callPiece({ index: 0, name: 'rate' }, '{}')), calls(callPiece({ index: 0, name: 'name' }, '')), goesOn(0, '{"x":1}')], 'tool_calls'),
  'whole calls without id and index': wireOf([calls(callPiece({ name: 'rate' }, '{"of":1}'), callPiece({ name: 'rate' }, '{"of":2}'))], 'tool_calls'),
  'no id': wireOf([calls(callPiece({ index: 0, name: 'rate' }, '')), goesOn(0, '{}')], 'tool_calls'),
  'a blank id': wireOf([begins(0, '', 'rate'), goesOn(0, '{}')], 'tool_calls'),
  'the same id twice': wireOf([begins(0, 'a', 'rate', '{"of":1}'), begins(1, 'a', 'rate', '{"of":2}')], 'tool_calls'),
  'the same id twice, in pieces': wireOf([begins(0, 'a', 'rate'), goesOn(0, '{"of":1}'), begins(1, 'a', 'rate'), goesOn(1, '{"of":2}')], 'tool_calls'),
  'id and name with every piece': wireOf([begins(0, 'a', 'rate'), begins(0, 'a', 'rate', '{"of":'), begins(0, 'a', 'rate', '{"x":1}}')], 'tool_calls'),
  'blank id and name with every piece': wireOf([begins(0, 'a', 'rate'), begins(0, '', '', '{"of":'), begins(0, '', '', '1}')], 'tool_calls'),
  'null id and name with every piece': wireOf([begins(0, 'a', 'rate'), calls(callPiece({ index: 0, id: null, name: null }, '{}'))], 'tool_calls'),
  'a new id with every piece': wireOf([begins(0, 'a', 'rate'), calls(callPiece({ index: 0, id: 'b' }, '{"of"')), calls(callPiece({ index: 0, id: 'c' }, ':1}'))], 'tool_calls'),
  'pieces by id, no index': wireOf([calls(callPiece({ id: 'a', name: 'rate' }, '')), calls(callPiece({ id: 'b', name: 'name' }, '')), calls(callPiece({ id: 'a' }, '{"of":1}')), calls(callPiece({ id: 'b' }, '{}'))], 'tool_calls'),
  'pieces without labels': wireOf([calls(callPiece({ id: 'a', name: 'rate' }, '')), calls(callPiece({}, '{"of"')), calls(callPiece({}, ':1}'))], 'tool_calls'),
  'a null index': wireOf([calls(callPiece({ index: null, id: 'a', name: 'rate' }, '{}'))], 'tool_calls'),
  'the name after the id': wireOf([calls(callPiece({ index: 0, id: 'a' }, '')), calls(callPiece({ index: 0, name: 'rate' }, '{"of":')), goesOn(0, '1}')], 'tool_calls'),
  'the name after the arguments, the id with it': wireOf([calls(callPiece({ index: 0 }, '{"of"')), calls(callPiece({ index: 0, id: 'a', name: 'rate' }, ':1}'))], 'tool_calls'),
  'brackets in strings': wireOf([begins(0, 'a', 'rate', '{"of":"}"'), begins(0, 'a', 'rate', '{"\\"]'), goesOn(0, '":1}'), begins(0, 'b', 'rate', '[]')], 'tool_calls'),
  'indices out of order': wireOf([begins(2, 'b', 'rate', '{}'), begins(1, 'a', 'rate', '{}')], 'tool_calls'),
  'no arguments': wireOf([calls(callPiece({ index: 0, id: 'a', name: 'rate' })), calls(callPiece({ index: 0 }, null))], 'tool_calls'),
  'arguments that are never closed': wireOf([begins(0, 'a', 'rate', '{"of":')], 'tool_calls'),
  'a call that ends with stop': wireOf([begins(0, 'a', 'rate', '{}')]),
  'a thought signature': wireOf([calls({ ...callPiece({ index: 0, id: 'a', name: 'rate' }, '{}'), extra_content: { google: { thought_signature: 'sig==' } } })], 'tool_calls'),
  'no calls in a list': wireOf([{ content: 'a', tool_calls: [] }, { content: 'b', tool_calls: null }]),
  'other choices': dataOf(chunk({ choices: [{ index: 0, delta: { content: 'a' } }, { index: 1, delta: { content: 'b' } }] }), deltaChunk(null, 'stop'), chunk({ choices: [], usage: USAGE })),
  'an error in the middle': dataOf(deltaChunk({ content: 'So far' }), { error: { message: 'boom', type: 'server_error', code: 503 } }, deltaChunk({ content: 'more' })),
  'an error with choices': dataOf(deltaChunk({ content: 'So far' }), { ...deltaChunk({ content: 'x' }), error: { message: 'boom' } }),
  'no JSON': `${dataOf(deltaChunk({ content: 'So far' }))}data: {"choices": <html>\n\n`,
  'JSON of another protocol': dataOf(deltaChunk({ content: 'So far' }), { type: 'message_stop' }),
  'a choice that is none': dataOf(chunk({ choices: ['a'] })),
  'a delta that is none': dataOf(chunk({ choices: [{ delta: 'a' }] })),
  'content that is a number': dataOf(deltaChunk({ content: 1 })),
  'a thought that is a list': dataOf(deltaChunk({ reasoning_content: ['a'] })),
  'a reason that is a number': dataOf(chunk({ choices: [{ delta: {}, finish_reason: 1 }] })),
  'calls that are none': dataOf(deltaChunk({ tool_calls: { index: 0 } })),
  'a call that is none': dataOf(deltaChunk({ tool_calls: [null] })),
  'a call without a function': dataOf(deltaChunk({ tool_calls: [{ index: 0, id: 'a' }] })),
  'arguments that are an object': dataOf(deltaChunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'rate', arguments: {} } }] })),
  'an index that is a text': dataOf(deltaChunk({ tool_calls: [{ index: '0', id: 'a', function: { name: 'rate' } }] })),
}
