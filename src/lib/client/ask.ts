import { AmbitError, hasType, readRefusal, unreadable } from './ambit-error.ts'
import { resolveGiven } from './transport-options.ts'
import type { AmbitTransportOptions } from './transport-options.ts'

/** One request of the transport. */
export interface Question {
  readonly method: 'GET' | 'POST'
  readonly path: string
  /** What a good answer holds. To a GET, no content (204) is one, too. */
  readonly wants: 'text/event-stream' | 'application/json'
  readonly body?: unknown
  /** Of this request, over those of the transport. */
  readonly headers?: RequestInit['headers'] | undefined
  readonly lastEventId?: string | null
  readonly signal?: AbortSignal
  /** Goes on when the page goes. */
  readonly keepalive?: boolean
}

/** Asks, and gives the answer if it is a good one. All else is thrown as an `AmbitError`. */
export async function ask(options: AmbitTransportOptions, question: Question): Promise<Response> {
  const { method, path, body, signal, keepalive } = question
  const send = options.fetch ?? globalThis.fetch
  const init: RequestInit = {
    method,
    headers: await headersOf(options, question),
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(options.credentials && { credentials: options.credentials }),
    ...(signal && { signal }),
    ...(keepalive && { keepalive }),
  }
  let response: Response
  try {
    response = await send(baseOf(options) + path, init)
  } catch (error) {
    signal?.throwIfAborted()
    throw new AmbitError({ code: 'unreachable', detail: 'The server cannot be reached. Check the connection and try again.', cause: error })
  }
  const good = (response.status === 204 && method === 'GET') || (response.ok && hasType(response, question.wants))
  if (!good) throw await readRefusal(response)
  return response
}

/** Asks for JSON, and gives what it holds. */
export async function askJson(options: AmbitTransportOptions, question: Omit<Question, 'wants'>): Promise<unknown> {
  const response = await ask(options, { ...question, wants: 'application/json' })
  try {
    return await response.json()
  } catch (error) {
    question.signal?.throwIfAborted()
    throw unreadable(response, error)
  }
}

async function headersOf(options: AmbitTransportOptions, { headers, body, lastEventId }: Question): Promise<Headers> {
  const all = new Headers(await resolveGiven(options.headers))
  for (const [name, value] of new Headers(headers)) all.set(name, value)
  if (body !== undefined) all.set('content-type', 'application/json')
  if (lastEventId) all.set('last-event-id', lastEventId)
  return all
}

function baseOf({ url, org, project }: AmbitTransportOptions): string {
  const base = url.endsWith('/') ? url.slice(0, -1) : url
  if (org === undefined) return base
  return `${base}/v1/orgs/${encodeURIComponent(org)}${project === undefined ? '' : `/projects/${encodeURIComponent(project)}`}`
}

export function pathOf(chatId: string, end: 'stream' | 'stop'): string {
  return `/chat/${segmentOf(chatId)}/${end}`
}

export function pathOfMessages(chatId: string, after: string | null): string {
  return `/threads/${segmentOf(chatId)}/messages?branch=chosen&limit=200${after === null ? '' : `&after=${encodeURIComponent(after)}`}`
}

/** A dot or two would be taken for a step in the path, also when they are escaped. */
function segmentOf(chatId: string): string {
  if (chatId === '.' || chatId === '..') {
    throw new AmbitError({ code: 'malformed', detail: 'The id of a chat cannot be "." or "..". Choose another.' })
  }
  return encodeURIComponent(chatId)
}
