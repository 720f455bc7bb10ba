import type { Chunk } from '../wire/chunk.ts'

const DATA = 'data: '
const DONE = '[DONE]'

/** The body ended before the answer did. */
export class CutAnswer extends Error {}

/**
 * The chunks of a run, as they come. Reads the lines that Ambit writes (`id: …`, `data: …`, comments; LF only) and is no
 * general parser of server-sent events. Throws where the body ends before `[DONE]`.
 */
export async function* readChunks(body: ReadableStream<Uint8Array>): AsyncGenerator<Chunk> {
  let rest = ''
  for await (const piece of body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>)) {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith(DATA)) continue
      const data = line.slice(DATA.length)
      if (data === DONE) return
      yield JSON.parse(data) as Chunk
    }
  }
  throw new CutAnswer('The stream ended before the answer did.')
}
