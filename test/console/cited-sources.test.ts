import { describe, expect, test } from 'vitest'
import { citedSources, wordsBefore } from '../../console/src/chat/cited-sources.ts'
import type { AmbitMessage } from '../../console/src/chat/ambit-message.ts'

const source = (number: number, sourceId: string, title = sourceId): AmbitMessage['parts'][number] => ({ type: 'source-document', sourceId, mediaType: 'text/markdown', title, providerMetadata: { ambit: { number } } })
const search = (output: unknown): AmbitMessage['parts'][number] => ({ type: 'dynamic-tool', toolName: 'search_documents', toolCallId: 'call_1', state: 'output-available', input: {}, output })

describe('sources', () => {
  test('are known by their numbers, in order, with what the search showed of them', () => {
    const sources = citedSources([search({ results: [{ id: 'doc_a', title: 'A', snippet: 'the launch is in May' }] }), source(2, 'doc_b'), source(1, 'doc_a')])
    expect([...sources]).toEqual([[1, { id: 'doc_a', title: 'doc_a', words: 'the launch is in May' }], [2, { id: 'doc_b', title: 'doc_b', words: '' }]])
  })

  test.for([null, 'text', 7, { results: 'none' }, { results: [null, 1, { id: 7, snippet: {} }] }])('are found beside an output that is %j', (output) => {
    expect([...citedSources([search(output), source(1, 'doc_a')]).keys()]).toEqual([1])
  })
})

describe('the words that a citation stands for', () => {
  test.for<[text: string, number: number, words: string]>([
    ['First. The launch is in May. [1]', 1, 'The launch is in May.'],
    ['A line\nThe launch is in May [1] and more', 1, 'The launch is in May'],
    ['Both are true [1][2].', 2, 'Both are true'],
    ['Nothing names it.', 3, ''],
    ['[1]', 1, ''],
  ])('%j', ([text, number, words]) => {
    expect(wordsBefore(text, number)).toBe(words)
  })

  test('are never more than an address holds', () => {
    expect(wordsBefore(`${'a'.repeat(5_000)} [1]`, 1).length).toBeLessThanOrEqual(300)
  })
})
