import type { IncomingMessage, ServerResponse } from 'node:http'
import { toNodeListener } from './node.ts'
import type { Fetch, Taken } from './node.ts'

/** What Express and its body parsers add to a message: structural, so that any Express 4 or 5 (or connect) will do. */
type ExpressRequest = IncomingMessage & { readonly originalUrl?: string; readonly body?: unknown }

/**
 * An Ambit as a middleware: `app.use('/api/ambit', toExpress(ambit))`, where its `basePath` is `/api/ambit`. It may stand
 * below `express.json()`, `express.text()` or `express.raw()`: a body that they have read is put together again.
 */
export function toExpress(ambit: Fetch): (request: IncomingMessage, response: ServerResponse) => void {
  return toNodeListener(ambit, takenByExpress)
}

/** `url` lacks what `app.use` was given; Ambit is asked with the whole. */
function takenByExpress(request: ExpressRequest): Taken {
  return { url: request.originalUrl, body: request.readableDidRead || request.readableEnded ? bytesOf(request) : undefined }
}

/** Headers stand as they came: what Ambit refuses by them (a charset, a compression) it refuses here, too. */
function bytesOf({ body, headers }: ExpressRequest): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (typeof body === 'string') return Buffer.from(body)
  if (body !== undefined) return Buffer.from(textOf(body))
  if (headers['transfer-encoding'] === undefined && !Number(headers['content-length'])) return new Uint8Array()
  throw new Error('Something above Ambit has read the body and kept nothing of it in `request.body`. Mount Ambit above that.')
}

/** What is nested more deeply than JSON.stringify can follow is the client's fault: Express answers it as what its own parsers refuse. */
function textOf(body: unknown): string {
  try {
    return JSON.stringify(body)
  } catch (cause) {
    throw Object.assign(new Error('The body cannot be written as JSON.', { cause }), { status: 400 })
  }
}
