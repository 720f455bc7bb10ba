import { expect, test, vi } from 'vitest'
import { memoryJournal } from '../../src/index.ts'
import { journalContract } from '../contracts/journal.ts'

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
