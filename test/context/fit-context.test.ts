import { describe, expect, test } from 'vitest'
import { allotTokens } from '../../src/lib/context/allot-tokens.ts'
import type { Slice } from '../../src/lib/context/context-source.ts'
import { cutText, estimateTokens } from '../../src/lib/context/estimate-tokens.ts'
import { fitContext } from '../../src/lib/context/fit-context.ts'
import type { BranchMessage } from '../../src/lib/context/read-branch.ts'
import { must } from '../support/stage.ts'

describe('allotTokens', () => {
  test('serves by priority, and equals in order', () => {
    const demand = (priority: number) => ({ priority, tokens: 100 })
    expect(allotTokens([demand(1), demand(3), demand(2)], 250)).toEqual([0, 100, 100])
    expect(allotTokens([demand(1), demand(3), demand(2)], 300)).toEqual([100, 100, 100])
    expect(allotTokens([demand(5), demand(5), demand(5)], 170)).toEqual([100, 70, 0])
  })

  test('gives what must be told all of it, and the rest what is left', () => {
    const whole = { priority: Infinity, tokens: 500 }
    expect(allotTokens([{ priority: 9, tokens: 100 }, whole, whole], 100)).toEqual([0, 500, 500])
    expect(allotTokens([{ priority: 9, tokens: 100 }, whole], 580)).toEqual([80, 500])
  })

  test('holds a demand to its own bound, and gives what is too little to say anything to the next', () => {
    expect(allotTokens([{ priority: 2, tokens: 1_000, most: 300 }, { priority: 1, tokens: 200 }], 400)).toEqual([300, 100])
    expect(allotTokens([{ priority: 2, tokens: 1_000 }, { priority: 1, tokens: 40 }], 63)).toEqual([0, 40])
    expect(allotTokens([{ priority: 2, tokens: 10 }, { priority: 1, tokens: 10 }], 15)).toEqual([10, 0])
  })
})

describe('cutText', () => {
  test('never goes through a character, and never over the tokens', () => {
    const text = 'aé€😀'.repeat(20)
    for (let tokens = 0; tokens <= estimateTokens(text); tokens += 1) {
      const cut = cutText(text, tokens)
      expect(text.startsWith(cut)).toBe(true)
      expect(cut.isWellFormed()).toBe(true)
      expect(estimateTokens(cut)).toBeLessThanOrEqual(tokens)
    }
    expect(cutText(text, 10_000)).toBe(text)
  })

  test('ends with a line where one ends in its second half', () => {
    expect(cutText('one line\nand another\nand a third', 7)).toBe('one line\nand another')
    expect(cutText('one\nand a line that is far longer', 7)).toBe('one\nand a line that i')
  })
})

const slice = (source: string, priority: number, tokens: number, reads: string[] = []): Slice => ({
  source, priority, reads, scope: 'project', kind: 'data', text: 'word '.repeat(Math.ceil((tokens * 3) / 5)).slice(0, tokens * 3),
})
const said = (role: BranchMessage['role'], tokens: number): BranchMessage => ({
  role, reads: [], parts: JSON.stringify([{ type: 'text', text: 'x'.repeat(tokens * 3 - 27) }]),
})
const offer = (slices: Slice[], branch: BranchMessage[]) => ({ slices, missing: [], branch, tools: [], home: 'project' as const })

describe('fitContext', () => {
  test('keeps all that fits, and says so', () => {
    const fitted = fitContext(offer([slice('a', 50, 100)], [said('user', 100), said('assistant', 100), said('user', 50)]), { contextTokens: 1_000, historyMessages: 200 })
    expect(fitted).toMatchObject({ forgetful: false, slices: [{ source: 'a' }] })
    expect(fitted.branch).toHaveLength(3)
    expect(fitted.manifest.entries.map(({ source, outcome, tokens, told }) => [source, outcome, tokens === told])).toEqual([
      ['a', 'kept', true], ['tools', 'kept', true], ['history', 'kept', true], ['question', 'kept', true],
    ])
  })

  test('cuts, then drops, what has the lowest priority; the question is told whatever it costs', () => {
    const slices = [slice('low', 10, 200), slice('high', 90, 200), slice('middle', 50, 200)]
    const fitted = fitContext(offer(slices, [said('user', 100)]), { contextTokens: 401, historyMessages: 200 })
    expect(fitted.slices.map(({ source }) => source)).toEqual(['high', 'middle'])
    expect(must(fitted.slices[1]).text).toMatch(/\n\(The rest is left out\.\)$/)
    expect(fitted.manifest.entries.slice(0, 3)).toEqual([
      { source: 'low', scope: 'project', tokens: 200, told: 0, outcome: 'dropped', reason: 'budget' },
      { source: 'high', scope: 'project', tokens: 200, told: 200, outcome: 'kept', reason: null },
      { source: 'middle', scope: 'project', tokens: 200, told: expect.toSatisfy((told: number) => told > 80 && told <= 100), outcome: 'cut', reason: 'budget' },
    ])
    const poor = fitContext(offer(slices, [said('user', 5_000)]), { contextTokens: 401, historyMessages: 200 })
    expect(poor.slices).toEqual([])
    expect(poor.branch).toHaveLength(1)
  })

  test('leaves three quarters to history at the most, drops its oldest first, and begins it with a person', () => {
    const turns = Array.from({ length: 20 }, (_, index) => said(index % 2 === 0 ? 'user' : 'assistant', 100))
    const fitted = fitContext(offer([slice('low', 10, 200)], [...turns, said('user', 10)]), { contextTokens: 1_000, historyMessages: 200 })
    // 750 tokens are seven messages, of which the first would be an answer.
    expect(fitted.branch).toEqual([...turns.slice(14), said('user', 10)])
    expect(fitted.forgetful).toBe(true)
    expect(fitted.slices).toHaveLength(1)
    expect(fitted.manifest.entries.find(({ source }) => source === 'history')).toMatchObject({
      outcome: 'cut', reason: 'budget', tokens: 2_000, told: 600, messages: { told: 6, of: 20 },
    })
  })

  test('knows that messages beyond the limit were never read', () => {
    const fitted = fitContext(offer([], [said('assistant', 10), said('user', 10), said('assistant', 10), said('user', 10)]), { contextTokens: 1_000, historyMessages: 3 })
    expect(fitted.forgetful).toBe(true)
    expect(fitted.branch).toHaveLength(3)
    expect(fitted.manifest.entries).toContainEqual(expect.objectContaining({ source: 'history', outcome: 'cut', reason: 'limit' }))
  })

  test('shows all where there is just as much as the limit', () => {
    const fitted = fitContext(offer([], [said('user', 10), said('assistant', 10), said('user', 10)]), { contextTokens: 1_000, historyMessages: 3 })
    expect(fitted).toMatchObject({ forgetful: false, branch: { length: 3 } })
    expect(fitted.manifest.entries).toContainEqual(expect.objectContaining({ source: 'history', outcome: 'kept', reason: null }))
  })

  test('begins with a person also where the limit goes through a turn', () => {
    const branch = [said('user', 10), said('assistant', 10), said('user', 11), said('assistant', 10), said('user', 12)]
    const fitted = fitContext(offer([], branch), { contextTokens: 1_000, historyMessages: 4 })
    expect(fitted.branch).toEqual(branch.slice(2))
  })

  test('of what is dropped nothing counts as read', () => {
    const fitted = fitContext(offer([slice('kept', 90, 100, ['p1']), slice('dropped', 10, 100, ['p2'])], [said('user', 10)]), { contextTokens: 120, historyMessages: 200 })
    expect(fitted.slices.flatMap(({ reads }) => reads)).toEqual(['p1'])
  })
})
