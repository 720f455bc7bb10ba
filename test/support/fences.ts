import { posix } from 'node:path'
import type { Directive, Expression, ModuleExportName, Program, Statement, Super, VisitorObject } from 'oxc-parser'
import { Visitor, parseSync } from 'oxc-parser'

/** `path` from the root of the repository, with slashes. */
export interface SourceFile {
  readonly path: string
  readonly source: string
}

/** From top to bottom; an import goes down or stays. Above them all: the public files, `src/*.ts`. */
const rooms =
  'cli create-ambit open-engine demo http run context tools scope identity directory model journal client wire limits store observe'.split(' ')

interface Fence {
  /** Where the thing may stand: a file, a folder (ends in a slash), or a file that may name its types only. */
  readonly inside: readonly string[]
  readonly typesOnly?: readonly string[]
}

const packages: readonly (Fence & { readonly name: RegExp })[] = [
  { name: /^(pg|@electric-sql\/pglite)(\/|$)/, inside: ['src/lib/store/', 'src/pg.ts'] },
  { name: /^(hono|@hono\/[^/]+)(\/|$)/, inside: ['src/lib/http/', 'src/node.ts'] },
  { name: /^(express|fastify)(\/|$)/, inside: [], typesOnly: ['src/fastify.ts'] },
  { name: /^@ai-sdk\//, inside: ['src/lib/model/'], typesOnly: ['src/lib/open-engine.ts', 'src/lib/create-ambit.ts', 'src/index.ts'] },
  { name: /^ai$/, inside: [], typesOnly: ['src/client.ts', 'src/lib/client/'] },
  { name: /^jose(\/|$)/, inside: ['src/lib/identity/'] },
  { name: /^ioredis(\/|$)/, inside: ['src/lib/journal/redis-link.ts'] },
  { name: /^prom-client$/, inside: ['src/lib/observe/'] },
  { name: /^drizzle-orm(\/|$)/, inside: ['src/drizzle.ts'] },
  { name: /^kysely(\/|$)/, inside: ['src/kysely.ts'] },
  { name: /^(node:)?process$/, inside: ['src/main.ts'] },
  { name: /^(node:)?async_hooks$/, inside: ['src/lib/store/'] },
]

const environment: Fence = { inside: ['src/main.ts'] }
const chance: Fence = { inside: ['src/main.ts', 'src/lib/create-ambit.ts', 'src/client.ts'] }
const sql: Fence = { inside: ['src/lib/store/', 'src/pg.ts'] }
const ambient: Fence = { inside: ['src/lib/store/'] }

const looksLikeSql = /\b(select\b.*\bfrom|insert\s+into|update\b.*\bset|delete\s+from)\b/is
const emptyNames = /^(utils?|helpers?|managers?|handlers?|services?|sessions?|common|misc)$/

/** What breaks the rules of the house, as `file:line: what`. Pure, so that the fences themselves can be tested. */
export function violations(files: readonly SourceFile[]): string[] {
  const found = files.map(inspect)
  return [...found.flatMap((file) => file.violations), ...findCycles(found.flatMap((file) => file.imports))]
}

interface Import {
  readonly from: string
  readonly specifier: string
  /** Path of a file of this repository; `null` for a package. */
  readonly target: string | null
  readonly typeOnly: boolean
  readonly at: string
}

function inspect({ path, source }: SourceFile): { violations: string[]; imports: Import[] } {
  const { program, errors } = parseSync(path, source)
  const reports: string[] = []
  const imports: Import[] = []
  const at = (offset: number) => `${path}:${source.slice(0, offset).split('\n').length}`
  const report = (node: { start: number }, what: string) => reports.push(`${at(node.start)}: ${what}`)
  const guard = (node: { start: number }, fence: Fence, what: string) => {
    if (!isInside(path, fence.inside)) report(node, `${what} outside ${fence.inside.join(', ')}`)
  }
  const addImport = (node: { start: number }, specifier: string, typeOnly: boolean) => {
    const target = specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : null
    const made: Import = { from: path, specifier, target, typeOnly, at: at(node.start) }
    imports.push(made)
    const wrong = target === null ? judgePackage(made) : judgeRooms(path, target)
    if (wrong !== null) report(node, wrong)
  }

  const origin = { start: 0 }
  for (const error of errors) report({ start: error.labels[0]?.start ?? 0 }, `does not parse: ${error.message}`)
  if (path.split(/[/.-]/).some((word) => emptyNames.test(word))) report(origin, 'a name that says nothing')
  if (path.startsWith('src/lib/') && roomOf(path) === null) report(origin, 'not in a room')
  if (path.startsWith('src/lib/') && isBarrel(program)) report(origin, 'a barrel')

  const visitor: VisitorObject = {
    // `import { type A }` still loads the file: only `import type` is erased as a whole.
    ImportDeclaration: (node) => addImport(node, node.source.value, node.importKind === 'type'),
    ExportAllDeclaration: (node) => addImport(node, node.source.value, node.exportKind === 'type'),
    ExportNamedDeclaration(node) {
      if (node.source) addImport(node, node.source.value, node.exportKind === 'type')
      if (node.specifiers.some(({ exported }) => nameOf(exported) === 'default')) report(node, 'default export')
    },
    ImportExpression: (node) => {
      if (node.source.type === 'Literal') addImport(node, String(node.source.value), false)
    },
    TSImportType: (node) => addImport(node, node.source.value, true),

    TSAnyKeyword: (node) => report(node, 'any'),
    TSEnumDeclaration: (node) => report(node, 'enum'),
    ExportDefaultDeclaration: (node) => report(node, 'default export'),

    MemberExpression(node) {
      const object = lastName(node.object)
      const name = `${object}.${lastName(node)}`
      if (name === 'process.env' || name === 'meta.env') guard(node, environment, name)
      if (name === 'Date.now' || name === 'Math.random' || name === 'crypto.randomUUID') guard(node, chance, name)
    },
    VariableDeclarator(node) {
      const takenApart = node.id.type === 'ObjectPattern' ? lastName(node.init) : null
      if (takenApart === 'process') guard(node, environment, 'process taken apart')
    },
    NewExpression(node) {
      if (lastName(node.callee) === 'Date' && node.arguments.length === 0) guard(node, chance, 'new Date()')
    },
    CallExpression(node) {
      if (node.callee.type === 'Identifier' && node.callee.name === 'Date') guard(node, chance, 'Date()')
    },
    ImportSpecifier(node) {
      if (nameOf(node.imported) === 'randomUUID') guard(node, chance, 'randomUUID')
    },
    Identifier(node) {
      if (node.name === 'AsyncLocalStorage') guard(node, ambient, node.name)
    },
    Literal(node) {
      if (typeof node.value === 'string' && looksLikeSql.test(node.value)) guard(node, sql, 'SQL')
    },
    TemplateLiteral(node) {
      if (looksLikeSql.test(node.quasis.map((quasi) => quasi.value.cooked).join('?'))) guard(node, sql, 'SQL')
    },
  }
  new Visitor(visitor).visit(program)
  return { violations: reports, imports }
}

function judgePackage({ from, specifier, typeOnly }: Import): string | null {
  const fence = packages.find(({ name }) => name.test(specifier))
  if (fence === undefined || isInside(from, fence.inside)) return null
  return typeOnly && isInside(from, fence.typesOnly ?? []) ? null : `${specifier} outside ${fence.inside.join(', ') || 'types'}`
}

/** Types count too: a room that knows the shapes of a higher one cannot be understood, or taken away, without it. */
function judgeRooms(from: string, target: string): string | null {
  if (!from.startsWith('src/lib/') || !target.startsWith('src/')) return null
  const [here, there] = [roomOf(from), roomOf(target)]
  if (here === null || here === there) return null
  if (there === null) return `${here} imports the public ${target}`
  if (there === 'http' && here !== 'cli' && here !== 'create-ambit' && here !== 'open-engine') return `${here} imports http`
  return rooms.indexOf(there) < rooms.indexOf(here) ? `${here} imports ${there}, a room above it` : null
}

function roomOf(path: string): string | null {
  const room = /^src\/lib\/(?:([^/]+)\/|(create-ambit|open-engine)\.ts$)/.exec(path)
  const name = room?.[1] ?? room?.[2]
  return name !== undefined && rooms.includes(name) ? name : null
}

function isBarrel({ body }: Program): boolean {
  const passesOn = (node: Statement | Directive) =>
    node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.declaration === null)
  return body.some(passesOn) && body.every((node) => passesOn(node) || node.type === 'ImportDeclaration')
}

/** One report per cycle: at the import that closes it, when the files are walked depth first. */
function findCycles(imports: readonly Import[]): string[] {
  const edges = Map.groupBy(
    imports.filter(({ typeOnly }) => !typeOnly),
    ({ from }) => from,
  )
  const done = new Set<string>()
  const walk = (file: string, trail: readonly string[]): string[] => {
    if (done.has(file)) return []
    const way = [...trail, file]
    const cycles = (edges.get(file) ?? []).flatMap(({ target, at }) => {
      if (target === null) return []
      const start = way.indexOf(target)
      return start < 0 ? walk(target, way) : [`${at}: cycle ${[...way.slice(start), target].join(' -> ')}`]
    })
    done.add(file)
    return cycles
  }
  return [...edges.keys()].flatMap((file) => walk(file, []))
}

function isInside(path: string, places: readonly string[]): boolean {
  return places.some((place) => (place.endsWith('/') ? path.startsWith(place) : path === place))
}

/** `env` of `globalThis.process.env` and of `globalThis.process['env']`. */
function lastName(node: Expression | Super | null): string {
  if (node === null) return ''
  if (node.type === 'Identifier') return node.name
  if (node.type === 'MetaProperty') return node.property.name
  if (node.type !== 'MemberExpression') return ''
  if (node.property.type === 'Literal') return String(node.property.value)
  return node.property.type === 'Identifier' && !node.computed ? node.property.name : ''
}

function nameOf(node: ModuleExportName): string {
  return node.type === 'Literal' ? node.value : node.name
}
