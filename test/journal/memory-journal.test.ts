import { expect, test, vi } from 'vitest'
import { memoryJournal } from '../../src/index.ts'
import { journalContract } from '../contracts/journal.ts'
import { must } from '../support/stage.ts'

journalContract('in memory', () => ({ journal: memoryJournal({ keptBytes: 3_000 }), keptBytes: 3_000 }))
journalContract('in memory, keeping next to nothing', () => ({ journal: memoryJournal({ keptBytes: 3 }), keptBytes: 3 }))

test('readers wake once per tick and not per frame', async () => {
  const setImmediateSpy = vi.spyOn(globalThis, 'setImmediate')
  const journal = memoryJournal()
  const signal = new AbortController().signal
  const frame = (seq: number) => ({ fence: 1, seq, text: 'x', terminal: false, readSet: 1 })
  journal.append('r', [frame(1)])
  const tail = journal.tail('r')
  await tail.next({ fence: 0, seq: 0 }, signal)
  const waiting = tail.next({ fence: 1, seq: 1 }, signal)
  setImmediateSpy.mockClear()
  for (let seq = 2; seq <= 100; seq += 1) journal.append('r', [frame(seq)])
  expect(setImmediateSpy.mock.calls.length).toBeLessThanOrEqual(1)
  expect(await waiting).toHaveLength(99)
  tail.close()
  await journal.close()
  setImmediateSpy.mockRestore()
})

test('a reader listens once, however often it waits, and leaves no listener behind', async () => {
  const journal = memoryJournal()
  const { signal } = new AbortController()
  const added = vi.spyOn(signal, 'addEventListener')
  const removed = vi.spyOn(signal, 'removeEventListener')
  journal.append('r', [{ fence: 1, seq: 1, text: 'x', terminal: false, readSet: 1 }])
  const tail = journal.tail('r')
  for (let seq = 1; seq < 20; seq += 1) {
    const waiting = tail.next({ fence: 1, seq }, signal)
    journal.append('r', [{ fence: 1, seq: seq + 1, text: 'x', terminal: false, readSet: 1 }])
    await waiting
  }
  expect(added).toHaveBeenCalledTimes(1)
  expect(removed).not.toHaveBeenCalled()
  tail.close()
  expect(removed.mock.calls).toEqual(added.mock.calls)
  await journal.close()
})

test('gives a late reader of a long run no list of all of it at once, and still every frame', async () => {
  const journal = memoryJournal()
  journal.append('r', Array.from({ length: 2_500 }, (_, index) => ({ fence: 1, seq: index + 1, text: 'x', terminal: false, readSet: 1 })))
  const tail = journal.tail('r')
  const { signal } = new AbortController()
  const lengths: number[] = []
  for (let seq = 0; seq < 2_500; seq += must(lengths.at(-1))) lengths.push((await tail.next({ fence: 1, seq }, signal)).length)
  expect(lengths).toEqual([1_000, 1_000, 500])
  tail.close()
  await journal.close()
})

test('who read a run before it was held here is told when it comes, and when it comes back', async () => {
  const journal = memoryJournal()
  const { signal } = new AbortController()
  const frame = (seq: number, fence: number) => ({ fence, seq, text: 'x', terminal: false, readSet: 1 })
  const heard = vi.fn<() => void>()
  const early = journal.tail('r', heard)
  expect(await early.next({ fence: 1, seq: 1 }, signal)).toBe('elsewhere')
  journal.append('other', [frame(1, 1)])
  expect(heard).not.toHaveBeenCalled()
  journal.append('r', [frame(2, 2)])
  journal.append('r', [frame(3, 2)])
  expect(heard).toHaveBeenCalledTimes(1)
  journal.end('r')
  const late = journal.tail('r', heard)
  early.close()
  journal.append('r', [frame(4, 3)])
  expect(heard).toHaveBeenCalledTimes(2)
  late.close()
  journal.end('r')
  journal.append('r', [frame(4, 4)])
  expect(heard).toHaveBeenCalledTimes(2)
  await journal.close()
})
