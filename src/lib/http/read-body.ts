import { setImmediate as nextTurn } from 'node:timers/promises'
import { MAX_DEPTH, MAX_KEYS } from '../limits/is-shallow.ts'
import { refuse } from '../scope/refusal.ts'
import type { Refusal } from '../scope/refusal.ts'
import { refuseMediaType } from './media-type.ts'
import { pointerOf } from './pointer.ts'
import type { Path } from './pointer.ts'
import type { Fault, JsonScan } from './scan-json.ts'
import { createUtf8Scan } from './scan-utf8.ts'

/** Where the bytes of a body go: a scan that keeps what is wanted of it. */
export interface Sink extends JsonScan {
  /** Where the scan stands: the nearest place that it knows by name. */
  place(): Path
}

/** What is read before the event loop gets its turn: under a millisecond of work. */
const SLICE_BYTES = 65_536
/** What a chunk costs besides its bytes: many small ones must not go without a turn. */
const CHUNK_BYTES = 512

const WORDS: Readonly<Record<Fault['reason'], string>> = {
  not_json: 'The body is not valid JSON.',
  too_deep: `The JSON is nested too deeply (${MAX_DEPTH} levels at the most).`,
  too_many_keys: `The object has too many keys (${MAX_KEYS} at the most).`,
  cut: 'The body is not valid JSON: it ends too early.',
}

/** Passes a JSON body of at most `maxBytes` to the sink, or says why it is none. What is over the bound is never read. */
export async function readBody(request: Request, maxBytes: number, sink: Sink): Promise<Refusal | null> {
  const refused = refuseMediaType(request.headers)
  if (refused) return refused
  if (Number(request.headers.get('content-length')) > maxBytes) return tooLarge(maxBytes)
  if (!request.body) return faultOf({ reason: 'cut', offset: 0 }, sink)
  const reader = request.body.getReader()
  const refusal = await passAll(reader, maxBytes, sink)
  // A body that has broken cannot be given up; that it broke is what is answered.
  if (refusal) await reader.cancel().catch(() => {})
  return refusal
}

async function passAll(reader: ReadableStreamDefaultReader<Uint8Array>, maxBytes: number, sink: Sink): Promise<Refusal | null> {
  const utf8 = createUtf8Scan()
  let bytes = 0
  let work = 0
  for (let chunk = await nextChunk(reader); chunk !== 'end'; chunk = await nextChunk(reader)) {
    if (chunk === 'broken') return refuse('malformed', 'The body broke off before its end. Send it again.')
    bytes += chunk.length
    if (bytes > maxBytes) return tooLarge(maxBytes)
    work += CHUNK_BYTES
    let at = 0
    do {
      const slice = chunk.subarray(at, at + SLICE_BYTES)
      if (!utf8.feed(slice)) return notUtf8()
      const fault = sink.feed(slice)
      if (fault) return faultOf(fault, sink)
      at += SLICE_BYTES
      work += slice.length
      if (work >= SLICE_BYTES) {
        work = 0
        await nextTurn()
      }
    } while (at < chunk.length)
  }
  if (!utf8.end()) return notUtf8()
  const fault = sink.end()
  return fault && faultOf(fault, sink)
}

async function nextChunk(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<Uint8Array | 'end' | 'broken'> {
  try {
    const { done, value } = await reader.read()
    return done ? 'end' : value
  } catch {
    return 'broken' // whoever sends it has gone, which is no fault of this side
  }
}

function faultOf({ reason, offset }: Fault, sink: Sink): Refusal {
  const words = offset === 0 && reason === 'cut' ? 'The body is empty. Send JSON.' : WORDS[reason]
  return refuse('malformed', words, { pointer: pointerOf(sink.place()), offset })
}

function notUtf8(): Refusal {
  return refuse('malformed', 'The body is not valid UTF-8.')
}

function tooLarge(maxBytes: number): Refusal {
  return refuse('too_large', `The body is larger than ${maxBytes} bytes. Send less: of a chat, the last message only.`, { limit: maxBytes })
}
