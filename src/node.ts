import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'

const HEADERS_MS = 10_000
const REQUEST_MS = 30_000
/** How often the two are looked at: Node does so every 30 s, by which a slow request may last twice as long. */
const CHECK_MS = 5_000
const HEADER_BYTES = 16_384
const DISCARDED_BYTES = 32_000_000
const DISCARD_MS = 5_000
/** How long a reader may leave what was written to it untaken. */
const STALL_MS = 30_000

/** An Ambit, or something in front of one that asks who connected: what the socket says, which no header can claim. */
export interface Fetch {
  fetch(request: Request, peer: { readonly address: string | undefined }): Promise<Response>
}

/** What a framework in front of the listener has taken from the message; absent, it stands as it came. */
export interface Taken {
  /** The whole address, where `url` was cut to what is below a mount. */
  readonly url?: string | undefined
  /** The body, where it was read. */
  readonly body?: Uint8Array | undefined
}

/**
 * An Ambit as a listener for `node:http`. Written here and not taken from a package, because what happens at the end of
 * a stream is a promise of Ambit: the socket pulls, a body that breaks or is not taken resets the connection (a clean end
 * would read as a whole answer), and no error text reaches the client.
 */
export function toNodeListener(
  ambit: Fetch,
  takenFrom: (incoming: IncomingMessage) => Taken = () => ({}),
): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  return (incoming, outgoing) => {
    const taken = takenFrom(incoming) // what it throws is the framework's, who called
    answer(ambit, { incoming, outgoing, taken }).catch((error: unknown) => {
      breakOff(outgoing, error)
    })
  }
}

/** Listens, and resolves when connections are taken. Rejects where the port is taken. */
export function listen(ambit: Fetch, { host, port }: { host: string; port: number }): Promise<Server> {
  const options = { headersTimeout: HEADERS_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: CHECK_MS, maxHeaderSize: HEADER_BYTES }
  const server = createServer(options, toNodeListener(ambit))
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

interface Call {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
  readonly taken: Taken
}

async function answer(ambit: Fetch, { incoming, outgoing, taken }: Call): Promise<void> {
  const gone = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  const request = requestOf(incoming, taken, gone.signal)
  if (!request) return void outgoing.writeHead(400, { connection: 'close' }).end()
  const response = await ambit.fetch(request, { address: incoming.socket.remoteAddress })
  if (!incoming.complete) await discard(incoming, outgoing)
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (!response.body) return void outgoing.end()
  outgoing.flushHeaders()
  await pump(response.body, outgoing)
}

/** Null where the request line or a header is nothing that a Request can hold. */
function requestOf(incoming: IncomingMessage, taken: Taken, signal: AbortSignal): Request | null {
  const method = incoming.method ?? 'GET'
  const body = method === 'GET' || method === 'HEAD' ? null : (taken.body ?? bodyOf(incoming))
  try {
    return new Request(urlOf(incoming, taken.url), { method, headers: headersOf(incoming), signal, body, duplex: 'half' })
  } catch {
    return null
  }
}

/** The host is what the Host header says: a request line that begins with `//`, or names another one, chooses none. */
function urlOf({ url = '', headers }: IncomingMessage, whole = url): string {
  const { origin } = new URL(`http://${headers.host ?? headers[':authority'] ?? 'localhost'}`)
  const absolute = /^https?:\/\//i.test(whole) ? new URL(whole) : null
  const path = absolute ? absolute.pathname + absolute.search : whole
  if (!path.startsWith('/')) throw new Error('This request line names no path.')
  return origin + path
}

/** As they were sent, but for those that HTTP/2 makes of the request line. */
function headersOf({ rawHeaders }: IncomingMessage): [string, string][] {
  const headers: [string, string][] = []
  for (let place = 0; place < rawHeaders.length; place += 2) {
    const [name = '', value = ''] = rawHeaders.slice(place, place + 2)
    if (!name.startsWith(':')) headers.push([name, value])
  }
  return headers
}

/** The body as it is asked for. Giving it up does not end the connection: the answer still has to go out on it. */
function bodyOf(incoming: IncomingMessage): ReadableStream<Uint8Array> {
  const chunks = incoming.iterator({ destroyOnReturn: false }) as AsyncIterator<Uint8Array>
  return new ReadableStream(
    {
      async pull(controller) {
        const { done, value } = await chunks.next()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      async cancel() {
        await chunks.return?.()
      },
    },
    { highWaterMark: 0 },
  )
}

/**
 * Lets go by what nobody read, before the answer: a client that is still sending does not listen, and a connection
 * closed over unread bytes is reset with the answer in it. Bounded in bytes and time; then the connection is done.
 */
function discard(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  outgoing.shouldKeepAlive = false
  return new Promise((resolve) => {
    let left = DISCARDED_BYTES
    const done = () => {
      clearTimeout(timer)
      incoming.off('data', count).off('end', done).off('close', done)
      resolve()
    }
    const count = (chunk: Uint8Array) => {
      left -= chunk.length
      if (left < 0) done()
    }
    const timer = setTimeout(done, DISCARD_MS)
    incoming.on('data', count).on('end', done).on('close', done)
    incoming.resume()
    if (incoming.readableEnded || incoming.destroyed) done()
  })
}

/**
 * Writes as fast as the reader takes it: what waits is one piece. A reader who goes ends the body; a body that breaks rejects,
 * and breaks the connection also while the reader does not take what came before.
 */
async function pump(body: ReadableStream<Uint8Array>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader()
  // Cancelling a body that has just failed rejects with that failure, which the read below reports.
  const cancel = () => void reader.cancel().catch(() => {})
  outgoing.once('close', cancel)
  if (outgoing.destroyed) cancel()
  reader.closed.catch((error: unknown) => breakOff(outgoing, error))
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    if (!outgoing.write(read.value)) await drained(outgoing)
  }
  outgoing.off('close', cancel)
  outgoing.end()
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => breakOff(outgoing, new Error('The reader took nothing.')), STALL_MS)
    const done = () => {
      clearTimeout(timer)
      outgoing.off('drain', done)
      outgoing.off('close', done)
      resolve()
    }
    outgoing.on('drain', done)
    outgoing.on('close', done)
    if (outgoing.destroyed) done()
  })
}

/**
 * Ends the connection so that nobody takes it for the end of the answer. By a reset, where there is TCP to reset: to a client
 * (or a proxy) of HTTP/1.0 a connection that is closed is a body that is whole, and what the kernel holds for a reader who
 * does not read is let go of at once. HTTP/2 resets the stream; TLS and pipes have no more than a close without a last chunk.
 */
function breakOff(outgoing: ServerResponse, error: unknown): void {
  const { socket } = outgoing
  if (outgoing.req.httpVersionMajor === 1 && socket?.remoteFamily !== undefined && !('encrypted' in socket)) socket.resetAndDestroy()
  else outgoing.destroy(error instanceof Error ? error : undefined)
}
