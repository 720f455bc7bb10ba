import type { Refusal } from '../scope/refusal.ts'
import { createCapture } from './capture.ts'
import { parsePiece } from './parse-piece.ts'
import { readBody } from './read-body.ts'
import { createJsonScan } from './scan-json.ts'

/** A JSON body of at most `maxBytes` as a value, or why it is none. */
export async function readJson(request: Request, maxBytes: number): Promise<{ readonly ok: true; readonly value: unknown } | Refusal> {
  const whole = createCapture(maxBytes)
  const scan = createJsonScan({
    begin: (depth, at, keys) => depth === 0 && whole.begin(at, keys),
    end: (depth, at, keys) => depth === 0 && whole.end(at, keys),
    beginKey() {},
    endKey() {},
  })
  const refusal = await readBody(request, maxBytes, {
    feed(bytes) {
      const fault = scan.feed(bytes)
      whole.keep(bytes)
      return fault
    },
    end: scan.end,
    place: () => [],
  })
  return refusal ?? parsePiece(whole.piece(), [])
}
