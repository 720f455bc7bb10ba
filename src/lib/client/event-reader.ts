import { AmbitError } from './ambit-error.ts'

/** One server-sent event that has come whole. */
export interface ServerEvent {
  /** Null: it has none, and is no place to come back to. */
  readonly id: string | null
  readonly data: string
}

const MAX_CHARS = 10_000_000

/**
 * Takes the text of a stream as it comes, cut anywhere, and gives the events that are whole (WHATWG HTML 9.2.6, with LF
 * or CRLF; a lone CR ends no line). An event that is cut off is never given, and its id is not one to come back to.
 *
 * Each character is looked at once: what has no line end yet is kept in pieces and joined when the end comes. An event
 * without an end would fill the memory, so one of more than ten million characters is an error.
 */
export function createEventReader(maxChars = MAX_CHARS): (text: string) => readonly ServerEvent[] {
  let line: string[] = []
  let data: string[] = []
  let id: string | null = null
  let chars = 0

  const keep = (piece: string): void => {
    line.push(piece)
    chars += piece.length
    if (chars > maxChars) {
      throw new AmbitError({ code: 'unexpected_answer', status: 200, detail: `The stream holds an event of more than ${maxChars} characters. Load the messages again.` })
    }
  }

  const takeField = (text: string): void => {
    const colon = text.indexOf(':')
    const name = colon < 0 ? text : text.slice(0, colon)
    const value = colon < 0 ? '' : text.slice(colon + (text[colon + 1] === ' ' ? 2 : 1))
    if (name === 'data') data.push(value)
    if (name === 'id' && !value.includes('\0')) id = value === '' ? null : value
  }

  const takeEvent = (): ServerEvent | null => {
    const event = data.length > 0 ? { id, data: data.join('\n') } : null
    data = []
    id = null
    chars = 0
    return event
  }

  return (text) => {
    const events: ServerEvent[] = []
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      keep(text.slice(from, end))
      const whole = line.join('').replace(/\r$/, '')
      line = []
      from = end + 1
      if (whole !== '') takeField(whole)
      else {
        const event = takeEvent()
        if (event) events.push(event)
      }
    }
    if (from < text.length) keep(text.slice(from))
    return events
  }
}
