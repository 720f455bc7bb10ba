import type { JSONValue } from '@ai-sdk/provider'

const MOST_LINES = 20
const LONGEST_LINE = 240

/** A tool's output as a list a person can read, cut to a length that an answer can bear. */
export function describeValue(value: JSONValue): string {
  const lines = linesOf(value, '')
  const shown = lines.slice(0, MOST_LINES)
  return lines.length > MOST_LINES ? [...shown, `- … and ${lines.length - MOST_LINES} more`].join('\n') : shown.join('\n')
}

/** A text on one line, without what would mean something in an answer: links, images, emphasis, and citations that are not the answer's own. */
export function quotable(text: string): string {
  return text
    .replace(/\s+/g, ' ')
    .replace(/!?\[([^[\]]*)\]\([^()]*\)/g, '$1')
    .replace(/ ?\[\d+\]/g, '')
    .replace(/\*\*|__/g, '')
    .trim()
}

/** A quotable text no longer than asked. */
export function clip(text: string, longest = LONGEST_LINE): string {
  const line = quotable(text)
  return line.length > longest ? `${line.slice(0, longest - 1)}…` : line
}

function linesOf(value: JSONValue, indent: string): string[] {
  if (!isNested(value)) return [`${indent}${inline(value)}`]
  if (isList(value)) return value.length === 0 ? [`${indent}- none`] : value.map((item) => `${indent}- ${clip(inline(item))}`)
  return Object.entries(value).flatMap(([key, item]) => {
    const name = `${indent}- ${label(key)}:`
    return isNested(item) ? [name, ...linesOf(item, `${indent}  `)] : [`${name} ${clip(inline(item))}`]
  })
}

function inline(value: JSONValue | undefined): string {
  if (value === null || value === undefined) return 'none'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (!isNested(value)) return clip(String(value))
  if (isList(value)) return value.map(inline).join(', ')
  return Object.entries(value)
    .map(([key, item]) => `${label(key)}: ${inline(item)}`)
    .join(', ')
}

type Nested = Extract<JSONValue, object>

const isNested = (value: JSONValue | undefined): value is Nested => typeof value === 'object' && value !== null
const isList = (value: Nested): value is readonly JSONValue[] => Array.isArray(value)

/** `dueDate` and `due_date` are "due date"; a key that is no name in code stays as it is. */
function label(key: string): string {
  if (!/^[A-Za-z][\w-]*$/.test(key)) return clip(key)
  const words = key.replace(/(?<=[a-z\d])(?=[A-Z][a-z])/g, ' ').replace(/[_-]+/g, ' ')
  return words.toLowerCase()
}
