import { expect, test } from 'vitest'
import { ambitTransport } from '../../src/client.ts'

const messageOf = (number: number) => ({
  id: `c${number}`, role: number % 2 === 0 ? 'assistant' : 'user', parts: [{ type: 'text', text: String(number) }],
  metadata: { ambit: { id: `m${number}`, parent_id: number === 1 ? null : `m${number - 1}` } },
})

test('a long chat is loaded page by page, an error on the way is one, and an odd name stays one step of the path', async () => {
  const asked: string[] = []
  const pages = [{ messages: [messageOf(1), messageOf(2)], next: '2' }, { messages: [messageOf(3)], next: null }]
  const transport = ambitTransport({
    url: 'https://app.test/api/ambit/',
    org: 'acme',
    fetch: async (url) => {
      asked.push(url)
      return asked.length > 2 ? Response.json({}, { status: 503 }) : Response.json(pages[asked.length - 1])
    },
  })
  expect((await transport.load('a/../b?')).map(({ id }) => id)).toEqual(['c1', 'c2', 'c3'])
  const address = 'https://app.test/api/ambit/v1/orgs/acme/threads/a%2F..%2Fb%3F/messages?branch=chosen&limit=200'
  expect(asked).toEqual([address, `${address}&after=2`])
  await expect(transport.load('c')).rejects.toMatchObject({ code: 'unexpected_answer', status: 503 })
})

test('a branch that is changed between two pages is loaded anew', async () => {
  const edited = { ...messageOf(2), metadata: { ambit: { id: 'm2b', parent_id: 'm1' } } }
  const pages = [
    { messages: [messageOf(1), messageOf(2)], next: '2' },
    { messages: [{ ...messageOf(3), metadata: { ambit: { id: 'm3b', parent_id: 'm2b' } } }], next: null },
    { messages: [messageOf(1), edited], next: '2' },
    { messages: [{ ...messageOf(3), metadata: { ambit: { id: 'm3b', parent_id: 'm2b' } } }], next: null },
  ]
  let asked = 0
  const transport = ambitTransport({ url: '/api', fetch: async () => Response.json(pages[(asked += 1) - 1]) })
  const loaded = (await transport.load('c')) as { metadata: { ambit: { id: string } } }[]
  expect(loaded.map(({ metadata }) => metadata.ambit.id)).toEqual(['m1', 'm2b', 'm3b'])
})

test('a message without a place, and a page that says there is more and gives nothing, end the loading', async () => {
  const pages = [{ messages: [{ id: 'c1', role: 'user', parts: [] }], next: '1' }, { messages: [], next: '1' }]
  let asked = 0
  const transport = ambitTransport({ url: '/api', fetch: async () => Response.json(pages[Math.min((asked += 1), 2) - 1]) })
  expect((await transport.load('c')).map(({ id }) => id)).toEqual(['c1'])
  expect(asked).toBe(2)
})
