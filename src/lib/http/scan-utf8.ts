import { isUtf8 } from 'node:buffer'

export interface Utf8Scan {
  /** Whether all so far is UTF-8, but for a character that has only begun. */
  feed(bytes: Uint8Array): boolean
  /** Whether no character is left begun. */
  end(): boolean
}

const NOTHING = new Uint8Array(0)

/** Asks piece by piece whether bytes are UTF-8: no surrogates, nothing overlong, also where a cut goes through a character. */
export function createUtf8Scan(): Utf8Scan {
  let begun: Uint8Array = NOTHING
  return {
    feed(bytes) {
      const all = begun.length === 0 ? bytes : Buffer.concat([begun, bytes])
      const whole = all.length - countBegun(all)
      begun = new Uint8Array(all.subarray(whole)) // a copy: the bytes are the sender's again
      return isUtf8(all.subarray(0, whole))
    },
    end: () => begun.length === 0,
  }
}

/** How many bytes at the end may be the beginning of a character: a first byte that announces more than there is. */
function countBegun(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return lengthBy(byte) > back ? back : 0
  }
  return 0
}

function lengthBy(first: number): number {
  if (first >= 0xf0) return 4
  return first >= 0xe0 ? 3 : 2
}
