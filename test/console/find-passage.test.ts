import { describe, expect, test } from 'vitest'
import { findPassage } from '../../console/src/documents/find-passage.ts'
import { splitDocument } from '../../console/src/documents/split-document.ts'

const DOCUMENT = `Written by Bob Okafor. The launch is on Monday,
14 September 2026 at 05:00, before the first shift.

## Waves

| wave | carrier |
| --- | --- |
| 1 | Brandt Haulage |
| 2 | Pennine Freight |

- **Code freeze** from 31 August. Only fixes go in,
  each approved by Carol Mendes.
- Load test on 2 September with 1,400 simulated dispatchers.
`
const found = (words: string, text = DOCUMENT) => {
  const passage = findPassage(text, words)
  return passage && text.slice(passage.start, passage.end)
}

describe('a passage', () => {
  test.for([
    ['The launch is on Monday, 14 September 2026 at 05:00', 'The launch is on Monday,\n14 September 2026 at 05:00, before the first shift.'],
    ['CODE FREEZE: from 31 August', '- **Code freeze** from 31 August.'],
    ['the load is tested with 1,400 dispatchers', '- Load test on 2 September with 1,400 simulated dispatchers.'],
    ['2 · Pennine Freight', '| 2 | Pennine Freight |'],
    ['freeze from 31 August. Only fixes go in, each approved by Carol Mendes', '- **Code freeze** from 31 August. Only fixes go in,\n  each approved by Carol Mendes.'],
  ] as const)('of %s', ([words, expected]) => {
    expect(found(words)).toBe(expected)
  })

  test.for(['', '…', 'nothing of the sort was ever said here', 'a b c'])('is not found for %j', (words) => {
    expect(found(words)).toBeNull()
  })

  test('is found where words are not parted by spaces', () => {
    expect(found('発売日は九月です', '概要。製品の発売日は九月十四日です。担当は山田です。')).toBe('製品の発売日は九月十四日です。')
  })

  test('does not grow over a document that says one thing all the time', () => {
    expect(found('again and again', 'again and again. '.repeat(1_000))?.length).toBeLessThan(100)
  })

  test.for([
    ['sentences', 'Word and word, some of them said again. '.repeat(25_000)],
    ['one line without an end', 'word '.repeat(200_000)],
    ['one word', 'x'.repeat(1_000_000)],
    ['short lines', '- a\n'.repeat(250_000)],
    ['blanks', `a${' '.repeat(999_998)}b`],
    ['signs', '*_'.repeat(500_000)],
    ['ends without a blank', '.)'.repeat(500_000)],
  ] as const)('takes no time that grows faster than the document: %s', ([, text]) => {
    const begin = performance.now()
    findPassage(text, 'some word '.repeat(1_000))
    splitDocument(text, 'text/markdown')
    splitDocument(text, 'text/plain')
    expect(performance.now() - begin).toBeLessThan(4_000)
  })
})

describe('the pieces of a document', () => {
  test.for(['text/markdown', 'text/plain'])('hold all of its words, in order: %s', (mediaType) => {
    const long = `${DOCUMENT}\n\n${'word '.repeat(9_000)}\n\n${DOCUMENT.repeat(20)}`
    const pieces = splitDocument(long, mediaType)
    expect(pieces.map(({ start, end }) => long.slice(start, end)).join(' ').match(/\S+/g)).toEqual(long.match(/\S+/g))
    for (const { start, end } of pieces) expect(end - start).toBeLessThanOrEqual(20_000)
  })
})
