/** Reads the data of server-sent events out of bytes, however they are cut. */
export interface EventReader {
  take(bytes: Uint8Array): void
}

/**
 * Calls back with the data of each event, in the call that brings its blank line. Names, ids and comments are not read, and
 * an event without data is none. What a stream breaks off in is never an event. It keeps an event until it is whole:
 * whoever feeds it bounds it (`response-bound.ts`).
 */
export function createEventReader(onData: (data: string) => void): EventReader {
  const decoder = new TextDecoder() // drops the byte order mark, and keeps the first bytes of a letter for the next read
  let open = '' // the beginning of a line whose end has not come
  let data: string | null = null
  let afterCr = false // its LF, if it has one, comes with the next read

  const takeLine = (line: string): void => {
    if (line === '') {
      const whole = data
      data = null
      if (whole) onData(whole)
      return
    }
    if (!line.startsWith('data:')) return
    const value = line.slice(line.startsWith(' ', 5) ? 6 : 5)
    data = data === null ? value : `${data}\n${value}`
  }

  return {
    take(bytes) {
      const text = decoder.decode(bytes, STREAM)
      if (text === '') return
      let from = afterCr && text.startsWith('\n') ? 1 : 0
      let cr = text.indexOf('\r')
      let lf = text.indexOf('\n', from)
      while (cr >= 0 || lf >= 0) {
        const end = lf < 0 || (cr >= 0 && cr < lf) ? cr : lf
        const line = text.slice(from, end)
        takeLine(open === '' ? line : open + line)
        open = ''
        from = end + (end === cr && lf === cr + 1 ? 2 : 1)
        // Each is looked for again only where it is behind: once for all in a text without CR.
        if (lf >= 0 && lf < from) lf = text.indexOf('\n', from)
        if (cr >= 0 && cr < from) cr = text.indexOf('\r', from)
      }
      afterCr = from === text.length && text.endsWith('\r')
      open += text.slice(from)
    },
  }
}

const STREAM = { stream: true } as const
