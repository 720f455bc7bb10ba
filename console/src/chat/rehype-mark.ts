/** From one place of a text to before another. */
export interface Range {
  readonly start: number
  readonly end: number
}

interface Node {
  readonly type: string
  readonly tagName?: string
  readonly value?: string
  children?: Node[]
  readonly properties?: Readonly<Record<string, never>>
  readonly position?: { readonly start: { readonly offset?: number }; readonly end: { readonly offset?: number } }
}

/** Puts what stands in this range of the source into `<mark>`. Only texts are wrapped, so the elements stay what they are. */
export function rehypeMark(range: Range) {
  return (tree: Node, file: { toString(): string }): void => markBelow(tree, file.toString(), range)
}

function markBelow(node: Node, source: string, range: Range): void {
  if (!node.children) return
  node.children = node.children.flatMap((child) => {
    markBelow(child, source, range)
    return child.type === 'text' ? markText(child, source, range) : [child]
  })
}

function markText(node: Node, source: string, { start, end }: Range): Node[] {
  const [from, to] = [node.position?.start.offset, node.position?.end.offset]
  const value = node.value ?? ''
  if (from === undefined || to === undefined || to <= start || from >= end || value.trim() === '') return [node]
  const places = placesOf(value, source, from)
  const first = places.findIndex((place) => place >= start)
  const after = places.findIndex((place) => place >= end)
  const [head, middle, tail] = [value.slice(0, first), value.slice(first, after < 0 ? undefined : after), after < 0 ? '' : value.slice(after)]
  if (first < 0 || middle === '') return [node]
  return [...textOf(head), { type: 'element', tagName: 'mark', properties: {}, children: textOf(middle) }, ...textOf(tail)]
}

/** A mark of Markdown, an entity or an indent that the text has lost is not longer. */
const MOST_LOST = 16

/** Where in the source each sign of a text stands: some of what is written is not said. */
function placesOf(value: string, source: string, from: number): readonly number[] {
  let at = from
  return Array.from({ length: value.length }, (_, index) => {
    const found = source.indexOf(value[index] ?? '', at)
    if (found >= at && found - at <= MOST_LOST) at = found
    at += 1
    return at - 1
  })
}

function textOf(value: string): Node[] {
  return value === '' ? [] : [{ type: 'text', value }]
}
