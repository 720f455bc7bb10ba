import { STATUS_CODES } from 'node:http'
import type { ProviderAnswer, ProviderConnection, ProviderRequest } from './provider-connection.ts'

/** As `fetch`, for what the providers' packages ask of it. */
export type ProviderFetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A `fetch` for the providers' packages, over Ambit's own connections. A body is pulled by its reader. */
export function fetchOver(connection: ProviderConnection): ProviderFetch {
  return async (input, init = {}) => responseOf(await connection(requestOf(input, init)))
}

function requestOf(input: string | URL | Request, { method = 'GET', headers, body, signal }: RequestInit): ProviderRequest {
  if (input instanceof Request || !(body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array)) {
    throw new TypeError('This fetch takes an address and a text.')
  }
  return { url: new URL(input), method, headers: Object.fromEntries(new Headers(headers)), body: body ?? '', signal: signal ?? null }
}

async function responseOf(answer: ProviderAnswer): Promise<Response> {
  const { status, headers } = answer
  if (status >= 400) return new Response(await answer.words(), { status, statusText: STATUS_CODES[status] ?? '', headers })
  return new Response(status === 204 || status === 205 ? null : bodyOf(answer), { status, headers })
}

function bodyOf(answer: ProviderAnswer): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const chunk = await answer.read()
        if (chunk) controller.enqueue(chunk)
        else controller.close()
      },
      cancel: () => answer.close(),
    },
    { highWaterMark: 0 },
  )
}
