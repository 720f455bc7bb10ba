import type { Profiler } from 'node:inspector'

/** Time of a function, or of a package. */
export interface Spent {
  readonly what: string
  readonly micros: number
}

/** Where a process spent its time. */
export interface Summary {
  readonly busyMicros: number
  /** A function's own time, without what it called. */
  readonly functions: readonly Spent[]
  /** By whose work it was: a file of ours or a package, with what Node did for it in the same turn. */
  readonly owners: readonly Spent[]
  /** A function of ours with all that it called in the same turn. */
  readonly calls: readonly Spent[]
}

interface Node {
  readonly name: string
  readonly place: string
  readonly line: number
  parent: Node | null
}

const SHOWN = 40
const ROOT = new URL('..', import.meta.url).href

export function summarise({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): Summary {
  const tree = treeOf(nodes)
  const [functions, owners, calls] = [new Map<string, number>(), new Map<string, number>(), new Map<string, number>()]
  let busyMicros = 0
  samples.forEach((id, index) => {
    const micros = timeDeltas[index] ?? 0
    const node = tree.get(id)
    if (!node || isIdle(node)) return
    busyMicros += micros
    add(functions, labelOf(node), micros)
    add(owners, ownerOf(node), micros)
    const stack = [...stackOf(node)]
    for (const what of new Set(stack.filter((one) => isOurs(one.place)).map(labelOf))) add(calls, what, micros)
  })
  return { busyMicros, functions: top(functions), owners: top(owners), calls: top(calls) }
}

function treeOf(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, Node> {
  const tree = new Map(
    nodes.map(({ id, callFrame: { functionName, url, lineNumber } }): [number, Node] => [
      id,
      { name: functionName || '(anonymous)', place: placeOf(url), line: lineNumber + 1, parent: null },
    ]),
  )
  for (const { id, children = [] } of nodes) {
    for (const child of children) {
      const node = tree.get(child)
      if (node) node.parent = tree.get(id) ?? null
    }
  }
  return tree
}

/** The profiler's own writing of the profile is none of the server's time. */
function isIdle(node: Node): boolean {
  return node.name === '(idle)' || node.place === 'node:inspector'
}

function* stackOf(node: Node): Generator<Node> {
  for (let one: Node | null = node; one; one = one.parent) yield one
}

/** Web streams, sockets and timers work for whoever called them; what nobody's code called is Node's own. */
function ownerOf(node: Node): string {
  for (const { place } of stackOf(node)) {
    if (place.includes('node_modules/')) return packageOf(place)
    if (isOurs(place) || place.startsWith('node:internal/deps/')) return place
  }
  return node.place === '' ? `Node: ${node.name}` : node.place
}

function isOurs(place: string): boolean {
  return place !== '' && !place.startsWith('node:') && !place.includes('node_modules/')
}

function packageOf(place: string): string {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(place)?.[1] ?? place
}

function placeOf(url: string): string {
  return url.startsWith(ROOT) ? url.slice(ROOT.length) : url.replace(/^file:.*\/node_modules\//, 'node_modules/')
}

function labelOf({ name, place, line }: Node): string {
  return place === '' ? name : `${name} ${place}:${line}`
}

function add(sums: Map<string, number>, what: string, micros: number): void {
  sums.set(what, (sums.get(what) ?? 0) + micros)
}

function top(sums: ReadonlyMap<string, number>): readonly Spent[] {
  return [...sums].map(([what, micros]) => ({ what, micros })).sort((a, b) => b.micros - a.micros).slice(0, SHOWN)
}
