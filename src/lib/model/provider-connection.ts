import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { createResponseBound } from './response-bound.ts'
import type { ResponseBound } from './response-bound.ts'

export interface ProviderRequest {
  readonly url: URL
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  readonly signal: AbortSignal | null
}

/** What a provider answered. The body is pulled: nothing is read ahead but what the socket holds. */
export interface ProviderAnswer {
  readonly status: number
  /** Those that anybody reads. */
  readonly headers: Readonly<Record<string, string>>
  /** The next bytes, as they came; null at the end. Rejects where it breaks off or is too large, and with the signal's reason. */
  read(): Promise<Uint8Array | null>
  /** Its beginning as text, for a body that is not what was asked for. It goes into a log, so the key does not stay in it. */
  words(): Promise<string>
  /** Closes the connection, unless the answer was read to its end. */
  close(): void
}

export type ProviderConnection = (request: ProviderRequest) => Promise<ProviderAnswer>

export interface ProviderConnectionOptions {
  /** Taken out of what the provider answers when it refuses: some repeat the key. */
  readonly secret?: string | undefined
  /** Bytes of one event, and of a whole answer. */
  readonly eventBytes?: number
  readonly answerBytes?: number
  readonly connectMs?: number
}

const CONNECT_MS = 5_000
const EVENT_BYTES = 4_000_000
const ANSWER_BYTES = 64_000_000
const WORDS_BYTES = 64_000

/** Many servers close an idle connection after 5 s, and not all of them say so: a call on it would be lost. */
const IDLE_MS = 4_000

const HEADERS = ['content-type', 'date', 'retry-after', 'retry-after-ms', 'x-request-id', 'request-id']

const KEEP = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' } as const

/**
 * A provider's server over node:http, with connections that are kept: the global `fetch` costs 1.8 to 2.5 times the CPU,
 * follows redirects (with the key), and reads events of any size. What it does not do: redirects, which are an error;
 * compression, which it does not ask for; proxies named by the environment.
 */
export function connectProvider(options: ProviderConnectionOptions = {}): ProviderConnection {
  const agents = { 'http:': new HttpAgent(KEEP), 'https:': new HttpsAgent(KEEP) }
  const send = ({ url, method, body, ...asked }: ProviderRequest): ClientRequest => {
    const headers = { ...asked.headers, 'accept-encoding': 'identity', 'content-length': String(Buffer.byteLength(body)) }
    const settings = { method, headers, ...(asked.signal && { signal: asked.signal }) }
    const secure = url.protocol === 'https:'
    const request = secure ? httpsRequest(url, { ...settings, agent: agents['https:'] }) : httpRequest(url, { ...settings, agent: agents['http:'] })
    limitConnecting(request, options.connectMs ?? CONNECT_MS)
    request.end(body)
    return request
  }
  return async (asked) => {
    const message = await answerTo(send, asked)
    demandNoRedirect(message)
    const bound = createResponseBound({ eventBytes: options.eventBytes ?? EVENT_BYTES, answerBytes: options.answerBytes ?? ANSWER_BYTES })
    return {
      status: message.statusCode ?? 0,
      headers: headersOf(message),
      read: readerOf(message, asked.signal, bound),
      words: () => wordsOf(message, asked.signal, options.secret),
      close: () => void message.destroy(),
    }
  }
}

/** A kept connection may be closed by the other side in the moment in which it is used again: then once more, on a new one. */
async function answerTo(send: (asked: ProviderRequest) => ClientRequest, asked: ProviderRequest): Promise<IncomingMessage> {
  asked.signal?.throwIfAborted()
  for (;;) {
    const request = send(asked)
    try {
      return await headOf(request)
    } catch (error) {
      asked.signal?.throwIfAborted()
      if (!request.reusedSocket || (error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    }
  }
}

function headOf(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.once('response', resolve)
    request.on('error', reject) // for good: an error after the response is the response's, and must not be nobody's
  })
}

/** Names, connection and TLS together. */
function limitConnecting(request: ClientRequest, ms: number): void {
  request.once('socket', (socket) => {
    if (!socket.connecting) return
    const late = () => request.destroy(Object.assign(new Error(`The provider could not be reached within ${ms} ms.`), { code: 'ETIMEDOUT' }))
    const timer = setTimeout(late, ms)
    const done = () => clearTimeout(timer)
    socket.once('encrypted' in socket ? 'secureConnect' : 'connect', done).once('close', done)
  })
}

function demandNoRedirect(message: IncomingMessage): void {
  const { statusCode: status = 0 } = message
  if (status >= 200 && (status < 300 || status >= 400) && status < 600) return
  message.destroy()
  throw new Error(`The provider answered ${status}. Redirects are not followed: its base URL must be the address that answers.`)
}

function headersOf(message: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const name of HEADERS) {
    const value = message.headers[name]
    if (typeof value === 'string') headers[name] = value
  }
  return headers
}

const closedEarly = () => Object.assign(new Error('The provider closed the connection.'), { code: 'ECONNRESET' })

function readerOf(message: IncomingMessage, signal: AbortSignal | null, bound: ResponseBound): () => Promise<Uint8Array | null> {
  let wake = () => {}
  const settle = () => wake()
  message.on('readable', settle).on('end', settle).on('error', settle).on('close', settle)
  return async () => {
    for (;;) {
      const chunk = message.read() as Buffer | null
      if (chunk) {
        const broken = bound.take(chunk)
        if (!broken) return chunk
        message.destroy()
        throw broken
      }
      if (message.readableEnded) return null
      if (message.errored || message.closed) throw signal?.aborted ? signal.reason : (message.errored ?? closedEarly())
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}

async function wordsOf(message: IncomingMessage, signal: AbortSignal | null, secret: string | undefined): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > WORDS_BYTES) break // which closes the connection
    }
  } catch {
    // The status says enough: what it said before the connection broke is all there is.
    signal?.throwIfAborted()
  }
  const text = Buffer.concat(chunks).toString()
  return secret === undefined ? text : text.replaceAll(secret, '[key]')
}
