import { expect, test } from 'vitest'
import { rehypeMark } from '../../console/src/chat/rehype-mark.ts'

type Tree = Parameters<ReturnType<typeof rehypeMark>>[0]

/** A text as it was read from a piece of the source. */
function text(value: string, source: string, escaped = value): Tree {
  const offset = source.indexOf(escaped)
  return { type: 'text', value, position: { start: { offset }, end: { offset: offset + escaped.length } } }
}

const element = (tagName: string, ...children: Tree[]): Tree => ({ type: 'element', tagName, children })

function written({ type, tagName, value = '', children = [] }: Tree): string {
  const inner = value + children.map(written).join('')
  return type === 'element' ? `<${tagName}>${inner}</${tagName}>` : inner
}

function marked(source: string, words: string, tree: Tree): string {
  const start = source.indexOf(words)
  rehypeMark({ start, end: start + words.length })(tree, source)
  return written(tree)
}

test('a part of a text is marked', () => {
  const source = 'One. Two three. Four.'
  expect(marked(source, 'Two three.', element('p', text(source, source)))).toBe('<p>One. <mark>Two three.</mark> Four.</p>')
})

test('each text of a passage is marked where it stands', () => {
  const source = 'A **bold word** here.'
  const tree = element('p', text('A ', source), element('strong', text('bold word', source)), text(' here.', source))
  expect(marked(source, 'bold word** here', tree)).toBe('<p>A <strong><mark>bold word</mark></strong><mark> here</mark>.</p>')
})

test('what the source has and the text has not is passed over', () => {
  const source = '- Brouwer &amp; Stam\n  \\* Co. End. More'
  const tree = element('li', text('Brouwer & Stam\n* Co. End. More', source, source.slice(2)))
  expect(marked(source, 'End.', tree)).toBe('<li>Brouwer & Stam\n* Co. <mark>End.</mark> More</li>')
})

test('a text without a place, and one outside of the passage, stay as they are', () => {
  const source = 'One. Two.'
  expect(marked(source, 'Two.', element('p', { type: 'text', value: 'Made up.' }, text('One.', source)))).toBe('<p>Made up.One.</p>')
})
