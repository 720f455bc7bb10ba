import type { ProviderName } from '../../src/index.ts'
import { chunk, completion } from './chat-completions.ts'
import { events, status } from './upstream.ts'
import type { Answer, AskedOf } from './upstream.ts'

/** How a provider speaks: the same short conversation in its own wire format. */
export interface ProviderWire {
  readonly name: ProviderName
  /** Where its paths begin. */
  readonly base: string
  readonly path: string
  readonly keyHeader: string
  keyIn(key: string): string
  /** "I look. ", then a call of `rate` with {"of":"EUR"}. */
  readonly callsRate: Answer
  /** "It is 1.25." */
  readonly saysRate: Answer
  /** The call and its result, as they come back in the second request. */
  told(asked: AskedOf): { readonly input: unknown; readonly output: unknown }
  /** What it says when it refuses. */
  readonly refuses: (status: number, message: string) => Answer
  /** An error in a stream that began well. */
  readonly failsLate: Answer
  /** A stream that ends as if it were whole, in the middle of a text. */
  readonly breaksOff: Answer
}

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

const openaiCompatible: ProviderWire = {
  name: 'openai-compatible',
  base: '/v1',
  path: '/v1/chat/completions',
  keyHeader: 'authorization',
  keyIn: (key) => `Bearer ${key}`,
  callsRate: completion(
    [
      { role: 'assistant', content: 'I look. ' },
      { tool_calls: [{ index: 0, id: 'call_x', type: 'function', function: { name: 'rate', arguments: '{"of":' } }] },
      { tool_calls: [{ index: 0, function: { arguments: '"EUR"}' } }] },
    ],
    'tool_calls', USAGE,
  ),
  saysRate: completion([{ content: 'It is ' }, { content: '1.25.' }], 'stop', USAGE),
  told({ body }) {
    const messages = body['messages'] as { role: string; tool_calls?: { function: { arguments: string } }[]; content: string }[]
    return { input: parse(messages.at(-2)?.tool_calls?.[0]?.function.arguments), output: parse(messages.at(-1)?.content) }
  },
  refuses: (code, message) => status(code, { error: { message, type: 'error', code: null } }),
  failsLate: events([chunk({ choices: [{ index: 0, delta: { content: 'So far' }, finish_reason: null }] }), { error: { message: 'boom', type: 'server_error' } }]),
  breaksOff: events([chunk({ choices: [{ index: 0, delta: { content: 'So far' }, finish_reason: null }] })]),
}

const response = { id: 'resp_1', created_at: 1, model: 'x' }
const responsesUsage = { input_tokens: 11, input_tokens_details: { cached_tokens: 0 }, output_tokens: 7, output_tokens_details: { reasoning_tokens: 0 } }
const sayingResponse = (...deltas: string[]) => [
  { type: 'response.output_item.added', output_index: 0, item: { type: 'message', id: 'msg_1', role: 'assistant', content: [], status: 'in_progress' } },
  ...deltas.map((delta) => ({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, content_index: 0, delta })),
]
const saidResponse = (text: string) => ({
  type: 'response.output_item.done', output_index: 0,
  item: { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] },
})
const completed = { type: 'response.completed', response: { ...response, usage: responsesUsage } }

const openai: ProviderWire = {
  name: 'openai',
  base: '/v1',
  path: '/v1/responses',
  keyHeader: 'authorization',
  keyIn: (key) => `Bearer ${key}`,
  callsRate: events([
    { type: 'response.created', response },
    ...sayingResponse('I look. '),
    saidResponse('I look. '),
    { type: 'response.output_item.added', output_index: 1, item: { type: 'function_call', id: 'fc_1', call_id: 'call_x', name: 'rate', arguments: '' } },
    { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '{"of":' },
    { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 1, delta: '"EUR"}' },
    { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 1, arguments: '{"of":"EUR"}' },
    { type: 'response.output_item.done', output_index: 1, item: { type: 'function_call', id: 'fc_1', call_id: 'call_x', name: 'rate', arguments: '{"of":"EUR"}', status: 'completed' } },
    completed,
  ]),
  saysRate: events([{ type: 'response.created', response }, ...sayingResponse('It is ', '1.25.'), saidResponse('It is 1.25.'), completed]),
  told({ body }) {
    const input = body['input'] as { type?: string; arguments?: string; output?: string }[]
    return { input: parse(input.find((item) => item.type === 'function_call')?.arguments), output: parse(input.find((item) => item.type === 'function_call_output')?.output) }
  },
  refuses: (code, message) => status(code, { error: { message, type: 'error', param: null, code: null } }),
  failsLate: events([
    { type: 'response.created', response },
    ...sayingResponse('So far'),
    { type: 'response.failed', sequence_number: 9, response: { ...response, error: { code: 'server_error', message: 'boom' } } },
  ]),
  breaksOff: events([{ type: 'response.created', response }, ...sayingResponse('So far')]),
}

const started = { type: 'message_start', message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'x', content: [], stop_reason: null, usage: { input_tokens: 11, output_tokens: 1 } } }
const block = (index: number, content_block: object, deltas: readonly object[]) => [
  { type: 'content_block_start', index, content_block },
  ...deltas.map((delta) => ({ type: 'content_block_delta', index, delta })),
  { type: 'content_block_stop', index },
]
const textDelta = (text: string) => ({ type: 'text_delta', text })
const stopped = (stop_reason: string) => [{ type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 7 } }, { type: 'message_stop' }]

const anthropic: ProviderWire = {
  name: 'anthropic',
  base: '/v1',
  path: '/v1/messages',
  keyHeader: 'x-api-key',
  keyIn: (key) => key,
  callsRate: events([
    started,
    { type: 'ping' },
    ...block(0, { type: 'text', text: '' }, [textDelta('I look. ')]),
    ...block(1, { type: 'tool_use', id: 'toolu_x', name: 'rate', input: {} }, ['{"of":', '"EUR"}'].map((partial_json) => ({ type: 'input_json_delta', partial_json }))),
    ...stopped('tool_use'),
  ]),
  saysRate: events([started, ...block(0, { type: 'text', text: '' }, [textDelta('It is '), textDelta('1.25.')]), ...stopped('end_turn')]),
  told({ body }) {
    const messages = body['messages'] as { content: { type: string; input?: unknown; content?: string | { text: string }[] }[] }[]
    const result = messages.at(-1)?.content[0]?.content
    return {
      input: messages.at(-2)?.content.find((part) => part.type === 'tool_use')?.input,
      output: parse(typeof result === 'string' ? result : result?.[0]?.text),
    }
  },
  refuses: (code, message) => status(code, { type: 'error', error: { type: 'api_error', message } }),
  failsLate: events([
    started,
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: textDelta('So far') },
    { type: 'error', error: { type: 'overloaded_error', message: 'boom' } },
  ]),
  breaksOff: events([started, { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } }, { type: 'content_block_delta', index: 0, delta: textDelta('So far') }]),
}

const candidate = (parts: readonly object[], finishReason?: string) => ({
  candidates: [{ content: { role: 'model', parts }, index: 0, ...(finishReason && { finishReason }) }],
  usageMetadata: { promptTokenCount: 11, candidatesTokenCount: 7, totalTokenCount: 18 },
})

const google: ProviderWire = {
  name: 'google',
  base: '/v1beta',
  path: '/v1beta/models/x:streamGenerateContent?alt=sse',
  keyHeader: 'x-goog-api-key',
  keyIn: (key) => key,
  callsRate: events([candidate([{ text: 'I look. ' }]), candidate([{ functionCall: { name: 'rate', args: { of: 'EUR' } } }], 'STOP')]),
  saysRate: events([candidate([{ text: 'It is ' }]), candidate([{ text: '1.25.' }], 'STOP')]),
  told({ body }) {
    const contents = body['contents'] as { parts: { functionCall?: { args: unknown }; functionResponse?: { response: unknown } }[] }[]
    const parts = contents.flatMap((content) => content.parts)
    const { content } = (parts.find((part) => part.functionResponse)?.functionResponse?.response ?? {}) as { content?: unknown }
    return { input: parts.find((part) => part.functionCall)?.functionCall?.args, output: typeof content === 'string' ? parse(content) : content }
  },
  refuses: (code, message) => status(code, { error: { code, message, status: 'INTERNAL' } }),
  failsLate: events([candidate([{ text: 'So far' }]), { error: { code: 503, message: 'boom', status: 'UNAVAILABLE' } }]),
  breaksOff: events([candidate([{ text: 'So far' }])]),
}

export const PROVIDER_WIRES: readonly ProviderWire[] = [openaiCompatible, openai, anthropic, google]

function parse(text: string | undefined): unknown {
  return text === undefined ? undefined : JSON.parse(text)
}

