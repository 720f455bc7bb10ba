import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Frame, Journal, Tail } from '../../src/index.ts'

export interface JournalUnderTest {
  readonly journal: Journal
  /** Bytes of settled frames that it keeps at the most; beyond them it must forget, so that memory is bounded. */
  readonly keptBytes: number
}

const live = new AbortController().signal

function frames(from: number, to: number, bytes = 1): Frame[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({ fence: 1, seq: from + index, text: 'x'.repeat(bytes), terminal: false, readSet: 1 }))
}

function seqsOf(read: readonly Frame[] | 'elsewhere'): readonly number[] | 'elsewhere' {
  return read === 'elsewhere' ? read : read.map((frame) => frame.seq)
}

/** What every journal promises. */
export function journalContract(name: string, create: () => Promise<JournalUnderTest> | JournalUnderTest): void {
  describe(`the journal contract: ${name}`, () => {
    async function begin() {
      const under = await create()
      onTestFinished(() => under.journal.close())
      const tail = (runId: string): Tail => {
        const opened = under.journal.tail(runId)
        onTestFinished(() => opened.close())
        return opened
      }
      return { ...under, tail }
    }

    test('gives what was appended, in order, from any place', async () => {
      const { journal, tail } = await begin()
      journal.append('r', frames(1, 2))
      journal.append('r', frames(3, 3))
      const reader = tail('r')
      expect(seqsOf(await reader.next(0, live))).toEqual([1, 2, 3])
      expect(seqsOf(await reader.next(2, live))).toEqual([3])
      expect(await reader.next(0, live)).toEqual(frames(1, 3))
    })

    test('demands order: a gap or a repetition is a broken promise of the writer', async () => {
      const { journal } = await begin()
      journal.append('r', frames(1, 2))
      expect(() => journal.append('r', frames(4, 4))).toThrow('out of order')
      expect(() => journal.append('r', frames(2, 2))).toThrow('out of order')
      journal.append('r', frames(3, 3))
    })

    test('nothing appended is nothing', async () => {
      const { journal, tail } = await begin()
      journal.append('r', [])
      expect(await tail('r').next(0, live)).toBe('elsewhere')
    })

    test('begins where its writer begins: what came before is elsewhere', async () => {
      const { journal, tail } = await begin()
      journal.append('r', frames(8, 9))
      const reader = tail('r')
      expect(await reader.next(0, live)).toBe('elsewhere')
      expect(await reader.next(6, live)).toBe('elsewhere')
      expect(seqsOf(await reader.next(7, live))).toEqual([8, 9])
    })

    test('runs do not meet', async () => {
      const { journal, tail } = await begin()
      journal.append('a', frames(1, 1))
      journal.append('b', frames(1, 2))
      expect(seqsOf(await tail('a').next(0, live))).toEqual([1])
      expect(await tail('c').next(0, live)).toBe('elsewhere')
    })

    test('a reader at the end waits, and wakes once for all that a tick brought', async () => {
      const { journal, tail } = await begin()
      journal.append('r', frames(1, 1))
      const reader = tail('r')
      const waiting = reader.next(1, live)
      journal.append('r', frames(2, 2))
      journal.append('r', frames(3, 4))
      journal.append('r', frames(5, 5))
      expect(seqsOf(await waiting)).toEqual([2, 3, 4, 5])
    })

    test('many readers wake to the same frames', async () => {
      const { journal, tail } = await begin()
      journal.append('r', frames(1, 1))
      const waiting = Array.from({ length: 20 }, () => tail('r').next(1, new AbortController().signal))
      journal.append('r', frames(2, 3))
      for (const read of await Promise.all(waiting)) expect(seqsOf(read)).toEqual([2, 3])
    })

    test('an abort wakes its reader with nothing, and no other', async () => {
      const { journal, tail } = await begin()
      journal.append('r', frames(1, 1))
      const gone = new AbortController()
      const leaves = tail('r').next(1, gone.signal)
      const stays = tail('r').next(1, live)
      gone.abort()
      expect(await leaves).toEqual([])
      expect(await tail('r').next(1, AbortSignal.abort())).toEqual([])
      journal.append('r', frames(2, 2))
      expect(seqsOf(await stays)).toEqual([2])
    })

    test('what is not settled is never forgotten', async () => {
      const { journal, tail, keptBytes } = await begin()
      journal.append('r', frames(1, 10, keptBytes))
      expect(seqsOf(await tail('r').next(0, live))).toHaveLength(10)
      journal.settle('r', 4)
      const reader = tail('r')
      expect(seqsOf(await reader.next(4, live))).toEqual([5, 6, 7, 8, 9, 10])
    })

    test('what is settled is forgotten beyond the bound, the oldest first, and is elsewhere then', async () => {
      const { journal, tail, keptBytes } = await begin()
      const third = Math.ceil(keptBytes / 3)
      journal.append('r', frames(1, 9, third))
      journal.settle('r', 9)
      const reader = tail('r')
      expect(await reader.next(0, live)).toBe('elsewhere')
      expect(seqsOf(await reader.next(8, live))).toEqual([9])
      journal.append('r', frames(10, 10, 1))
      expect(seqsOf(await reader.next(9, live))).toEqual([10])
    })

    test('a reader that waits while its place is forgotten is sent elsewhere or gets it: it loses nothing', async () => {
      const { journal, tail, keptBytes } = await begin()
      journal.append('r', frames(1, 1))
      const waiting = tail('r').next(1, live)
      journal.append('r', frames(2, 5, keptBytes))
      journal.settle('r', 5)
      const read = seqsOf(await waiting)
      expect(read === 'elsewhere' || read[0] === 2).toBe(true)
    })

    test('settling what is unknown, and ending twice, is nothing', async () => {
      const { journal, tail } = await begin()
      journal.settle('nobody', 3)
      journal.end('nobody')
      journal.append('r', frames(1, 1))
      journal.end('r')
      journal.end('r')
      journal.settle('r', 1)
      expect(await tail('r').next(0, live)).toBe('elsewhere')
    })

    test('the end wakes who waits; the frames are there until the last reader has gone, and elsewhere after', async () => {
      const { journal } = await begin()
      journal.append('r', frames(1, 2))
      const one = journal.tail('r')
      const two = journal.tail('r')
      const waiting = one.next(2, live)
      journal.end('r')
      expect(await waiting).toBe('elsewhere')
      expect(seqsOf(await two.next(0, live))).toEqual([1, 2])
      one.close()
      const late = journal.tail('r')
      expect(seqsOf(await late.next(1, live))).toEqual([2])
      late.close()
      two.close()
      const after = journal.tail('r')
      expect(await after.next(0, live)).toBe('elsewhere')
      after.close()
    })

    test('frames that came in the same tick as the end are not lost', async () => {
      const { journal, tail } = await begin()
      journal.append('r', frames(1, 1))
      const waiting = tail('r').next(1, live)
      journal.append('r', frames(2, 3))
      journal.end('r')
      expect(seqsOf(await waiting)).toEqual([2, 3])
    })

    test('its close lets every reader go', async () => {
      const { journal } = await create()
      journal.append('r', frames(1, 1))
      const reader = journal.tail('r')
      const waiting = reader.next(1, live)
      await journal.close()
      expect(await waiting).toBe('elsewhere')
      reader.close()
      await nextTurn()
    })
  })
}
