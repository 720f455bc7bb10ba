import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { sse } from '../../src/lib/http/respond.ts'
import type { OpenFrames } from '../../src/lib/http/respond.ts'
import type { Frame } from '../../src/lib/journal/journal.ts'
import { toNodeListener } from '../../src/node.ts'
import { streamTerms } from '../support/stream-terms.ts'

const FRAMES = 3_000
const FRAME_BYTES = 64_000
const TEXT = `id: r.1.1\ndata: ${'x'.repeat(FRAME_BYTES - 18)}\n\n`

/** A run of 192 MB, and how much of it was asked for. */
function longRun(terms = streamTerms()) {
  const state = { pulls: 0, ended: 0 }
  async function* frames(): AsyncGenerator<readonly Frame[]> {
    try {
      for (let seq = 1; seq <= FRAMES; seq += 1) {
        state.pulls += 1
        yield [{ fence: 1, seq, text: TEXT, terminal: seq === FRAMES, readSet: 1 }]
      }
    } finally {
      state.ended += 1
    }
  }
  return { state, fetch: async () => sse(frames, 'r', terms) }
}

async function serveRun(fetch: () => Promise<Response>) {
  const sockets: Socket[] = []
  const server = createServer(toNodeListener({ fetch }))
  server.on('connection', (socket) => sockets.push(socket))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
  })
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.pause()
  client.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  await vi.waitFor(() => expect(sockets[0]?.writableNeedDrain).toBe(true), { timeout: 10_000 })
  const [socket] = sockets
  if (!socket) throw new Error('Nobody connected.')
  return { client, socket }
}

/** The kernel's buffers fill for a while after the first full one: over when nothing was asked for in a whole while. */
async function settled(state: { readonly pulls: number }): Promise<number> {
  let before = -1
  await vi.waitFor(() => {
    const now = state.pulls
    const same = now === before
    before = now
    expect(same).toBe(true)
  }, { timeout: 10_000, interval: 150 })
  return state.pulls
}

test('a reader who does not read makes no pull; when it reads on, it gets every byte', async () => {
  const { state, fetch } = longRun()
  const { client } = await serveRun(fetch)
  const pulls = await settled(state)
  expect(pulls).toBeGreaterThan(0)
  expect(pulls).toBeLessThan(FRAMES / 4)
  let bytes = 0
  let tail = ''
  for await (const piece of client) {
    bytes += (piece as Buffer).length
    tail = (tail + String(piece)).slice(-100)
  }
  expect(state).toEqual({ pulls: FRAMES, ended: 1 })
  expect(bytes).toBeGreaterThan(FRAMES * FRAME_BYTES)
  expect(tail).toContain('data: [DONE]\n\n')
})

test('a reader who goes while nothing comes ends the source at once', async () => {
  const waiting = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  async function* silent(signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
    waiting.resolve()
    await once(signal, 'abort')
    ended.resolve()
    yield* []
  }
  const response = sse(silent, 'r', streamTerms())
  const reader = response.body?.getReader()
  await reader?.read()
  const next = reader?.read()
  await waiting.promise
  await reader?.cancel()
  await ended.promise
  expect(await next).toEqual({ done: true, value: undefined })
})

test('a reader who does not read and then goes ends the source', async () => {
  const { state, fetch } = longRun()
  const { client } = await serveRun(fetch)
  const pulls = await settled(state)
  client.resetAndDestroy()
  await vi.waitFor(() => expect(state.ended).toBe(1))
  expect(state.pulls).toBe(pulls)
})

function bodyOf(frames: OpenFrames, terms = streamTerms()): ReadableStream<Uint8Array> {
  const { body } = sse(frames, 'r', terms)
  if (!body) throw new Error('A stream has a body.')
  return body
}

/** One frame after the other, each a batch; the last ends the run. */
function run(...batches: (readonly string[])[]) {
  const last = batches.at(-1)?.at(-1)
  return async function* (): AsyncGenerator<readonly Frame[]> {
    for (const batch of batches) yield batch.map((text, index): Frame => ({ fence: 1, seq: index + 1, text, terminal: text === last, readSet: 1 }))
  }
}

/** Says nothing until the reader goes, or is let go. */
async function* nothing(signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
  await once(signal, 'abort')
  yield* []
}

test('what waits for a reader is one piece: a whole run in one batch, and a frame of a megabyte', async () => {
  const frames = [...Array.from({ length: 800 }, (_, index) => `id: r.1.${index}\ndata: ${'\u00e4'.repeat(5_000)}\n\n`), `data: ${'\u20ac'.repeat(400_000)}\n\n`, 'data: the end\n\n']
  const terms = streamTerms()
  const sizes: number[] = []
  const pieces: Uint8Array[] = []
  for await (const piece of bodyOf(run(frames), terms)) {
    sizes.push(piece.length)
    pieces.push(piece)
  }
  expect(Math.max(...sizes)).toBeLessThanOrEqual(65_536)
  expect(Buffer.concat(pieces).toString()).toBe(`: \n\n${frames.join('')}data: [DONE]\n\n`)
  expect(terms.ends).toEqual(['complete'])
})

test('a reader who takes nothing for a while is reset, in the middle of a frame and without an end', async () => {
  const terms = streamTerms({ stallMs: 300 })
  const { state, fetch } = longRun(terms)
  const { client, socket } = await serveRun(fetch)
  expect(socket.writableLength).toBeLessThan(1_000_000)
  await vi.waitFor(() => expect([terms.ends, state.ended, socket.destroyed]).toEqual([['stalled'], 1, true]), { timeout: 10_000 })
  let text = ''
  client.on('data', (bytes: Buffer) => (text = (text + bytes.toString()).slice(-1_000)))
  client.resume()
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  expect([error.code, text.endsWith('\r\n0\r\n\r\n'), text.includes('[DONE]')]).toEqual(['ECONNRESET', false, false])
})

test('a body that breaks resets also a client of HTTP/1.0, to which a close would be the end', async () => {
  async function* broken(): AsyncGenerator<readonly Frame[]> {
    yield [{ fence: 1, seq: 1, text: 'data: half\n\n', terminal: false, readSet: 1 }]
    await once(client, 'data')
  }
  const terms = streamTerms()
  const server = createServer(toNodeListener({ fetch: async () => sse(broken, 'r', terms) })).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  client.write('GET / HTTP/1.0\r\n\r\n')
  const [error] = (await once(client, 'error')) as [NodeJS.ErrnoException]
  expect([error.code, terms.ends]).toEqual(['ECONNRESET', ['cut']])
  server.close()
  await once(server, 'close')
})

test('a reader who waits for us is never slow: silence many times as long as that is no stall', async () => {
  const terms = streamTerms({ heartbeatMs: 30, stallMs: 10 })
  const reader = bodyOf(nothing, terms).getReader()
  for (let beat = 0; beat < 5; beat += 1) expect((await reader.read()).done).toBe(false)
  expect(terms.ends).toEqual([])
  await reader.cancel()
  expect(terms.ends).toEqual(['left'])
})

test('a reader who has waited for us for long, and then takes nothing more, is reset all the same', async () => {
  const terms = streamTerms({ heartbeatMs: 40, stallMs: 10 })
  const reader = bodyOf(nothing, terms).getReader()
  for (let beat = 0; beat < 3; beat += 1) await reader.read()
  await vi.waitFor(() => expect(terms.ends).toEqual(['stalled']))
  await expect(reader.read()).rejects.toThrow('stalled')
})

test.each([
  ['is not read at all', 0],
  ['is not read on', 1],
])('a body that %s is given up, in every host: its source ends, and its next read fails', async (_, reads) => {
  const terms = streamTerms({ heartbeatMs: 5, stallMs: 40 })
  const ended = Promise.withResolvers<void>()
  async function* source(signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
    yield [{ fence: 1, seq: 1, text: 'data: half\n\n', terminal: false, readSet: 1 }]
    await once(signal, 'abort')
    ended.resolve()
  }
  const reader = bodyOf(source, terms).getReader()
  for (let read = 0; read < reads; read += 1) await reader.read()
  await vi.waitFor(() => expect(terms.ends).toEqual(['stalled']))
  await expect(reader.read()).rejects.toThrow('stalled')
  ended.resolve()
  await ended.promise
})

test('a stream that is old is reset while its reader waits, and its source ends', async () => {
  const terms = streamTerms({ streamMs: 40 })
  const gone = Promise.withResolvers<void>()
  async function* source(signal: AbortSignal): AsyncGenerator<readonly Frame[]> {
    await once(signal, 'abort')
    gone.resolve()
    yield* []
  }
  const reader = bodyOf(source, terms).getReader()
  await reader.read()
  await expect(reader.read()).rejects.toThrow('expired')
  await gone.promise
  expect(terms.ends).toEqual(['expired'])
})
