import { isShallow } from '../limits/is-shallow.ts'

/** A value that is JSON through and through; or why it is none. */
export type PlainJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly reason: 'not_json' | 'too_large' | 'too_deep' }

/** What a tool answered, as JSON of at most `maxBytes`. Absent is null. */
export function plainOutput(value: unknown, maxBytes: number): PlainJson {
  try {
    const text = JSON.stringify(value ?? null, refusePromise)
    return text === undefined ? { ok: false, reason: 'not_json' } : plainText(text, maxBytes)
  } catch {
    // A cycle, a BigInt, a toJSON that throws: what a tool answers is outside.
    return { ok: false, reason: 'not_json' }
  }
}

/** A query that nobody awaited would be told as an empty object, and read as a success. */
function refusePromise(_: string, value: unknown): unknown {
  if (typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function') throw new Error('A promise is no answer: await it.')
  return value
}

/** The arguments that a model wrote, as JSON of at most `maxBytes`. Nothing written is an empty object. */
export function plainText(text: string, maxBytes: number): PlainJson {
  if (Buffer.byteLength(text) > maxBytes) return { ok: false, reason: 'too_large' }
  try {
    const value: unknown = JSON.parse(text === '' ? '{}' : text, dropPrototype)
    return isShallow(value) ? { ok: true, value } : { ok: false, reason: 'too_deep' }
  } catch {
    return { ok: false, reason: 'not_json' }
  }
}

/** A key `__proto__` in a chunk is fatal to the AI SDK's client, and bait for any merge. */
function dropPrototype(key: string, value: unknown): unknown {
  return key === '__proto__' ? undefined : value
}
