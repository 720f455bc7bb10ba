import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Frame, Journal, Tail } from '../../src/index.ts'
import type { Position } from '../../src/lib/journal/journal.ts'

export interface JournalUnderTest {
  readonly journal: Journal
  /** Another node's journal, where the readers are. */
  readonly elsewhere?: Journal
  /** Bytes of settled frames that it keeps at the most; beyond them it must forget, so that memory is bounded. */
  readonly keptBytes: number
  /** Resolves when what was appended can be read by those who come now. */
  arrived?(last: ReadonlyMap<string, Position>): Promise<void>
}

const live = new AbortController().signal

function frames(from: number, to: number, { bytes = 1, fence = 1, terminal = false } = {}): Frame[] {
  return Array.from({ length: to - from + 1 }, (_, index) => ({ fence, seq: from + index, text: 'x'.repeat(bytes), terminal: terminal && from + index === to, readSet: 1 }))
}

/** A place under the first claim. */
function at(seq: number, fence = 1): Position {
  return { fence: seq === 0 ? 0 : fence, seq }
}

function seqsOf(read: readonly Frame[] | 'elsewhere'): readonly number[] | 'elsewhere' {
  return read === 'elsewhere' ? read : read.map((frame) => frame.seq)
}

/** What every journal promises. */
export function journalContract(name: string, create: () => Promise<JournalUnderTest> | JournalUnderTest): void {
  describe(`the journal contract: ${name}`, () => {
    async function begin() {
      const under = await create()
      const { journal, elsewhere: reading = journal } = under
      onTestFinished(async () => void (await Promise.all([journal.close(), reading.close()])))
      const last = new Map<string, Position>()
      const append = (runId: string, said: readonly Frame[]): void => {
        journal.append(runId, said)
        const newest = said.at(-1)
        if (newest) last.set(runId, newest)
      }
      const tail = (runId: string): Tail => {
        const opened = reading.tail(runId)
        onTestFinished(() => opened.close())
        return opened
      }
      return { ...under, reading, append, tail, arrived: async () => under.arrived?.(last) }
    }

    test('gives what was appended, in order, from any place', async () => {
      const { append, arrived, tail } = await begin()
      append('r', frames(1, 2))
      append('r', frames(3, 3))
      await arrived()
      const reader = tail('r')
      expect(seqsOf(await reader.next(at(0), live))).toEqual([1, 2, 3])
      expect(seqsOf(await reader.next(at(2), live))).toEqual([3])
      expect(await reader.next(at(0), live)).toEqual(frames(1, 3))
    })

    test('demands order: a gap or a repetition is a broken promise of the writer, and so is an older claim', async () => {
      const { append } = await begin()
      append('r', frames(1, 2))
      expect(() => append('r', frames(4, 4))).toThrow('out of order')
      expect(() => append('r', frames(2, 2))).toThrow('out of order')
      append('r', frames(3, 3, { fence: 2 }))
      expect(() => append('r', frames(4, 4))).toThrow('out of order')
      append('r', frames(4, 4, { fence: 2 }))
    })

    test('nothing appended is nothing', async () => {
      const { append, tail } = await begin()
      append('r', [])
      expect(await tail('r').next(at(0), live)).toBe('elsewhere')
    })

    test('begins where its writer begins: what came before is elsewhere', async () => {
      const { append, arrived, tail } = await begin()
      append('r', frames(8, 9))
      await arrived()
      const reader = tail('r')
      expect(await reader.next(at(0), live)).toBe('elsewhere')
      expect(await reader.next(at(6), live)).toBe('elsewhere')
      expect(seqsOf(await reader.next(at(7), live))).toEqual([8, 9])
    })

    test('runs do not meet', async () => {
      const { append, arrived, tail } = await begin()
      append('a', frames(1, 1))
      append('b', frames(1, 2))
      await arrived()
      expect(seqsOf(await tail('a').next(at(0), live))).toEqual([1])
      expect(seqsOf(await tail('b').next(at(0), live))).toEqual([1, 2])
      expect(await tail('c').next(at(0), live)).toBe('elsewhere')
    })

    test('a reader at the end waits, and wakes once for all that a tick brought', async () => {
      const { append, arrived, tail } = await begin()
      append('r', frames(1, 1))
      await arrived()
      const reader = tail('r')
      const waiting = reader.next(at(1), live)
      append('r', frames(2, 2))
      append('r', frames(3, 4))
      append('r', frames(5, 5))
      expect(seqsOf(await waiting)).toEqual([2, 3, 4, 5])
    })

    test('many readers wake to the same frames', async () => {
      const { append, arrived, tail } = await begin()
      append('r', frames(1, 1))
      await arrived()
      const waiting = Array.from({ length: 20 }, () => tail('r').next(at(1), new AbortController().signal))
      append('r', frames(2, 3))
      for (const read of await Promise.all(waiting)) expect(seqsOf(read)).toEqual([2, 3])
    })

    test('an abort wakes its reader with nothing, and no other', async () => {
      const { append, arrived, tail } = await begin()
      append('r', frames(1, 1))
      await arrived()
      const gone = new AbortController()
      const leaves = tail('r').next(at(1), gone.signal)
      const stays = tail('r').next(at(1), live)
      gone.abort()
      expect(await leaves).toEqual([])
      expect(await tail('r').next(at(1), AbortSignal.abort())).toEqual([])
      append('r', frames(2, 2))
      expect(seqsOf(await stays)).toEqual([2])
    })

    test('what is not settled is never forgotten', async () => {
      const { journal, append, arrived, tail, keptBytes } = await begin()
      append('r', frames(1, 10, { bytes: keptBytes }))
      await arrived()
      expect(seqsOf(await tail('r').next(at(0), live))).toHaveLength(10)
      journal.settle('r', 4)
      const reader = tail('r')
      expect(seqsOf(await reader.next(at(4), live))).toEqual([5, 6, 7, 8, 9, 10])
    })

    test('what is settled is forgotten beyond the bound, the oldest first, and is elsewhere then', async () => {
      const { journal, append, arrived, tail, keptBytes } = await begin()
      const third = Math.ceil(keptBytes / 3)
      append('r', frames(1, 9, { bytes: third }))
      await arrived()
      journal.settle('r', 9)
      append('r', frames(10, 10)) // with which other nodes hear of it
      await arrived()
      const reader = tail('r')
      expect(await reader.next(at(0), live)).toBe('elsewhere')
      expect(seqsOf(await reader.next(at(8), live))).toEqual([9, 10])
      append('r', frames(11, 11))
      expect(seqsOf(await reader.next(at(10), live))).toEqual([11])
    })

    test('a reader that waits while its place is forgotten is sent elsewhere or gets it: it loses nothing', async () => {
      const { journal, append, arrived, tail, keptBytes } = await begin()
      append('r', frames(1, 1))
      await arrived()
      const waiting = tail('r').next(at(1), live)
      append('r', frames(2, 5, { bytes: keptBytes }))
      journal.settle('r', 5)
      const read = seqsOf(await waiting)
      expect(read === 'elsewhere' || read[0] === 2).toBe(true)
    })

    test('settling what is unknown, and ending twice, is nothing', async () => {
      const { journal, append, tail } = await begin()
      journal.settle('nobody', 3)
      journal.end('nobody')
      append('r', frames(1, 1))
      journal.end('r')
      journal.end('r')
      journal.settle('r', 1)
      expect(await tail('r').next(at(0), live)).toBe('elsewhere')
    })

    test('who waits where nothing more is appended is sent elsewhere', async () => {
      const { journal, append, arrived, tail } = await begin()
      append('r', frames(1, 2))
      await arrived()
      const waiting = tail('r').next(at(2), live)
      journal.end('r')
      expect(await waiting).toBe('elsewhere')
    })

    test('the frames of an ended run are there until the last reader has gone', async () => {
      const { journal, reading, append, arrived } = await begin()
      append('r', frames(1, 2, { terminal: true }))
      await arrived()
      const one = reading.tail('r')
      const two = reading.tail('r')
      expect(seqsOf(await one.next(at(0), live))).toEqual([1, 2])
      journal.end('r')
      expect(seqsOf(await two.next(at(0), live))).toEqual([1, 2])
      one.close()
      const late = reading.tail('r')
      expect(seqsOf(await late.next(at(1), live))).toEqual([2])
      expect(await late.next(at(2), live)).toBe('elsewhere')
      late.close()
      two.close()
      const after = reading.tail('r')
      const read = seqsOf(await after.next(at(0), live))
      expect(read === 'elsewhere' || read.length === 2).toBe(true)
      after.close()
    })

    test('frames that came in the same tick as the end are not lost', async () => {
      const { journal, append, arrived, tail } = await begin()
      append('r', frames(1, 1))
      await arrived()
      const waiting = tail('r').next(at(1), live)
      append('r', frames(2, 3, { terminal: true }))
      journal.end('r')
      expect(seqsOf(await waiting)).toEqual([2, 3])
    })

    test('a later claim drops what was held beyond its base, and who has of that is sent elsewhere', async () => {
      const { append, arrived, tail } = await begin()
      append('r', frames(1, 5))
      await arrived()
      const reader = tail('r')
      expect(seqsOf(await reader.next(at(0), live))).toEqual([1, 2, 3, 4, 5])
      const waiting = tail('r').next(at(5), live)
      append('r', frames(4, 4, { fence: 2 }))
      expect(await waiting).toBe('elsewhere')
      expect(await reader.next(at(4), live)).toBe('elsewhere')
      expect(await reader.next(at(3), live)).toEqual(frames(4, 4, { fence: 2 }))
      append('r', frames(5, 6, { fence: 2 }))
      expect(await reader.next(at(4, 2), live)).toEqual(frames(5, 6, { fence: 2 }))
      expect(await reader.next(at(5), live)).toBe('elsewhere')
    })

    test('a reader within what was kept goes on over a claim, and over the next one', async () => {
      const { append, arrived, tail } = await begin()
      append('r', frames(1, 3))
      await arrived()
      const reader = tail('r')
      expect(seqsOf(await reader.next(at(0), live))).toEqual([1, 2, 3])
      const waiting = reader.next(at(3), live)
      append('r', frames(4, 4, { fence: 2 }))
      expect(await waiting).toEqual(frames(4, 4, { fence: 2 }))
      const next = reader.next(at(4, 2), live)
      append('r', frames(5, 5, { fence: 3 }))
      expect(await next).toEqual(frames(5, 5, { fence: 3 }))
      expect(await reader.next(at(2), live)).toEqual([...frames(3, 3), ...frames(4, 4, { fence: 2 }), ...frames(5, 5, { fence: 3 })])
    })

    test('an ended run comes back under a later claim: who had its old end goes elsewhere, who comes now reads the new one', async () => {
      const { journal, append, arrived, tail } = await begin()
      append('r', frames(1, 3))
      journal.settle('r', 1)
      await arrived()
      const old = tail('r')
      expect(seqsOf(await old.next(at(0), live))).toEqual([1, 2, 3])
      journal.end('r')
      append('r', frames(2, 2, { fence: 2, terminal: true }))
      await arrived()
      expect(await old.next(at(3), live)).toBe('elsewhere')
      expect(await tail('r').next(at(1, 2), live)).toEqual(frames(2, 2, { fence: 2, terminal: true }))
    })

    test('its close lets every reader go', async () => {
      const { journal, elsewhere: reading = journal } = await create()
      journal.append('r', frames(1, 1))
      const reader = reading.tail('r')
      const waiting = reader.next(at(1), live)
      await Promise.all([journal.close(), reading.close()])
      expect(await waiting).toBe('elsewhere')
      reader.close()
      expect(await reading.tail('r').next(at(0), live)).toBe('elsewhere')
      await nextTurn()
    })
  })
}
