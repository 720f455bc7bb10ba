import { MAX_KEYS } from '../limits/is-shallow.ts'

const FIRST_BYTES = 256

/** The text of a value as it stood, or why it was not kept. */
export type Piece =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly reason: 'too_large' | 'too_many_keys'; readonly limit: number }

/** Keeps a copy of one value out of bytes that pass by: of the last one that was begun, and never more than its bound. */
export interface Capture {
  /** Indexes are of the bytes that the next `keep` gets. */
  begin(at: number, keys?: number): void
  end(at: number, keys?: number): void
  /** Takes over what lies in these bytes, before they are let go. Once for each piece, whatever began and ended in it. */
  keep(bytes: Uint8Array): void
  /** What is kept counts no more. */
  forget(): void
  /** Undefined where there was none. To be asked for after `keep`. */
  piece(): Piece | undefined
}

export function createCapture(maxBytes: number): Capture {
  let kept = Buffer.alloc(0)
  /** Of the whole value, also where that is over the bound and not kept. */
  let length = 0
  let begun = false
  let keys = 0
  /** Where the value lies in the bytes being read: from -1 is nowhere, to -1 is to their end. */
  let from = -1
  let to = -1

  function append(bytes: Uint8Array): void {
    const at = length
    length += bytes.length
    if (length > maxBytes) return
    if (length > kept.length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(maxBytes, Math.max(length, 2 * kept.length, FIRST_BYTES)))
      kept.copy(larger, 0, 0, at)
      kept = larger
    }
    kept.set(bytes, at)
  }

  return {
    begin(at, keysBefore = 0) {
      begun = true
      length = 0
      keys = -keysBefore
      from = at
      to = -1
    },
    end(at, keysAfter = 0) {
      keys += keysAfter
      to = at
    },
    keep(bytes) {
      if (from < 0) return
      append(bytes.subarray(from, to < 0 ? bytes.length : to))
      from = to < 0 ? 0 : -1
    },
    forget() {
      begun = false
      from = -1
    },
    piece() {
      if (!begun) return undefined
      if (length > maxBytes) return { ok: false, reason: 'too_large', limit: maxBytes }
      if (keys > MAX_KEYS) return { ok: false, reason: 'too_many_keys', limit: MAX_KEYS }
      return { ok: true, text: kept.toString('utf8', 0, length) }
    },
  }
}
