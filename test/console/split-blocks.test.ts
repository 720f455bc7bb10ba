import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { splitBlocks } from '../../console/src/chat/split-blocks.ts'

describe('markdown is split', () => {
  test.for<[what: string, markdown: string, blocks: string[]]>([
    ['at blank lines', 'One.\n\nTwo\ngoes on.\n\n\nThree.', ['One.', 'Two\ngoes on.', 'Three.']],
    ['not in code, whatever stands in it', '```ts\na\n\n~~~\n\nb\n```\n\nAfter.', ['```ts\na\n\n~~~\n\nb\n```', 'After.']],
    ['not in code that is still open', 'Before.\n\n````\n```\n\nb', ['Before.', '````\n```\n\nb']],
    ['not between the items of a list', '- one\n\n- two\n\nAfter.', ['- one\n\n- two', 'After.']],
    ['not in an item', '1. one\n\n   more\n\n2. two', ['1. one\n\n   more\n\n2. two']],
    ['before a list that follows a paragraph', 'Here:\n\n- one', ['Here:', '- one']],
    ['not where there is nothing', '\n\n', []],
  ])('%s', ([, markdown, blocks]) => {
    expect(splitBlocks(markdown)).toEqual(blocks)
  })

  test('and nothing is lost or put in another order', () => {
    const line = fc.constantFrom('', '  ', 'word', '- item', '  more', '```', '~~~~', '1. one', '> said', '| a | b |')
    fc.assert(fc.property(fc.array(line), (lines) => {
      const words = (text: string) => text.split('\n').map((one) => one.trim()).filter(Boolean)
      expect(splitBlocks(lines.join('\n')).flatMap(words)).toEqual(words(lines.join('\n')))
    }))
  })

  test('all blocks but the last stay what they were while more arrives', () => {
    const text = 'A paragraph.\n\n- a\n- b\n\n```js\nx\n\ny\n```\n\n| a |\n| - |\n| 1 |\n\nThe end.'
    let before: readonly string[] = []
    for (let length = 1; length <= text.length; length += 1) {
      const blocks = splitBlocks(text.slice(0, length))
      expect(blocks.slice(0, before.length - 1)).toEqual(before.slice(0, -1))
      before = blocks
    }
  })
})
