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

/** The frames end early, because this process stops or the reader may read no further: no fault of either. */
export class FramesCut extends Error {
  constructor() {
    super('The frames ended without a terminal one.')
    this.name = 'FramesCut'
  }
}

const HEARTBEAT = ': \n\n'
/** The reason of an end that nobody asks about: without one, each stream would make a DOMException with its stack. */
const OVER = 'over'
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
  const end = () => ending.abort(OVER)
  signal.addEventListener('abort', end, { once: true })
  if (signal.aborted) end()
  const source = open(ending.signal)[Symbol.asyncIterator]()
  const silence = createSilence(heartbeatMs)
  try {
    yield HEARTBEAT
    let next: ReturnType<typeof source.next> | undefined
    while (!ending.signal.aborted) {
      next ??= source.next() // only here, where its rejection is awaited
      const result = await silence.within(next)
      if (result === 'silence') {
        yield HEARTBEAT
        continue
      }
      if (result.done) break
      yield* textsOf(result.value)
      if (result.value.at(-1)?.terminal) {
        yield DONE
        return
      }
      next = undefined
    }
    if (!signal.aborted) throw new FramesCut()
  } finally {
    end()
    signal.removeEventListener('abort', end)
    silence.end()
    await source.return?.()
  }
}

/**
 * A reader who comes late is given a whole run at once, which may have 50 MB: the frames are joined up to so many characters
 * (one is three bytes at most), so that no more than this is made for a reader before it has taken what came before.
 */
const TEXT_CHARS = 64_000

function* textsOf(frames: readonly WireFrame[]): Generator<string, void, undefined> {
  for (const piece of piecesOf(frames)) yield piece.map(({ text }) => text).join('')
}

/** The frames by such pieces; of more than that only a single one is made. */
export function* piecesOf<Some extends WireFrame>(frames: readonly Some[]): Generator<readonly Some[], void, undefined> {
  let from = 0
  let chars = 0
  for (const [index, { text }] of frames.entries()) {
    if (index > from && chars + text.length > TEXT_CHARS) {
      yield frames.slice(from, index)
      from = index
      chars = 0
    }
    chars += text.length
  }
  if (from < frames.length) yield from === 0 ? frames : frames.slice(from)
}

interface Silence {
  /** The promise's value, or `silence` when it takes longer. The promise goes on and may be asked again. */
  within<T>(promise: Promise<T>): Promise<T | 'silence'>
  end(): void
}

/** One timer for the whole stream, set back for each frame: a new one each, and a race, would cost more than the frame. */
function createSilence(ms: number): Silence {
  let broken = () => {}
  const timer = setTimeout(() => broken(), ms)
  return {
    within: (promise) =>
      new Promise((resolve, reject) => {
        broken = () => resolve('silence')
        timer.refresh()
        promise.then(resolve, reject)
      }),
    end: () => clearTimeout(timer),
  }
}
