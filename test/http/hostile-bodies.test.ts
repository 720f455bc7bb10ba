import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { toNodeListener } from '../../src/node.ts'
import { APOLLO, question, readStream } from '../support/client.ts'
import type { TestAmbit } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, logged, serve, useStage } from '../support/stage.ts'
import type { Served } from '../support/stage.ts'

const ERROR = 50
const good = (thread = freshThread()) => JSON.stringify(question(thread, 'Hello', 'm1'))

describe.each(databaseKinds)('a hostile body at the socket, on $name', (kind) => {
  const stage = useStage(kind)
  let running: TestAmbit
  let server: Served

  beforeEach(async () => {
    running = stage.start({ model: scriptedModel(says('Hi.')) })
    server = await serve(running.ambit)
    onTestFinished(() => server.close())
  })

  const headers = () => ({ authorization: `Bearer ${stage.world.keys.bob}`, 'content-type': 'application/json' })

  function post(body: BodyOf, more: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${server.url}${APOLLO}/chat`, { method: 'POST', headers: { ...headers(), ...more }, body })
  }

  /** Opens a connection and sends the head of a chat request with these lines, and these bytes after it. */
  function send(lines: readonly string[], bytes: string | Uint8Array, port = server.port): Socket {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {}) // a reset is one of the answers
    const head = [`POST ${APOLLO}/chat HTTP/1.1`, 'Host: ambit.test', ...Object.entries(headers()).map(([name, value]) => `${name}: ${value}`), ...lines]
    socket.write(`${head.join('\r\n')}\r\n\r\n`)
    socket.write(bytes)
    return socket
  }

  /** All that comes until the connection is closed. */
  async function readAll(socket: Socket): Promise<string> {
    let text = ''
    socket.on('data', (data: Buffer) => (text += data.toString()))
    await closeOf(socket)
    return text
  }

  /** No fault in the log, and the next question is answered. */
  async function expectUnharmed(): Promise<void> {
    expect(running.lines.filter((line) => Number(line['level']) >= ERROR)).toEqual([])
    const { done } = await readStream(await post(good()))
    expect(done).toBe(true)
  }

  const many = (open: string, close: string, times: number) => open.repeat(times) + close.repeat(times)
  test('no text is a fault of the server', async () => {
    const hostile: readonly (readonly [BodyOf, number])[] = [
      ['', 400], [' ', 400], ['null', 400], ['0', 400], ['""', 400], ['[]', 400], ['{}', 400], ['{"id":"a"', 400], ['\0', 400],
      [many('[', ']', 100_000), 400], [many('{"a":', '}', 100_000), 400], [`{"messages":${many('[', ']', 64)}}`, 400], ['['.repeat(300_000), 400],
      [`{${'"a":0,'.repeat(100_000)}"b":0}`, 400], [`{"messages":[${'0,'.repeat(300_000)}0]}`, 400], [`[${'{},'.repeat(300_000)}0]`, 400],
      [`{"message":{${Array.from({ length: 60_000 }, (_, index) => `"${index}":0`).join()}}}`, 400],
      [`{"message":{"role":"user","parts":[${'0,'.repeat(400_000)}0]}}`, 400], [`{"messages":[${'9'.repeat(900_000)}]}`, 400],
      ['{"__proto__":{"id":"a"}}', 400], ['{"constructor":{"prototype":{}},"toString":1,"hasOwnProperty":1}', 400], ['{"messages":{"length":-1}}', 400],
      [`{"message":{"role":"user","parts":[{"type":"text","text":"${'x'.repeat(1_000_001)}"}]}}`, 413],
      [`{"message":{"role":"user","parts":[{"type":"text","text":"${'x'.repeat(100_001)}"}]}}`, 413],
      ['x'.repeat(17_000_000), 413],
      [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 400], [Buffer.from('{"a":1}', 'utf16le'), 400], [Buffer.from([0xef, 0xbb, 0xbf]), 400],
    ]
    for (const [body, status] of hostile) {
      const response = await post(body)
      const problem = (await response.json()) as { code: string }
      expect([typeof body === 'string' ? body.slice(0, 60) : body, response.status, problem.code]).toEqual([
        typeof body === 'string' ? body.slice(0, 60) : body, status, status === 413 ? 'too_large' : 'malformed',
      ])
    }
    await expectUnharmed()
  })

  test('a compressed body is refused and not inflated', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000, ' '))
    const response = await post(bomb, { 'content-encoding': 'gzip' })
    expect([response.status, response.headers.get('accept-encoding'), response.headers.get('accept')]).toEqual([415, 'identity', 'application/json'])
    expect(await response.json()).toMatchObject({ code: 'unsupported_media_type', status: 415 })
    expect((await post(bomb)).status).toBe(400)
    await expectUnharmed()
  })

  test('a body longer than it was announced is cut there, and the rest is no request', async () => {
    const body = good()
    expect(await readAll(send([`Content-Length: ${body.length - 5}`], body))).toMatch(/^HTTP\/1\.1 400 /)
    const rest = await readAll(send([`Content-Length: ${body.length}`], `${body}\r\nGET / HTTP\r\n\r\n`))
    expect(rest).toMatch(/^HTTP\/1\.1 (200|400) /)
    await expectUnharmed()
  })

  test.each([
    ['two lengths', ['Content-Length: 5', 'Content-Length: 6']],
    ['a length below zero', ['Content-Length: -1']],
    ['a length that is no number', ['Content-Length: 0x10']],
    ['a length beside chunks', ['Content-Length: 5', 'Transfer-Encoding: chunked']],
    ['another transfer encoding', ['Transfer-Encoding: gzip']],
    ['chunks that are none', ['Transfer-Encoding: chunked']],
  ])('%s: 400, and the connection ends', async (_, lines) => {
    expect(await readAll(send(lines, 'zz\r\n{"a"}\r\n0\r\n\r\n'))).toMatch(/^HTTP\/1\.1 400 /)
    await expectUnharmed()
  })

  test('a body announced as larger than the door is refused, whatever of it comes', async () => {
    const socket = send(['Content-Length: 16000001'], '{"a":"')
    const answer = readAll(socket)
    await vi.waitFor(() => expect(running.lines.some((line) => line['status'] === 413)).toBe(true))
    socket.end()
    // It went before the answer could: either is an end.
    expect(await answer).toMatch(/^(HTTP\/1\.1 4(13|00) |$)/)
    await expectUnharmed()
  })

  test.each([
    ['closes its side', (socket: Socket) => void socket.end()],
    ['resets', (socket: Socket) => void socket.resetAndDestroy()],
  ])('a client that %s in mid-body is no fault, and no run', async (_, leave) => {
    const body = good()
    const socket = send([`Content-Length: ${body.length}`], body.slice(0, 40))
    await once(socket, 'connect')
    leave(socket)
    socket.resume()
    await closeOf(socket)
    const line = await logged(running.lines, 'request')
    expect(line).toMatchObject({ status: 400, org_slug: 'acme' })
    await expectUnharmed()
  })

  test('a body that never ends is given up with 408', async () => {
    const slow = createServer({ requestTimeout: 300, headersTimeout: 300, connectionsCheckingInterval: 30 }, toNodeListener(running.ambit))
    slow.listen(0, '127.0.0.1')
    await once(slow, 'listening')
    onTestFinished(async () => {
      slow.close()
      slow.closeAllConnections()
      await once(slow, 'close')
    })
    const { port } = slow.address() as AddressInfo
    for (const lines of [['Content-Length: 1000'], ['Transfer-Encoding: chunked']]) {
      expect(await readAll(send(lines, '2\r\n{"\r\n', port))).toMatch(/^HTTP\/1\.1 408 /)
    }
    await expectUnharmed()
  })
})

type BodyOf = string | Uint8Array<ArrayBuffer>

/** Also where it closes with an error, for which `once` would reject. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve())
  })
}
