import { isId } from './principal.ts'
import type { Id } from './principal.ts'

const PLAIN = /^[A-Za-z0-9_.-]$/

/**
 * A host's own id as an id of Ambit, where it can hold what these cannot (`auth0|7f3`, `ada@example.com`): other characters
 * become `:` and two hexadecimal digits per byte of UTF-8, so that two ids never become one. UUIDs, numbers and the like stay
 * as they are. Null where there is nothing, or more than 128 characters would be needed: nobody's id.
 *
 * Use it for all ids of a kind or for none: an id that holds `:` is another afterwards.
 */
export function toId(hostId: string): Id | null {
  // A lone `.` or `..` would be folded in a URL.
  const id = /^\.{1,2}$/.test(hostId) ? hostId.replaceAll('.', ':2E') : [...Buffer.from(hostId.toWellFormed())].map(written).join('')
  return isId(id) && hostId.isWellFormed() ? id : null
}

/** The host's own id again. Null for what `toId` never gives. */
export function fromId(id: Id): string | null {
  const hostId = Buffer.from(id.replace(/:([0-9A-F]{2})|[^]/g, (found, hex?: string) => (hex === undefined ? found : String.fromCharCode(Number.parseInt(hex, 16)))), 'latin1').toString()
  return toId(hostId) === id ? hostId : null
}

function written(byte: number): string {
  const character = String.fromCharCode(byte)
  return PLAIN.test(character) ? character : `:${byte.toString(16).toUpperCase().padStart(2, '0')}`
}
