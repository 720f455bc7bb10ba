import { createHash } from 'node:crypto'
import { existsSync, globSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = join(import.meta.dirname, '..')
const source = join(root, 'console')
const dist = join(source, 'dist')
const stamp = join(dist, 'built-from')

/** What a first visit loads, gzipped: the page, its styles, and its scripts before any that come later. */
const FIRST_LOAD_BYTES = 200_000
/** Of any one of those that come later. */
const LAZY_BYTES = 120_000

/** Builds the console into `console/dist`, compresses it, and says what it weighs. Throws where a bound is passed. */
export async function buildConsole(): Promise<void> {
  process.env['NODE_ENV'] = 'production' // what a shell or a test says of itself would build React for developers
  await build({ configFile: join(source, 'vite.config.ts'), logLevel: 'warn' })
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) if (/\.(js|css|svg)$/.test(name)) compress(join(dist, name))
  report()
  writeFileSync(stamp, hashOfSources())
}

/** The same, unless what is there was built from these very sources. */
export async function buildConsoleWhereStale(): Promise<void> {
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== hashOfSources()) await buildConsole()
}

function hashOfSources(): string {
  const files = [
    ...globSync(['console/src/**/*', 'console/public/**/*', 'console/*.{html,json,ts}', 'src/lib/{client,wire}/**/*.ts'], { cwd: root, withFileTypes: true }).filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name)),
    ...['src/client.ts', 'package-lock.json', 'build/build-console.ts'].map((name) => join(root, name)),
  ]
  const hash = createHash('sha256')
  for (const file of files.sort()) hash.update(file.slice(root.length)).update('\0').update(readFileSync(file)).update('\0')
  return hash.digest('hex')
}

function compress(file: string): void {
  const bytes = readFileSync(file)
  writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
  writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }))
}

function report(): void {
  const names = readdirSync(join(dist, 'assets')).filter((name) => /\.(js|css)$/.test(name))
  const first = new Set(firstLoad())
  const sizes = names.map((name) => ({ name, first: first.has(name), gzip: sizeOf(join(dist, 'assets', `${name}.gz`)), brotli: sizeOf(join(dist, 'assets', `${name}.br`)) }))
  const firstBytes = sizes.filter((one) => one.first).reduce((sum, { gzip }) => sum + gzip, 0)
  say('console/dist, KB gzip (brotli):')
  for (const { name, first: isFirst, gzip, brotli } of sizes.toSorted((a, b) => Number(b.first) - Number(a.first) || b.gzip - a.gzip)) {
    say(`  ${kb(gzip).padStart(6)} (${kb(brotli).padStart(5)})  ${isFirst ? 'first' : 'later'}  ${name}`)
  }
  say(`  ${kb(firstBytes).padStart(6)}          first load, at most ${kb(FIRST_LOAD_BYTES)}`)
  if (firstBytes > FIRST_LOAD_BYTES) throw new Error(`The console's first load is ${kb(firstBytes)} KB gzipped, and at most ${kb(FIRST_LOAD_BYTES)} KB are allowed: load more of it later.`)
  const heavy = sizes.find((one) => !one.first && one.gzip > LAZY_BYTES)
  if (heavy) throw new Error(`${heavy.name} is ${kb(heavy.gzip)} KB gzipped, and at most ${kb(LAZY_BYTES)} KB are allowed for one part.`)
}

/** What the page names, and what those scripts import before they run. */
function firstLoad(): readonly string[] {
  const found = new Set<string>()
  const follow = (text: string, imports: RegExp) => {
    for (const [, name = ''] of text.matchAll(imports)) {
      if (found.has(name)) continue
      found.add(name)
      if (name.endsWith('.js')) follow(readFileSync(join(dist, 'assets', name), 'utf8'), /(?:from|import)\s*["']\.\/([\w.-]+\.js)["']/g)
    }
  }
  follow(readFileSync(join(dist, 'index.html'), 'utf8'), /assets\/([\w.-]+\.(?:js|css))/g)
  return [...found]
}

function sizeOf(file: string): number {
  return readFileSync(file).length
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

function kb(bytes: number): string {
  return (bytes / 1_000).toFixed(1)
}

if (import.meta.main) await (process.argv.includes('--where-stale') ? buildConsoleWhereStale() : buildConsole())
