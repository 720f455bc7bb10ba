import { createCapture } from './capture.ts'
import type { Capture, Piece } from './capture.ts'
import { createJsonScan } from './scan-json.ts'
import type { Watch } from './scan-json.ts'
import type { Sink } from './read-body.ts'

/** What is kept of an object, by the names of its members; all else is passed over, and still has to be JSON. */
export interface KeepPlan {
  /** The bytes that a member may have. */
  readonly members: Readonly<Record<string, number>>
  /** The member of which, where it is a list, the last element is kept and nothing else, and the bytes that may have. */
  readonly list: { readonly name: string; readonly maxBytes: number }
}

export interface KeptMembers extends Sink {
  /** Whether the document is an object. */
  isObject(): boolean
  /** The member's text; undefined where there is none. The list has none: see `last`. */
  member(name: string): Piece | undefined
  /** How many elements the list has, and the text of the last; undefined where there is no list. */
  last(): { readonly count: number; readonly piece: Piece | undefined } | undefined
}

const OBJECT = 0x7b
const LIST = 0x5b
/** No name that is kept is longer, also with every letter as an escape of six. */
const KEY_BYTES = 64

/**
 * Keeps the members of a plan out of an object that passes by. Of two members of one name the later counts, as it does
 * for `JSON.parse`; a name is compared as it reads, however it is escaped. What is kept is one value each, whole, so
 * that whoever parses it cannot see another one than was found here.
 */
export function createKeptMembers(plan: KeepPlan): KeptMembers {
  const captures = new Map(Object.entries(plan.members).map(([name, maxBytes]) => [name, createCapture(maxBytes)]))
  const element = createCapture(plan.list.maxBytes)
  const key = createCapture(KEY_BYTES)
  const all: readonly Capture[] = [...captures.values(), element, key]
  let bytes: Uint8Array = new Uint8Array(0)
  let isObject = false
  /** The member that is being read, if its name is in the plan. */
  let name: string | null = null
  /** Whether what is being read is the list, and how many elements it has so far. */
  let inList = false
  let count: number | null = null
  let inElement = false

  function beginMember(at: number, keys: number): void {
    const isTheList = name === plan.list.name
    inList = isTheList && bytes[at] === LIST
    if (isTheList) {
      count = inList ? 0 : null
      element.forget()
    }
    const capture = name === null ? undefined : captures.get(name)
    if (inList) capture?.forget()
    else capture?.begin(at, keys)
  }

  const watch: Watch = {
    begin(depth, at, keys) {
      if (depth === 0) isObject = bytes[at] === OBJECT
      else if (depth === 1 && isObject) beginMember(at, keys)
      else if (inList) {
        count = (count ?? 0) + 1
        inElement = true
        element.begin(at, keys)
      }
    },
    end(depth, at, keys) {
      if (depth === 1 && name !== null) {
        if (!inList) captures.get(name)?.end(at, keys)
        inList = false
        name = null
      } else if (depth === 2 && inElement) {
        inElement = false
        element.end(at, keys)
      }
    },
    beginKey: (at) => key.begin(at),
    endKey(at) {
      key.end(at)
      key.keep(bytes)
      const found = nameOf(key.piece())
      name = found !== null && (captures.has(found) || found === plan.list.name) ? found : null
    },
  }
  const scan = createJsonScan(watch)

  return {
    feed(slice) {
      bytes = slice
      const fault = scan.feed(slice)
      for (const capture of all) capture.keep(slice)
      return fault
    },
    end: () => scan.end(),
    place() {
      if (name === null) return []
      return inElement ? [name, (count ?? 1) - 1] : [name]
    },
    isObject: () => isObject,
    member: (wanted) => captures.get(wanted)?.piece(),
    last: () => (count === null ? undefined : { count, piece: element.piece() }),
  }
}

/** What a key reads as; null where it is longer than any name that is kept. */
function nameOf(piece: Piece | undefined): string | null {
  if (!piece?.ok) return null
  return piece.text.includes('\\') ? (JSON.parse(piece.text) as string) : piece.text.slice(1, -1)
}
