import { once } from 'node:events'
import { Agent, request as nodeRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import express from 'express'
import fastify from 'fastify'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { toExpress } from '../../src/express.ts'
import { toFastify } from '../../src/fastify.ts'
import { BASE, mounts, openExpress } from '../support/mounts.ts'
import type { Mount, Mounted } from '../support/mounts.ts'

const mounted: Mounted[] = []
// What a framework says of a fault on the console is its own business.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => {}))
afterEach(async () => {
  vi.restoreAllMocks()
  await Promise.all(mounted.splice(0).map((one) => one.close()))
})

async function serve({ open: mount }: Pick<Mount, 'open'>, fetch: (request: Request) => Promise<Response>): Promise<number> {
  const one = await mount({ fetch })
  mounted.push(one)
  return one.port
}

const bytes = (words: string) => new TextEncoder().encode(words)
const json = (body: string) => ({ method: 'POST', headers: { 'content-type': 'application/json' }, body })

const echo = async (request: Request) => {
  const url = new URL(request.url)
  return new Response(JSON.stringify([request.method, url.pathname, url.search, request.headers.get('x-one'), await request.text()]), { status: 201 })
}

describe.each(mounts)('$name', (mount) => {
  test('is asked with the whole path, the query, the headers and the body', async () => {
    const port = await serve(mount, echo)
    const body = JSON.stringify({ text: 'Größe 🙂', deep: [{ a: [1, 2.5, null, true] }], long: 'x'.repeat(200_000) })
    const call = json(body)
    const response = await fetch(`http://127.0.0.1:${port}${BASE}/v1/a%2Fb?b=c&b=d`, { ...call, headers: { ...call.headers, 'x-one': '1' } })
    expect(response.status).toBe(201)
    expect(await response.json()).toEqual(['POST', `${BASE}/v1/a%2Fb`, '?b=c&b=d', '1', body])
  })

  test('has no body where none was sent', async () => {
    const port = await serve(mount, echo)
    const methods = ['GET', 'POST', 'DELETE']
    const answers = await Promise.all(methods.map(async (method) => (await fetch(`http://127.0.0.1:${port}${BASE}/x`, { method })).json()))
    expect(answers).toEqual(methods.map((method) => [method, `${BASE}/x`, '', null, '']))
  })

  test('leaves the rest of the app its own', async () => {
    const port = await serve(mount, async () => new Response('Ambit', { status: 500 }))
    const response = await fetch(`http://127.0.0.1:${port}/own`, json('{"a":1}'))
    expect([response.status, await response.json()]).toEqual([200, { a: 1 }])
  })

  test('streams: each piece is there before the next one exists', async () => {
    const next = [Promise.withResolvers<string>(), Promise.withResolvers<string>()]
    const pieces = next.values()
    const port = await serve(mount, async () => {
      const body = new ReadableStream<Uint8Array>(
        {
          async pull(controller) {
            const piece = pieces.next().value
            if (piece) controller.enqueue(bytes(await piece.promise))
            else controller.close()
          },
        },
        { highWaterMark: 0 },
      )
      return new Response(body, { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-cache, no-transform' } })
    })
    const response = await fetch(`http://127.0.0.1:${port}${BASE}/x`, json('{}'))
    const read = readerOf(response)
    for (const [index, piece] of next.entries()) {
      piece.resolve(`piece ${index}`)
      expect(await read()).toBe(`piece ${index}`)
    }
    expect(await read()).toBe(null)
  })

  test('a body that breaks is an error to who reads it, and says nothing of why', async () => {
    const port = await serve(mount, async () => brokenAfter('first'))
    const response = await fetch(`http://127.0.0.1:${port}${BASE}/x`, json('{}'))
    await expect(response.text()).rejects.toThrow('terminated')
    const raw = await talk(port, `GET ${BASE}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(raw).toMatch(/^HTTP\/1.1 200 /)
    expect(raw).not.toContain('secret')
    expect(raw).not.toContain('\r\n0\r\n')
  })

  test('what fails before its header says nothing of why', async () => {
    const port = await serve(mount, async () => {
      throw new Error('secret cause')
    })
    const raw = await talk(port, `GET ${BASE}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(raw).not.toContain('secret')
    expect(raw).not.toMatch(/^HTTP\/1.1 2/)
  })

  test('a reader who goes ends the body, and aborts the request', async () => {
    const cancelled = Promise.withResolvers<void>()
    const aborted = Promise.withResolvers<void>()
    const port = await serve(mount, async (request) => {
      request.signal.addEventListener('abort', () => aborted.resolve())
      return new Response(new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(bytes('first')), cancel: () => cancelled.resolve() }))
    })
    const going = new AbortController()
    const response = await fetch(`http://127.0.0.1:${port}${BASE}/x`, { ...json('{}'), signal: going.signal })
    await readerOf(response)()
    going.abort()
    await expect(Promise.all([cancelled.promise, aborted.promise])).resolves.toHaveLength(2)
  })

  test('a reader who does not read is not written to', async () => {
    const all = 400
    let pulled = 0
    const cancelled = Promise.withResolvers<void>()
    const whole = Promise.withResolvers<void>()
    const port = await serve(mount, async () => {
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if ((pulled += 1) <= all) return controller.enqueue(new Uint8Array(100_000))
            whole.resolve()
            controller.close()
          },
          cancel: () => cancelled.resolve(),
        },
        { highWaterMark: 0 },
      )
      return new Response(body)
    })
    const asked = nodeRequest({ host: '127.0.0.1', port, path: `${BASE}/x` }).end()
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    await Promise.race([whole.promise, delay(200)]) // one that waits for nobody is done long before
    expect(pulled).toBeLessThan(all)
    response.destroy()
    await cancelled.promise
  })

  test('keeps the connection for the next request', async () => {
    const port = await serve(mount, echo)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = async () => {
      const asked = nodeRequest({ agent, host: '127.0.0.1', port, path: `${BASE}/x`, method: 'POST', headers: { 'content-type': 'application/json' } }).end('{"a":1}')
      const [response] = (await once(asked, 'response')) as [IncomingMessage]
      return { body: JSON.parse(await text(response)) as unknown[], reused: asked.reusedSocket }
    }
    const [first, second] = [await ask(), await ask()]
    agent.destroy()
    expect([first.body.at(-1), second.body.at(-1)]).toEqual(['{"a":1}', '{"a":1}'])
    expect([first.reused, second.reused]).toEqual([false, true])
  })

  test('HEAD has the headers and no body', async () => {
    const port = await serve(mount, async () => new Response('body', { headers: { 'x-one': '1' } }))
    const raw = await talk(port, `HEAD ${BASE}/x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(raw).toMatch(/^HTTP\/1.1 200 /)
    expect(raw).toContain('x-one: 1\r\n')
    expect(raw.split('\r\n\r\n')[1]).toBe('')
  })
})

describe('Express', () => {
  const belowJson: Mount['open'] = (ambit) => openExpress((app) => app.use(express.json({ limit: 1_000 })).use(BASE, toExpress(ambit)))

  test('what express.json() refuses never reaches Ambit: the answer is the one of Express', async () => {
    let reached = 0
    const port = await serve({ open: belowJson }, async () => {
      reached += 1
      return new Response(null)
    })
    const post = async (body: string) => (await fetch(`http://127.0.0.1:${port}${BASE}/x`, json(body))).status
    expect([await post('{'), await post(JSON.stringify({ long: 'x'.repeat(2_000) }))]).toEqual([400, 413])
    expect(reached).toBe(0)
  })

  test('a body that somebody above has read and thrown away is a fault, and not an empty one', async () => {
    let reached = 0
    const faults: unknown[] = []
    const open: Mount['open'] = (ambit) =>
      openExpress((app) =>
        app
          .use((request, _response, next) => void request.resume().once('end', next))
          .use(BASE, toExpress(ambit))
          .use((error: Error, _request: unknown, response: express.Response, _next: unknown) => {
            faults.push(error.message)
            response.sendStatus(500)
          }))
    const port = await serve({ open }, async () => {
      reached += 1
      return new Response(null)
    })
    const statuses = [await fetch(`http://127.0.0.1:${port}${BASE}/x`, json('{"a":1}')), await fetch(`http://127.0.0.1:${port}${BASE}/x`, { method: 'POST' })]
    expect(statuses.map(({ status }) => status)).toEqual([500, 200])
    expect(faults).toEqual([expect.stringContaining('Mount Ambit above that')])
    expect(reached).toBe(1)
  })

  // As one that is nested more deeply than an older Node can follow.
  test('a body that cannot be written as JSON again is refused', async () => {
    const reviver = (_: string, value: unknown) => (typeof value === 'number' ? BigInt(value) : value)
    const open: Mount['open'] = (ambit) => openExpress((app) => app.use(express.json({ reviver })).use(BASE, toExpress(ambit)).use(quiet))
    const port = await serve({ open }, async () => new Response(null))
    expect((await fetch(`http://127.0.0.1:${port}${BASE}/x`, json('[1]'))).status).toBe(400)
  })

  /** As an app answers errors that have a status. */
  function quiet(error: { status?: number }, _request: unknown, response: express.Response, _next: unknown): void {
    response.sendStatus(error.status ?? 500)
  }
})

test('Fastify: what the host’s hooks said is said in Ambit’s answers, too', async () => {
  const mount = mounts.find(({ name }) => name === 'Fastify')
  if (!mount) throw new Error('There is no Fastify.')
  const port = await serve(mount, echo)
  const response = await fetch(`http://127.0.0.1:${port}${BASE}/x`)
  expect(response.headers.get('x-host')).toBe('said')
  await response.body?.cancel()
})

test('Fastify: a time limit of its own for handlers does not cut an answer', async () => {
  const app = fastify({ handlerTimeout: 20 })
  await app.register(toFastify({ fetch: async () => new Response(await delay(100, 'Whole.')) }), { prefix: BASE })
  await app.listen({ host: '127.0.0.1', port: 0 })
  mounted.push({ port: 0, close: () => app.close() })
  const response = await fetch(`${app.listeningOrigin}${BASE}/x`)
  expect([response.status, await response.text()]).toEqual([200, 'Whole.'])
})

function brokenAfter(words: string): Response {
  let pulls = 0
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if ((pulls += 1) === 1) return controller.enqueue(bytes(words))
        await delay(10) // the first piece is on its way by then
        controller.error(new Error('secret cause'))
      },
    },
    { highWaterMark: 0 },
  )
  return new Response(body)
}

/** Reads piece by piece; null at the end. */
function readerOf(response: Response): () => Promise<string | null> {
  const reader = response.body?.getReader()
  return async () => {
    const read = await reader?.read()
    return read?.value ? new TextDecoder().decode(read.value) : null
  }
}

/** What a raw connection gets for these bytes. */
async function talk(port: number, words: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let got = ''
  socket.on('data', (data: Buffer) => (got += data.toString()))
  socket.on('error', () => {}) // a reset is one of the answers
  socket.write(words)
  const closed = Promise.withResolvers<void>()
  socket.once('close', () => closed.resolve())
  await closed.promise // `once` would reject for the reset
  return got
}
