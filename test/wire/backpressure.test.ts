import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createLog } from '../../src/index.ts'
import { sse } from '../../src/lib/http/respond.ts'
import type { Frame } from '../../src/lib/journal/journal.ts'
import { toNodeListener } from '../../src/node.ts'

const FRAMES = 3_000
const FRAME_BYTES = 64_000
const TEXT = `id: r.1.1\ndata: ${'x'.repeat(FRAME_BYTES - 18)}\n\n`
const log = createLog({ level: 'silent', destination: new PassThrough() })

/** A run of 192 MB, and how much of it was asked for. */
function longRun() {
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
  return { state, fetch: async () => sse(frames, { runId: 'r', requestId: 'q', heartbeatMs: 60_000, log }) }
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
  return { client, socket: sockets[0] }
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
  const response = sse(silent, { runId: 'r', requestId: 'q', heartbeatMs: 60_000, log })
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

