import { createEventReader } from './event-reader.ts'
import type { ServerEvent } from './event-reader.ts'
import { within } from './wait.ts'

/**
 * The events of an answer in the portions in which they arrive, empty where only a heartbeat came. Silence of so many milliseconds is an
 * error: the connection is taken for broken. However it ends, the connection is not left open.
 */
export async function* readEvents({ body }: Response, silenceMs: number): AsyncGenerator<readonly ServerEvent[], void, undefined> {
  if (!body) return
  const reader = body.getReader()
  const decoder = new TextDecoder()
  const read = createEventReader()
  try {
    for (;;) {
      const { done, value } = await within(reader.read(), silenceMs)
      if (done) return
      yield read(decoder.decode(value, { stream: true }))
    }
  } finally {
    // Of a body that has failed the failure is told already, by the read.
    await reader.cancel().catch(() => {})
  }
}
