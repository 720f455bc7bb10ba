import { once } from 'node:events'
import { createServer as createHttp2, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { listen, toNodeListener } from '../../src/node.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
})

async function serve(fetch: (request: Request) => Promise<Response>): Promise<number> {
  const server = await listen({ fetch }, { host: '127.0.0.1', port: 0 })
  servers.push(server)
  return (server.address() as AddressInfo).port
}

/** What a raw connection gets for these bytes, and whether it was reset. */
async function talk(port: number, bytes: string): Promise<{ text: string; reset: boolean }> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let reset = false
  socket.on('data', (data: Buffer) => (text += data.toString()))
  socket.on('error', () => (reset = true))
  socket.write(bytes)
  const closed = Promise.withResolvers<void>()
  socket.once('close', () => closed.resolve())
  await closed.promise // `once` would reject for the reset
  return { text, reset }
}

const bytes = (text: string) => new TextEncoder().encode(text)

test('passes method, path, headers and body, and the answer back', async () => {
  const port = await serve(async (request) => {
    const url = new URL(request.url)
    return new Response(`${request.method} ${url.pathname}${url.search} ${request.headers.get('x-one')} ${await request.text()}`, { status: 201 })
  })
  const response = await fetch(`http://127.0.0.1:${port}/a?b=c`, { method: 'POST', headers: { 'x-one': '1' }, body: 'body' })
  expect(response.status).toBe(201)
  expect(await response.text()).toBe('POST /a?b=c 1 body')
})

test('a body that breaks breaks the connection, and says nothing of why', async () => {
  const port = await serve(async () => {
    let pulls = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if ((pulls += 1) === 1) controller.enqueue(bytes('first'))
        else controller.error(new Error('secret cause'))
      },
    })
    return new Response(body)
  })
  const response = await fetch(`http://127.0.0.1:${port}/`)
  await expect(response.text()).rejects.toThrow('terminated')
  const raw = await talk(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  expect(raw.text).not.toContain('secret')
  expect(raw.text).not.toContain('\r\n0\r\n') // no last chunk: the body did not end
  expect(raw.reset).toBe(true)
  // Without chunks, a connection that is closed is a body that is whole.
  expect(await talk(port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')).toMatchObject({ reset: true })
})

test('a reader who goes ends the body, and aborts the request', async () => {
  const cancelled = Promise.withResolvers<void>()
  const aborted = Promise.withResolvers<void>()
  const port = await serve(async (request) => {
    request.signal.addEventListener('abort', () => aborted.resolve())
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes('first')),
      cancel: () => cancelled.resolve(),
    })
    return new Response(body)
  })
  const going = new AbortController()
  const response = await fetch(`http://127.0.0.1:${port}/`, { signal: going.signal })
  await response.body?.getReader().read()
  going.abort()
  await expect(Promise.all([cancelled.promise, aborted.promise])).resolves.toHaveLength(2)
})

test.each([
  ['a host that is none', 'GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n'],
  ['a method that fetch forbids', 'TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n'],
])('%s is a 400', async (_, request) => {
  const port = await serve(async () => new Response('reached'))
  const { text } = await talk(port, request)
  expect(text).toMatch(/^HTTP\/1.1 400 /)
  expect(text).not.toContain('reached')
})

test('an answer that was given before the body was read arrives, and the connection ends with it', async () => {
  const port = await serve(async () => new Response('no', { status: 401 }))
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: new Uint8Array(20_000_000) })
  expect([response.status, await response.text(), response.headers.get('connection')]).toEqual([401, 'no', 'close'])
})

test('a body that was given up in its middle is answered, too', async () => {
  const port = await serve(async (request) => {
    const reader = request.body?.getReader()
    await reader?.read()
    await reader?.cancel()
    return new Response('too large', { status: 413 })
  })
  const response = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: new Uint8Array(20_000_000) })
  expect([response.status, await response.text()]).toEqual([413, 'too large'])
})

test('slow requests are looked for often enough', async () => {
  await serve(async () => new Response(null))
  expect(servers.at(-1)).toMatchObject({ headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 })
})

test.each([
  ['//other.test/a?b', 'http://host.test//other.test/a?b'],
  ['/\\other.test/a', 'http://host.test//other.test/a'],
  ['http://other.test/a?b', 'http://host.test/a?b'],
  ['/a', 'http://host.test/a'],
])('the request line %s chooses no host', async (target, url) => {
  const port = await serve(async (request) => new Response(request.url))
  const { text } = await talk(port, `GET ${target} HTTP/1.1\r\nHost: host.test\r\nConnection: close\r\n\r\n`)
  expect(text.split('\r\n')).toContain(url)
})

test.each(['Host: host.test/a?b=', 'Host: host.test'])('what %s names beside a host is dropped', async (header) => {
  const port = await serve(async (request) => new Response(request.url))
  expect((await talk(port, `GET /c HTTP/1.1\r\n${header}\r\nConnection: close\r\n\r\n`)).text).toContain('http://host.test/c')
})

test('OPTIONS * names no path: 400', async () => {
  const port = await serve(async () => new Response('served'))
  expect((await talk(port, 'OPTIONS * HTTP/1.1\r\nHost: host.test\r\nConnection: close\r\n\r\n')).text).toMatch(/^HTTP\/1.1 400/)
})

test('a header that is sent twice stays two', async () => {
  const port = await serve(async (request) => new Response(request.headers.get('x-one')))
  expect((await talk(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nX-One: 2\r\nConnection: close\r\n\r\n')).text).toContain('1, 2')
})

test('HTTP/2 is served, too', async () => {
  const server = createHttp2(toNodeListener({
    fetch: async (request) => new Response(`${request.method} ${request.url} ${request.headers.get('x-one')} ${await request.text()}`),
  }) as unknown as Parameters<typeof createHttp2>[0])
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connectHttp2(`http://127.0.0.1:${port}`)
  const stream = client.request({ ':method': 'POST', ':path': '/a?b', 'x-one': '1' })
  stream.end('body')
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  expect(headers[':status']).toBe(200)
  expect(await stream.setEncoding('utf8').toArray()).toEqual([`POST http://127.0.0.1:${port}/a?b 1 body`])
  client.close()
  server.close()
  await once(server, 'close')
})
