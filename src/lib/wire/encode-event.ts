import type { Chunk } from './chunk.ts'
import type { ScopeEvent } from './scope-event.ts'

/**
 * A chunk as one server-sent event (WHATWG HTML 9.2.6): `id`, `data`, an empty line, LF only. JSON escapes every line
 * break inside strings, so nothing that a model or a document writes can end the event or begin another field.
 * Done once, when the chunk is appended: journal, store and every reader share this text.
 */
export function encodeEvent(id: string, chunk: Chunk | ScopeEvent): string {
  return `id: ${id}\ndata: ${JSON.stringify(chunk)}\n\n`
}

const END_OF_EVENT = '\n\n'
const EVENT = /^id: (\S+)\ndata: (\{"type":"([a-z-]+)".*)$/s

/** One stored event: its text unchanged, and what it says about itself. */
export interface StoredEvent {
  readonly id: string
  readonly type: string
  readonly data: string
  readonly text: string
}

/** Takes the text of many events apart again. */
export function splitEvents(text: string): readonly StoredEvent[] {
  return text
    .split(END_OF_EVENT)
    .filter((event) => event !== '')
    .map((event) => {
      const [, id, data, type] = EVENT.exec(event) ?? []
      if (id === undefined || data === undefined || type === undefined) throw new Error('A stored frame is not one that encodeEvent wrote.')
      return { id, type, data, text: event + END_OF_EVENT }
    })
}
