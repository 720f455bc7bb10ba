import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { followWatched } from '../../src/lib/run/follow-watched.ts'
import type { Watched } from '../../src/lib/run/follow-watched.ts'
import { NOT_FOUND } from '../../src/lib/scope/refusal.ts'
import type { ScopeNews } from '../../src/lib/scope/watch-scopes.ts'
import type { Handles, RowScope } from '../../src/lib/store/handles.ts'
import { FramesCut } from '../../src/lib/wire/generate-chat-sse.ts'
import type { WireFrame } from '../../src/lib/wire/generate-chat-sse.ts'
import { contextOf } from '../support/context-of.ts'

const frame = (text: string, terminal = false): readonly WireFrame[] => [{ text, terminal }]

/** A reader whose scope and whose frames are in the test's hand. */
function begin(stillSees: () => Promise<boolean | 'own'> = async () => true, everyMs?: number) {
  const context = contextOf('bob', ['one', 'two'])
  const queue: (readonly WireFrame[])[] = []
  const got: string[] = []
  const asked: RowScope[] = []
  const going = new AbortController()
  let hear: (news: ScopeNews) => void = () => {}
  let left = 0
  let wake = () => {}
  let watched: Watched | undefined
  const scoped = (async (rows: RowScope, work: (sql: unknown) => Promise<unknown>) => {
    asked.push(rows)
    return work({})
  }) as Handles['scoped']
  const watch = {
    watch: (_context: unknown, _permission: unknown, listener: (news: ScopeNews) => void) => {
      hear = listener
      return () => (left += 1)
    },
    close: () => {},
  }
  async function* frames(given: Watched): AsyncGenerator<readonly WireFrame[]> {
    watched = given
    given.signal.addEventListener('abort', () => wake())
    while (!given.signal.aborted) {
      const next = queue.shift()
      if (next) yield next
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }
  const reading = (async () => {
    for await (const batch of followWatched({ watch, scoped }, { context, stillSees, ...(everyMs !== undefined && { everyMs }), signal: going.signal }, frames)) got.push(...batch.map(({ text }) => text))
    return 'ended'
  })()
  const soon = () => vi.advanceTimersByTimeAsync(0)
  const give = async (batch: readonly WireFrame[]) => {
    queue.push(batch)
    wake()
    await soon()
  }
  return { context, got, asked, going, reading, give, soon, hears: (news: ScopeNews) => hear(news), left: () => left, read: () => watched?.scoped(context.rows, async () => {}) }
}

describe('a watched reader', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => {
    const timers = vi.getTimerCount()
    vi.useRealTimers()
    if (timers > 0) throw new Error(`${timers} timers are left.`)
  })

  test('gets everything while nothing changes, and leaves no listener', async () => {
    const { got, give, going, reading, left } = begin()
    await give(frame('a'))
    await give(frame('b'))
    going.abort()
    expect([await reading, got, left()]).toEqual(['ended', ['a', 'b'], 1])
  })

  test('that is refused gets nothing more that goes on', async () => {
    const { got, give, hears, reading, left } = begin()
    await give(frame('a'))
    hears(NOT_FOUND)
    await give(frame('secret'))
    expect([await reading, got, left()]).toEqual(['ended', ['a'], 1])
  })

  test('that is refused still gets the end of a run that ends with it', async () => {
    const { got, give, hears, going, reading } = begin()
    hears(NOT_FOUND)
    await give([...frame('closes'), ...frame('error', true)])
    going.abort()
    expect([await reading, got]).toEqual(['ended', ['closes', 'error']])
  })

  test('that is refused in silence is cut soon', async () => {
    const { hears, soon, reading } = begin()
    await soon()
    hears(NOT_FOUND)
    await vi.advanceTimersByTimeAsync(500)
    expect(await reading).toBe('ended')
  })

  test('that sees less reads on under what is left, as long as it sees what it follows', async () => {
    let sees = true
    const { context, got, asked, give, hears, read, reading } = begin(async () => sees)
    await give(frame('a'))
    await read()
    expect(asked).toEqual([context.rows])
    hears(contextOf('bob', ['one']))
    await give(frame('b'))
    await read()
    expect(asked.slice(1).map(({ projectIds }) => projectIds)).toEqual([['one', '*'], ['one', '*']])
    sees = false
    hears(contextOf('bob', []))
    await give(frame('secret'))
    expect([await reading, got]).toEqual(['ended', ['a', 'b']])
  })

  test('of what is not its own is asked again and again, and cut when it is taken back; a database that is away cuts nobody', async () => {
    const answers: (() => Promise<boolean>)[] = [async () => true, () => Promise.reject(new Error('the database is away')), async () => false]
    const { got, asked, give, reading, left } = begin(() => answers.shift()?.() ?? Promise.resolve(true), 1_000)
    await vi.advanceTimersByTimeAsync(2_000)
    await give(frame('a'))
    await vi.advanceTimersByTimeAsync(1_000)
    await give(frame('secret'))
    expect([await reading, got, asked.length, left()]).toEqual(['ended', ['a'], 3, 1])
  })

  test('of what is its own is asked once', async () => {
    const { asked, going, reading, soon } = begin(async () => 'own', 1_000)
    await vi.advanceTimersByTimeAsync(10_000)
    expect(asked).toHaveLength(1)
    going.abort()
    await soon()
    expect(await reading).toBe('ended')
  })

  test('that is slow gets no more of many frames than the piece that it has', async () => {
    const context = contextOf('bob', ['one'])
    const many = Array.from({ length: 10 }, (_, n): WireFrame => ({ text: `${n}`.repeat(40_000), terminal: n === 9 }))
    let hear: (news: ScopeNews) => void = () => {}
    const watch = { watch: (...[, , listener]: [unknown, unknown, (news: ScopeNews) => void]) => ((hear = listener), () => {}), close: () => {} }
    const scoped = (async () => true) as unknown as Handles['scoped']
    const reading = followWatched({ watch, scoped }, { context, stillSees: async () => true, signal: new AbortController().signal }, async function* () {
      yield many
    })
    expect((await reading.next()).value).toHaveLength(1)
    hear(NOT_FOUND)
    expect(await reading.next()).toEqual({ done: true, value: undefined })
  })

  test.each<[what: string, news: ScopeNews, stillSees: () => Promise<boolean>, why: unknown]>([
    ['is refused', NOT_FOUND, async () => true, FramesCut],
    ['sees less', contextOf('bob', []), async () => false, FramesCut],
    ['cannot be told to see it', contextOf('bob', []), () => Promise.reject(new Error('the database is away')), Error],
  ])('that %s and asks for nothing is cut all the same, once', async (_, news, stillSees, why) => {
    let hear: (news: ScopeNews) => void = () => {}
    const watch = { watch: (...[, , listener]: [unknown, unknown, (news: ScopeNews) => void]) => ((hear = listener), () => {}), close: () => {} }
    const scoped = (async (_rows: unknown, work: (sql: unknown) => Promise<unknown>) => work({})) as Handles['scoped']
    const cut = vi.fn<(why: unknown) => void>()
    const reader = { context: contextOf('bob', ['one']), stillSees, signal: new AbortController().signal, cut }
    const reading = followWatched({ watch, scoped }, reader, async function* () {
      yield* [frame('a'), frame('b')]
    })
    await reading.next()
    hear(news)
    await vi.advanceTimersByTimeAsync(499)
    expect(cut).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(cut.mock.calls).toEqual([[expect.any(why)]])
    await reading.return()
  })

  test('that is given the end in time is not cut', async () => {
    let hear: (news: ScopeNews) => void = () => {}
    const watch = { watch: (...[, , listener]: [unknown, unknown, (news: ScopeNews) => void]) => ((hear = listener), () => {}), close: () => {} }
    const cut = vi.fn<(why: unknown) => void>()
    const reader = { context: contextOf('bob', ['one']), stillSees: async () => true, signal: new AbortController().signal, cut }
    const reading = followWatched({ watch, scoped: (async () => true) as unknown as Handles['scoped'] }, reader, async function* () {
      yield frame('end', true)
    })
    hear(NOT_FOUND)
    expect((await reading.next()).value).toEqual(frame('end', true))
    await reading.return()
    await vi.advanceTimersByTimeAsync(10_000)
    expect(cut).not.toHaveBeenCalled()
  })

  test('about whom it cannot be told is cut, with the fault', async () => {
    const { soon, hears, reading, left } = begin(() => Promise.reject(new Error('the database is away')))
    await soon()
    hears(contextOf('bob', []))
    await expect(reading).rejects.toThrow('the database is away')
    expect(left()).toBe(1)
  })
})
