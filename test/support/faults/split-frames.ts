import { createParser } from 'eventsource-parser'
import { parseCursor } from '../../../src/lib/journal/cursor.ts'
import { must } from '../stage.ts'

/** An event as it was stored: its text is what every reader must get, byte for byte. */
export interface KeptFrame {
  readonly id: string
  readonly fence: number
  readonly seq: number
  readonly data: string
  readonly type: string
  readonly text: string
}

/** Stored texts, in order, as their events. Read by an outside parser, cut at the empty line that ends each. */
export function splitFrames(texts: readonly string[]): readonly KeptFrame[] {
  return texts.join('').split(/(?<=\n\n)/).filter((text) => text !== '').map(frameOf)
}

function frameOf(text: string): KeptFrame {
  let id = ''
  let data = ''
  const parser = createParser({
    onEvent(event) {
      id = event.id ?? ''
      data = event.data
    },
  })
  parser.feed(text)
  const { fence, seq } = must(parseCursor(id))
  return { id, fence, seq, data, type: (JSON.parse(data) as { type: string }).type, text }
}
