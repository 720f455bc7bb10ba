import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { generateChatSse } from '../../src/lib/wire/generate-chat-sse.ts'
import type { WireFrame } from '../../src/lib/wire/generate-chat-sse.ts'

const BEAT = ': \n\n'
const DONE = 'data: [DONE]\n\n'
const frame = (text: string, terminal = false): WireFrame => ({ text, terminal })

/** A source that gives what it is fed, and tells what became of it. */
function source() {
  const fed: ((result: IteratorResult<readonly WireFrame[], undefined>) => void)[] = []
  const state = { pulls: 0, returned: 0, signal: new AbortController().signal }
  let waiting: PromiseWithResolvers<IteratorResult<readonly WireFrame[], undefined>> | undefined
  const open = (signal: AbortSignal): AsyncIterable<readonly WireFrame[]> => {
    state.signal = signal
    signal.addEventListener('abort', () => waiting?.resolve({ done: true, value: undefined }))
    return {
      [Symbol.asyncIterator]: () => ({
        next() {
          state.pulls += 1
          waiting = Promise.withResolvers()
          fed.shift()?.(waiting as never)
          return waiting.promise
        },
        async return() {
          state.returned += 1
          return { done: true, value: undefined }
        },
      }),
    }
  }
  return {
    open,
    state,
    give: (...frames: WireFrame[]) => waiting?.resolve({ done: false, value: frames }),
    end: () => waiting?.resolve({ done: true, value: undefined }),
    fail: (error: Error) => waiting?.reject(error),
  }
}

async function* listed(...batches: (readonly WireFrame[])[]) {
  yield* batches
}

async function collect(stream: AsyncIterable<string>): Promise<string[]> {
  const texts: string[] = []
  for await (const text of stream) texts.push(text)
  return texts
}

describe('generateChatSse', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    const left = vi.getTimerCount()
    vi.useRealTimers()
    if (left > 0) throw new Error(`${left} timers are left.`)
  })
  const options = (signal = new AbortController().signal) => ({ heartbeatMs: 1_000, signal })

  test('a comment at once, frames as they are, [DONE] after the terminal one, and no more', async () => {
    const open = () => listed([frame('a')], [frame('b'), frame('c')], [frame('d', true)], [frame('never')])
    expect(await collect(generateChatSse(open, options()))).toEqual([BEAT, 'a', 'bc', 'd', DONE])
  })

  test('a whole run that comes at once is given in texts that a reader can hold', async () => {
    const frames = Array.from({ length: 100 }, (_, index) => frame(`${index} ${'x'.repeat(5_000)}`, index === 99))
    const texts = await collect(generateChatSse(() => listed(frames), options()))
    expect(Math.max(...texts.map((text) => text.length))).toBeLessThanOrEqual(64_000)
    expect(texts.join('')).toBe(BEAT + frames.map(({ text }) => text).join('') + DONE)
  })

  test('the comment comes before the source is asked for anything', async () => {
    const { open, state } = source()
    const stream = generateChatSse(open, options())
    expect((await stream.next()).value).toBe(BEAT)
    expect(state.pulls).toBe(0)
    await stream.return()
    expect(state.returned).toBe(1)
  })

  test('a heartbeat after each silence; what comes then is lost by none of them', async () => {
    const { open, state, give } = source()
    const stream = generateChatSse(open, options())
    await stream.next()
    for (let beat = 0; beat < 3; beat += 1) {
      const next = stream.next()
      await vi.advanceTimersByTimeAsync(999)
      let settled = false
      void next.then(() => (settled = true))
      await vi.advanceTimersByTimeAsync(0)
      expect(settled).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      expect((await next).value).toBe(BEAT)
    }
    expect(state.pulls).toBe(1)
    const next = stream.next()
    give(frame('a'))
    expect((await next).value).toBe('a')
    await stream.return()
  })

  test('the silence begins anew with each frame', async () => {
    const { open, give } = source()
    const stream = generateChatSse(open, options())
    await stream.next()
    for (let count = 0; count < 3; count += 1) {
      const next = stream.next()
      await vi.advanceTimersByTimeAsync(900)
      give(frame('a'))
      expect((await next).value).toBe('a')
    }
    await stream.return()
  })

  test('pulls the source only when it is pulled itself', async () => {
    const { open, state, give } = source()
    const stream = generateChatSse(open, options())
    await stream.next()
    const next = stream.next()
    await vi.advanceTimersByTimeAsync(0)
    give(frame('a'))
    await next
    await vi.advanceTimersByTimeAsync(10_000)
    expect(state.pulls).toBe(1)
    await stream.return()
  })

  test('return() after a frame ends the source and its signal', async () => {
    const { open, state, give } = source()
    const stream = generateChatSse(open, options())
    await stream.next()
    const next = stream.next()
    give(frame('a'))
    await next
    await stream.return()
    expect(state.returned).toBe(1)
    expect(state.signal.aborted).toBe(true)
  })

  test('a reader who goes while it waits: the source is ended, nothing more is said, no timer is left', async () => {
    const gone = new AbortController()
    const { open, state } = source()
    const stream = generateChatSse(open, options(gone.signal))
    await stream.next()
    const next = stream.next()
    await vi.advanceTimersByTimeAsync(10)
    expect(vi.getTimerCount()).toBe(1)
    gone.abort()
    expect(await next).toEqual({ done: true, value: undefined })
    expect(await stream.return()).toEqual({ done: true, value: undefined })
    expect(state.signal.aborted).toBe(true)
    expect(state.returned).toBe(1)
  })

  test('a reader who was gone before it began', async () => {
    const { open, state } = source()
    expect(await collect(generateChatSse(open, options(AbortSignal.abort())))).toEqual([BEAT])
    expect(state.returned).toBe(1)
    expect(state.signal.aborted).toBe(true)
  })

  test('a reader who was gone before it began, and a source that fails at that', async () => {
    const open = (): AsyncIterable<readonly WireFrame[]> => ({ [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(new Error('gone')) }) })
    expect(await collect(generateChatSse(open, options(AbortSignal.abort())))).toEqual([BEAT])
  })

  test('frames that end without a terminal one are a broken body, never a clean end', async () => {
    await expect(collect(generateChatSse(() => listed([frame('a')]), options()))).rejects.toThrow('The frames ended without a terminal one.')
    await expect(collect(generateChatSse(() => listed(), options()))).rejects.toThrow('without a terminal one')
  })

  test('a source that fails fails the stream with its own error, and is ended', async () => {
    const { open, state, fail } = source()
    const stream = generateChatSse(open, options())
    await stream.next()
    const next = stream.next()
    await vi.advanceTimersByTimeAsync(10)
    fail(new Error('the journal is away'))
    await expect(next).rejects.toThrow('the journal is away')
    expect(state.returned).toBe(1)
    expect(state.signal.aborted).toBe(true)
  })

  test('leaves no listener on the reader’s signal', async () => {
    const { signal } = new AbortController()
    const added = vi.spyOn(signal, 'addEventListener')
    const removed = vi.spyOn(signal, 'removeEventListener')
    await collect(generateChatSse(() => listed([frame('a', true)]), options(signal)))
    expect(removed.mock.calls.map(([, listener]) => listener)).toEqual(added.mock.calls.map(([, listener]) => listener))
  })
})
