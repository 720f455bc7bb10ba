import type { DynamicToolUIPart } from 'ai'

export interface Found {
  readonly id: string
  readonly title: string
  readonly snippet: string
}

/** In words what a tool was called for. Ambit's own are known; another's name is made readable. */
export function describeCall({ toolName, input, output }: Pick<DynamicToolUIPart, 'toolName' | 'input' | 'output'>): string {
  if (toolName === 'search_documents') return `Searched the documents for “${textIn(input, 'query')}”`
  if (toolName === 'read_document') return `Read ${titled(textIn(output, 'title'))}`
  if (toolName === 'list_projects') return 'Listed the projects'
  return sentenceOf(toolName)
}

/** The documents that a search found; null for any other call. */
export function foundBy({ toolName, state, output }: DynamicToolUIPart): readonly Found[] | null {
  if (toolName !== 'search_documents' || state !== 'output-available' || !isObject(output) || !Array.isArray(output['results'])) return null
  return (output['results'] as unknown[]).flatMap((one) => (isObject(one) ? [{ id: textIn(one, 'id'), title: textIn(one, 'title'), snippet: textIn(one, 'snippet') }] : []))
}

function titled(title: string): string {
  return title === '' ? 'a document' : `“${title}”`
}

/** `find_open_invoices`, `findOpenInvoices`: Find open invoices. */
function sentenceOf(name: string): string {
  const words = name.replace(/([a-z])([A-Z])/g, '$1 $2').replace(/[_.-]+/g, ' ').trim().toLowerCase()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function textIn(value: unknown, name: string): string {
  const found = isObject(value) ? value[name] : undefined
  return typeof found === 'string' ? found : ''
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
