import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { connectProvider } from '../../src/lib/model/provider-connection.ts'
import type { ProviderConnectionOptions } from '../../src/lib/model/provider-connection.ts'
import { fetchOver } from '../../src/lib/model/provider-fetch.ts'
import { createResponseBound } from '../../src/lib/model/response-bound.ts'
import { startUpstream, status } from '../support/upstream.ts'
import type { Answer } from '../support/upstream.ts'

const createProviderFetch = (options?: ProviderConnectionOptions) => fetchOver(connectProvider(options))

async function start(...answers: readonly Answer[]) {
  const server = await startUpstream(...answers)
  onTestFinished(() => server.close())
  return server
}

/** A server that speaks no more HTTP than it is told to. */
async function listen(onConnection: (socket: Socket, count: number) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    onConnection(socket, sockets.size)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, count: () => sockets.size }
}

const text = (body: string): Answer => (response) => void response.end(body)
const post = { method: 'POST', body: '{"a":"ü"}', headers: { 'Content-Type': 'application/json', Authorization: 'Bearer k' } }

test('what is asked arrives, and what is answered comes back', async () => {
  const server = await start(status(200, { b: 'ü' }, { 'x-request-id': 'r1', 'x-other': 'o' }))
  const response = await createProviderFetch()(`${server.origin}/v1/x?y=z`, post)
  expect([response.status, response.ok, response.headers.get('x-request-id'), response.headers.get('x-other')]).toEqual([200, true, 'r1', null])
  expect(await response.json()).toEqual({ b: 'ü' })
  expect(server.asked).toMatchObject([{ path: '/v1/x?y=z', body: { a: 'ü' }, headers: { authorization: 'Bearer k', 'accept-encoding': 'identity', 'content-length': '10' } }])
})

test('a connection is used again, and none holds the process', async () => {
  const server = await start(text('one'))
  const fetch = createProviderFetch()
  for (let times = 0; times < 3; times += 1) expect(await (await fetch(server.origin)).text()).toBe('one')
  expect(server.connections()).toBe(1)
})

test('a kept connection that is closed under the request is no failure: it is sent once more, on a new one', async () => {
  const server = await listen((socket, count) => {
    let asked = 0
    socket.on('data', () => {
      asked += 1
      if (count === 1 && asked === 2) socket.resetAndDestroy()
      else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
  })
  const fetch = createProviderFetch()
  expect(await (await fetch(server.url, post)).text()).toBe('ok')
  expect(await (await fetch(server.url, post)).text()).toBe('ok')
  expect(server.count()).toBe(2)
})

test('a new connection that is closed is a failure', async () => {
  const server = await listen((socket) => socket.once('data', () => socket.resetAndDestroy()))
  await expect(createProviderFetch()(server.url, post)).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(server.count()).toBe(1)
})

test('a body is read as far as it is pulled, and no further', async () => {
  let written = 0
  const server = await start(async (response) => {
    const piece = Buffer.alloc(100_000)
    while (written < 50_000_000 && response.write(piece)) written += piece.length
    response.on('drain', () => {
      while (written < 50_000_000 && response.write(piece)) written += piece.length
    })
  })
  const response = await createProviderFetch()(server.origin)
  const reader = response.body?.getReader()
  const first = await reader?.read()
  expect(first?.value?.length).toBeGreaterThan(0)
  expect(written).toBeLessThan(20_000_000)
  await reader?.cancel()
})

test('whoever cancels a body closes the connection', async () => {
  const closed = Promise.withResolvers<void>()
  const server = await start((response) => {
    response.once('close', () => closed.resolve())
    response.write('so far')
  })
  const response = await createProviderFetch()(server.origin)
  await response.body?.cancel()
  await expect(closed.promise).resolves.toBeUndefined()
})

describe('an abort', () => {
  const reason = new Error('told to stop')

  test('before it begins: nothing is asked', async () => {
    const server = await start(text('one'))
    await expect(createProviderFetch()(server.origin, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(server.asked).toEqual([])
  })

  test('before the head, and in the body: its reason, and the connection is closed', async () => {
    for (const begin of [() => {}, (response: ServerResponse) => void response.write('so far')]) {
      const asked = Promise.withResolvers<void>()
      const closed = Promise.withResolvers<void>()
      const ending = new AbortController()
      const server = await start((response) => {
        response.once('close', () => closed.resolve())
        begin(response)
        asked.resolve()
      })
      const answer = createProviderFetch()(server.origin, { signal: ending.signal }).then((response) => response.text())
      await asked.promise
      ending.abort(reason)
      await expect(answer).rejects.toBe(reason)
      await closed.promise
    }
  })
})

test('an address that takes the connection and says nothing is given up', async () => {
  const server = await listen(() => {})
  const fetch = createProviderFetch({ connectMs: 50 })
  await expect(fetch(server.url.replace('http:', 'https:'))).rejects.toMatchObject({ code: 'ETIMEDOUT' })
})

test('what a provider says when it refuses is bounded, and holds no key', async () => {
  const server = await start((response) => void response.writeHead(401).end(`no such key: sk-1${'x'.repeat(10_000_000)}`))
  const response = await createProviderFetch({ secret: 'sk-1' })(server.origin)
  const words = await response.text()
  expect(words.slice(0, 20)).toBe('no such key: [key]xx')
  expect(words.length).toBeLessThan(1_000_000)
})

test('an answer that is too large is cut', async () => {
  const server = await start(text('data: x\n\n'.repeat(1_000)))
  const response = await createProviderFetch({ answerBytes: 5_000 })(server.origin)
  await expect(response.text()).rejects.toMatchObject({ code: 'RESPONSE_TOO_LARGE' })
})

test.each(['GET', 'POST'])('a redirect of a %s is an error', async (method) => {
  const server = await start((response) => void response.writeHead(302, { location: '/' }).end(), text('elsewhere'))
  await expect(createProviderFetch()(server.origin, { method })).rejects.toThrow('Redirects are not followed')
  expect(server.asked).toHaveLength(1)
})

describe('the bound of an event', () => {
  const sizes = [1, 2, 3, 7, 1_000]
  /** Whether this text passes a bound of 20 bytes an event, however it is cut. */
  const passes = (answer: string) => {
    const outcomes = sizes.map((size) => {
      const bound = createResponseBound({ eventBytes: 20, answerBytes: 10_000 })
      const bytes = Buffer.from(answer)
      for (let at = 0; at < bytes.length; at += size) if (bound.take(bytes.subarray(at, at + size))) return false
      return true
    })
    expect(new Set(outcomes).size).toBe(1)
    return outcomes[0]
  }

  test.for<[name: string, answer: string, passes: boolean]>([
    ['many events', 'data: 12345678\n\n'.repeat(100), true],
    ['many events with CR LF', 'data: 12345678\r\n\r\n'.repeat(100), true],
    ['an event at the bound', `data: ${'x'.repeat(12)}\n\n`, true],
    ['an event one byte beyond', `data: ${'x'.repeat(13)}\n\nx`, false],
    ['a line that never ends', `data: ${'x'.repeat(100)}`, false],
    ['lines without a blank one', 'data: 1\n'.repeat(10), false],
    ['lines with a space between them', 'data: 1\n \n'.repeat(10), false],
    ['lines with a letter and a CR between them', 'data: 1\nx\r\n'.repeat(10), false],
  ])('%s: %s', ([, answer, expected]) => {
    expect(passes(answer)).toBe(expected)
  })
})
