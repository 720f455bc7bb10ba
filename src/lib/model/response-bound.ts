export interface ResponseBound {
  /** The next bytes of an answer; an error where they make it more than is read. */
  take(chunk: Uint8Array): Error | null
}

const LF = 10
const CR = 13

/**
 * Bounds an answer and each event in it. A parser keeps an event until its blank line comes, so one that never ends would
 * fill the memory. Lines end with LF or CR LF; one that ends with CR alone is not seen, and what it ends counts as one event.
 */
export function createResponseBound({ eventBytes, answerBytes }: { readonly eventBytes: number; readonly answerBytes: number }): ResponseBound {
  let all = 0
  let event = 0 // bytes since the last blank line
  let line = 0 // bytes of the line that is open
  let last = 0
  return {
    take(chunk) {
      all += chunk.length
      if (all > answerBytes) return tooLarge('answer', answerBytes)
      let from = 0
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
        line += at - from
        event += at + 1 - from
        if (event > eventBytes) return tooLarge('event', eventBytes)
        const before = at > 0 ? chunk[at - 1] : last
        if (line === 0 || (line === 1 && before === CR)) event = 0
        line = 0
        from = at + 1
      }
      line += chunk.length - from
      event += chunk.length - from
      last = chunk.at(-1) ?? last
      return event > eventBytes ? tooLarge('event', eventBytes) : null
    },
  }
}

function tooLarge(what: 'answer' | 'event', bytes: number): Error {
  return Object.assign(new Error(`The provider sent an ${what} of more than ${bytes} bytes.`), { code: 'RESPONSE_TOO_LARGE' })
}
