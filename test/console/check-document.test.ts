import { describe, expect, test } from 'vitest'
import { firstHeading, readFile, refusalOf } from '../../console/src/documents/check-document.ts'

const file = (name: string, content: string | Uint8Array<ArrayBuffer>) => new File([content], name)

describe('a file', () => {
  test('is a document under its first heading', async () => {
    expect(await readFile(file('notes.md', '```\n# no\n```\n\n# The **plan** #\n\nText'))).toEqual({ ok: true, text: { title: 'The plan', body: '```\n# no\n```\n\n# The **plan** #\n\nText', media_type: 'text/markdown' } })
  })
  test('has its name where it has no heading; a text has no headings', async () => {
    expect(await readFile(file('My notes.markdown', 'Text'))).toMatchObject({ ok: true, text: { title: 'My notes', media_type: 'text/markdown' } })
    expect(await readFile(file('log.txt', '# Text'))).toMatchObject({ ok: true, text: { title: 'log', media_type: 'text/plain' } })
  })
  test('may begin with a byte order mark, which is not of the text', async () => {
    expect(await readFile(file('a.txt', '\uFEFFText'))).toMatchObject({ ok: true, text: { body: 'Text' } })
  })
  test.for([
    ['a.pdf', 'text', /neither Markdown/],
    ['a.md', new Uint8Array([0x67, 0x72, 0xfc, 0xdf]), /not UTF-8/],
    ['a.md', 'a\0b', /NUL/],
    ['a.md', 'x'.repeat(1_000_001), /1,000,001 characters/],
    ['a.md', '€'.repeat(700_000), /2 MB/],
    ['a.md', '"'.repeat(999_999), /2 MB/],
    ['a.md', '\u0001'.repeat(400_000), /2 MB/],
  ] as const)('%s is refused in words', async ([name, content, words]) => {
    const read = await readFile(file(name, content))
    expect(read.ok ? '' : read.words).toMatch(words)
  })
  test('may be as long as the server takes it', async () => {
    expect((await readFile(file('a.md', 'é'.repeat(990_000)))).ok).toBe(true)
  })
  test('that is gone is refused in words', async () => {
    expect(await readFile({ name: 'a.md', size: 1, arrayBuffer: () => Promise.reject(new Error('gone')) })).toMatchObject({ ok: false })
  })
})

test('the first heading is one line', () => {
  expect(firstHeading('text\n#  A\tb ')).toBe('A b')
  expect(firstHeading('## No\n#No')).toBeNull()
})

test('a title has a bound', () => {
  expect(refusalOf({ title: 'x'.repeat(201), body: '', media_type: 'text/plain' })).toMatch(/200/)
})
