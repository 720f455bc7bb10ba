/** What the wire needs to know of a frame. */
export interface WireFrame {
  readonly text: string
  readonly terminal: boolean
}

export interface SseOptions {
  /** Milliseconds of silence until a comment keeps proxies from closing the connection. */
  readonly heartbeatMs: number
  /** Aborted when the reader has gone. */
  readonly signal: AbortSignal
}

const HEARTBEAT = ': \n\n'
const DONE = 'data: [DONE]\n\n'

/**
 * Turns a run's frames into the text of a server-sent event stream: a comment at once (headers and first byte go out
 * before the model speaks), the frames as they come, a heartbeat in silence, and `[DONE]` after the terminal frame.
 *
 * Owns its lifecycle: `open` is given a signal of its own, and however the generator ends (drained, returned, thrown,
 * reader gone) that signal is aborted, the source is ended and the timer cleared. Where the frames end without a
 * terminal one it throws, because a stream that simply ends reads as success to real clients.
 */
export async function* generateChatSse(
  open: (signal: AbortSignal) => AsyncIterable<readonly WireFrame[]>,
  { heartbeatMs, signal }: SseOptions,
): AsyncGenerator<string, void, undefined> {
  const ending = new AbortController()
  const end = () => ending.abort()
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const source = open(ending.signal)[Symbol.asyncIterator]()
  try {
    yield HEARTBEAT
    let next: ReturnType<typeof source.next> | undefined
    while (!ending.signal.aborted) {
      next ??= source.next() // only here, where its rejection is awaited
      const result = await withinSilence(next, heartbeatMs)
      if (result === 'silence') {
        yield HEARTBEAT
        continue
      }
      if (result.done) break
      yield textOf(result.value)
      if (result.value.at(-1)?.terminal) {
        yield DONE
        return
      }
      next = undefined
    }
    if (!signal.aborted) throw new Error('The frames ended without a terminal one.')
  } finally {
    end()
    signal.removeEventListener('abort', end)
    await source.return?.()
  }
}

function textOf(frames: readonly WireFrame[]): string {
  const [only] = frames
  return frames.length === 1 && only ? only.text : frames.map((frame) => frame.text).join('')
}

/** The promise's value, or `silence` when it takes longer. The promise goes on and may be asked again. */
async function withinSilence<T>(promise: Promise<T>, ms: number): Promise<T | 'silence'> {
  let timer: NodeJS.Timeout | undefined
  const silence = new Promise<'silence'>((resolve) => {
    timer = setTimeout(resolve, ms, 'silence')
  })
  try {
    return await Promise.race([promise, silence])
  } finally {
    clearTimeout(timer)
  }
}
