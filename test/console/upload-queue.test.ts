import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { createUploadQueue } from '../../console/src/documents/upload-queue.ts'
import type { Failure } from '../../console/src/documents/upload-queue.ts'

/** A server that answers when it is told to. */
function setUp() {
  const asked: { readonly item: string; readonly signal: AbortSignal; answer(failure: Failure): Promise<void> }[] = []
  const queue = createUploadQueue<string>((item, signal) => new Promise((resolve) => {
    asked.push({ item, signal, answer: async (failure) => {
      resolve(failure)
      await setImmediate()
    } })
  }))
  const states = () => queue.all().map(({ item, state }) => `${item} ${state}`)
  return { queue, asked, states }
}

describe('uploads', () => {
  test('go three at a time, in their order', async () => {
    const { queue, asked, states } = setUp()
    queue.add('acme', ['a', 'b', 'c', 'd', 'e'])
    expect(asked.map(({ item }) => item)).toEqual(['a', 'b', 'c'])
    await asked[1]?.answer(null)
    expect(states()).toEqual(['a sending', 'b done', 'c sending', 'd sending', 'e waiting'])
  })

  test('that failed are tried again, if that can help', async () => {
    const { queue, asked, states } = setUp()
    queue.add('acme', ['a', 'b', 'c'])
    await asked[0]?.answer({ words: 'Not now.', again: true })
    await asked[1]?.answer({ words: 'Never.', again: false })
    await asked[2]?.answer(null)
    queue.retry('acme')
    expect(states()).toEqual(['a sending', 'b failed', 'c done'])
    await asked[3]?.answer(null)
    expect(states()).toEqual(['a done', 'b failed', 'c done'])
  })

  test('are cancelled in their batch alone, and an answer that comes late changes nothing', async () => {
    const { queue, asked, states } = setUp()
    queue.add('acme', ['a', 'b'])
    queue.add('globex', ['c', 'd'])
    queue.cancel('acme')
    expect(asked.map(({ signal }) => signal.aborted)).toEqual([true, true, false])
    await asked[0]?.answer({ words: 'Aborted.', again: true })
    expect(states()).toEqual(['a cancelled', 'b cancelled', 'c sending', 'd sending'])
  })

  test('that have ended are forgotten, those that are open are not', async () => {
    const { queue, asked, states } = setUp()
    queue.add('acme', ['a', 'b'])
    await asked[0]?.answer(null)
    queue.clear('acme')
    expect(states()).toEqual(['b sending'])
  })
})
