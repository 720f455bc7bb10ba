import { MAX_DEPTH, isShallow } from '../limits/is-shallow.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'

/** A JSON body of at most `maxBytes`, or why it is none. What is over the bound is never read. */
export async function readJson(request: Request, maxBytes: number): Promise<{ readonly ok: true; readonly value: unknown } | Refusal> {
  if (!/^application\/json\b/i.test(request.headers.get('content-type') ?? '')) {
    return refuse('malformed', 'Send the body as JSON, with "content-type: application/json".')
  }
  const text = await readText(request, maxBytes)
  if (typeof text !== 'string') return text
  const parsed = parse(text)
  if (!parsed.ok) return refuse('malformed', 'The body is not valid JSON.')
  if (!isShallow(parsed.value)) return refuse('malformed', `The JSON is nested too deeply (${MAX_DEPTH} levels at the most).`)
  return parsed
}

function parse(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  try {
    return { ok: true, value: JSON.parse(text) as unknown }
  } catch {
    return { ok: false } // what a client sends is outside
  }
}

async function readText(request: Request, maxBytes: number): Promise<string | Refusal> {
  if (!request.body) return ''
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const pieces: string[] = []
  let bytes = 0
  const reader = request.body.getReader()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      bytes += read.value.byteLength
      if (bytes > maxBytes) {
        await reader.cancel()
        return refuse('too_large', `The body is larger than ${maxBytes} bytes. Send the last message only.`, { limit: maxBytes })
      }
      pieces.push(decoder.decode(read.value, { stream: true }))
    }
    return pieces.join('') + decoder.decode()
  } catch (error) {
    if (error instanceof TypeError) return refuse('malformed', 'The body is not valid UTF-8.')
    throw error
  }
}
