import { Chat } from '@ai-sdk/react'
import type { UIMessage, UIMessageChunk } from 'ai'
import { expect, test } from 'vitest'
import { ambitTransport } from '../../src/client.ts'

// A step may be begun anew, by another node or by the same: what was said of it live is taken back. The events are those that
// the server sends (the flows hold it to that); what is shown here is what a page makes of them.

type Event = readonly [place: string, chunk: UIMessageChunk]

const start: Event = ['1.1', { type: 'start', messageId: 'm1' }]
/** What a step says, from this place on, in a text of its own. */
const step = (fence: number, first: number, text: string): readonly Event[] => [
  [`${fence}.${first}`, { type: 'start-step' }],
  [`${fence}.${first + 1}`, { type: 'text-start', id: `${first}` }],
  ...[...text].map((delta, index): Event => [`${fence}.${first + 2 + index}`, { type: 'text-delta', id: `${first}`, delta }]),
  [`${fence}.${first + 2 + text.length}`, { type: 'text-end', id: `${first}` }],
  [`${fence}.${first + 3 + text.length}`, { type: 'finish-step' }],
]
const end = (place: string): Event => [place, { type: 'finish', finishReason: 'stop' }]
const reset = (events: readonly Event[]): readonly Event[] => events.map(([place, chunk], index) => [place, index === 0 ? { type: 'reset-step' } : chunk])

const encoded = (events: readonly Event[]) => events.map(([place, chunk]) => `id: r.${place}\ndata: ${JSON.stringify(chunk)}\n\n`).join('')
const stream = (events: readonly Event[], whole = false) =>
  new Response(encoded(events) + (whole ? 'data: [DONE]\n\n' : ''), { headers: { 'content-type': 'text/event-stream' } })

/** A chat whose requests are answered with these, one after the other. */
function page(...answers: readonly (() => Response)[]) {
  const asked: (string | null)[] = []
  const transport = ambitTransport({
    url: '/api/ambit',
    reconnect: { tries: 2, firstDelayMs: 1, maxDelayMs: 1 },
    async fetch(_, init) {
      asked.push(new Headers(init.headers).get('last-event-id'))
      const answer = answers[asked.length - 1]
      if (!answer) throw new TypeError('Failed to fetch')
      return answer()
    },
  })
  return { asked, chat: new Chat<UIMessage>({ id: 'c', transport }) }
}

const KEPT = [{ type: 'step-start' }, { type: 'text', text: 'One.', state: 'done' }, { type: 'step-start' }, { type: 'text', text: 'Two.', state: 'done' }]
const first = [start, ...step(1, 2, 'One.')] // to 1.9
const dropped = step(1, 10, 'No, wait').slice(0, 7)
const second = step(2, 10, 'Two.') // to 2.17

test('the connection holds, and the server takes the attempt back', async () => {
  const { chat, asked } = page(() => stream([...first, ...dropped, ...reset(second), end('2.18')], true))
  await chat.sendMessage({ text: 'Go on.' })
  expect([chat.error, chat.lastMessage?.parts, asked]).toEqual([undefined, KEPT, [null]])
})

test('the connection breaks in the dropped attempt, and the rest begins with what takes it back', async () => {
  const { chat, asked } = page(() => stream([...first, ...dropped]), () => stream([...reset(second), end('2.18')], true))
  await chat.sendMessage({ text: 'Go on.' })
  expect([chat.error, chat.lastMessage?.parts, asked]).toEqual([undefined, KEPT, [null, 'r.1.16']])
})

test.each([
  ['in the dropped attempt', [...first, ...dropped]],
  ['at the first of the dropped attempt', [...first, ...dropped.slice(0, 1)]],
  ['where the steps before it end', first],
  ['in the attempt that is kept', [...first, ...second.slice(0, 4)]],
  ['in the attempt that is kept, after the other one', [...first, ...dropped, ...reset(second).slice(0, 3)]],
])('the run is said again from its start, to a chat that stands %s', async (_, held) => {
  const { chat } = page(() => stream(held), () => stream([...first, ...second, end('2.18')], true))
  await chat.sendMessage({ text: 'Go on.' })
  expect([chat.error, chat.lastMessage?.parts]).toEqual([undefined, KEPT])
})

test('dropped more than once, while the chat was away', async () => {
  const again = step(4, 10, 'Two.')
  const { chat } = page(() => stream([...first, ...dropped]), () => stream([...reset(step(2, 10, 'Not this')).slice(0, 5)]), () => stream([...first, ...again, end('4.18')], true))
  await chat.sendMessage({ text: 'Go on.' })
  expect([chat.error, chat.lastMessage?.parts]).toEqual([undefined, KEPT])
})

test('what was kept is not taken back where nothing was said after it', async () => {
  const { chat } = page(() => stream(first), () => stream([...second, end('2.18')], true))
  await chat.sendMessage({ text: 'Go on.' })
  expect([chat.error, chat.lastMessage?.parts]).toEqual([undefined, KEPT])
})

test('what cannot stand in the place of what was dropped is mixed with nothing', async () => {
  const { chat } = page(() => stream([...first, ...dropped]), () => stream([...first, ...second.slice(1), end('2.18')], true))
  await chat.sendMessage({ text: 'Go on.' })
  expect(chat.error).toMatchObject({ code: 'stream_lost' })
})

test.each([
  [409, 'conflict'],
  [410, 'gone'],
  [404, 'not_found'],
] as const)('a rest that is refused with %d is lost, and the page is told to load', async (status, code) => {
  const refused = () => Response.json({ code, status, detail: 'No.', request_id: 'q' }, { status, headers: { 'content-type': 'application/problem+json' } })
  const { chat, asked } = page(() => stream([...first, ...dropped]), refused)
  await chat.sendMessage({ text: 'Go on.' })
  expect(chat.error).toMatchObject({ code: 'stream_lost', status, requestId: 'q', cause: { code } })
  expect(asked).toHaveLength(2) // and is not asked again
})

test.each([['over_limit', 429], ['unavailable', 503]] as const)('a rest that is refused with %s is asked for again', async (code, status) => {
  const refused = () => Response.json({ code, status, detail: 'Later.', request_id: 'q' }, { status, headers: { 'content-type': 'application/problem+json' } })
  const { chat } = page(() => stream([...first]), refused, () => stream([...second, end('2.18')], true))
  await chat.sendMessage({ text: 'Go on.' })
  expect([chat.error, chat.lastMessage?.parts]).toEqual([undefined, KEPT])
})
