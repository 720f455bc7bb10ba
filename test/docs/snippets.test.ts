import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DEFAULT_LIMITS } from '../../src/index.ts'
import { ambit, newDirectory } from '../cli/ambit.ts'
import { databaseKinds } from '../support/databases.ts'
import { ROOT, pages, readPage, snippetsOf } from '../support/snippets.ts'
import type { Snippet } from '../support/snippets.ts'

const snippets = pages().flatMap(snippetsOf)
const of = (...languages: readonly string[]) => snippets.filter(({ language }) => languages.includes(language))

test('every block says what it is, in a language that something here proves', () => {
  expect(snippets.length).toBeGreaterThan(30)
  expect(snippets.filter(({ language }) => !['ts', 'tsx', 'sh', 'json', 'sql', 'ini'].includes(language))).toEqual([])
})

describe('a block that is a file', () => {
  const files = snippets.flatMap(({ at, file, text }) => (file === null ? [] : [{ at, file, text }]))
  test.each(files)('$at says what $file says', ({ file, text }) => {
    expect(readPage(file)).toContain(text)
  })
})

describe('TypeScript', () => {
  // Inside the repository, where "ambit" is this one, and beside no other test.
  const folder = join(ROOT, 'test/docs/.snippets')
  const compiled = of('ts', 'tsx').filter(({ file }) => file === null)
  let output = ''

  beforeAll(async () => {
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder)
    await Promise.all(compiled.map((snippet) => writeFile(join(folder, nameOf(snippet)), snippet.text)))
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../tsconfig.json', compilerOptions: { jsx: 'react-jsx', lib: ['es2024', 'dom', 'dom.iterable'] }, include: ['*'], exclude: [] }))
    output = await new Promise((resolve) => {
      execFile(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', folder], (_, stdout) => resolve(stdout))
    })
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test.each(compiled)('$at compiles', (snippet) => {
    expect(output.split('\n').filter((line) => line.includes(nameOf(snippet)))).toEqual([])
  })

  function nameOf({ at, language }: Snippet): string {
    return `${at.replace(/[^a-z0-9]+/gi, '-')}.${language}`
  }
})

describe('commands', () => {
  const lines = of('sh').flatMap(({ at, text }) => text.replaceAll('\\\n', ' ').split('\n').map((line) => ({ at, line: line.replace(/(^| +)# .*$/, '').trim() }))).filter(({ line }) => line !== '')
  const ambits = lines.flatMap(({ at, line }) => [...line.matchAll(/npx ambit( [^&;|]*)?/g)].map((found) => ({ at, words: wordsOf(found[1] ?? '') })))
  const scripts = lines.flatMap(({ at, line }) => [...line.matchAll(/npm (?:run )?(start|test|(?<=run )[\w:-]+)/g)].map((found) => ({ at, script: found[1] ?? '' })))

  // Settings with which nothing is opened: a command line that is wrong ends with 2 before it looks at them.
  test.each(ambits)('$at: ambit $words', async ({ words }) => {
    const { code, err } = await ambit(words, { AMBIT_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing', AMBIT_DIRECTORY: newDirectory(), AMBIT_HOST: '0.0.0.0' })
    expect(code === 2 ? err : '').toBe('')
  })

  test.each(scripts)('$at: npm run $script', ({ script }) => {
    expect(Object.keys((JSON.parse(readPage('package.json')) as { scripts: object }).scripts)).toContain(script)
  })

  test('no setting is named that nobody reads', () => {
    const known = readPage('src/lib/cli/settings.ts')
    const named = new Set(lines.flatMap(({ line }) => line.match(/\bAMBIT_[A-Z_]+\b/g) ?? []))
    expect([...named].filter((name) => !known.includes(name))).toEqual([])
  })

  /** As a shell takes them, as far as the docs go: quotes keep spaces. */
  function wordsOf(text: string): readonly string[] {
    return [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain ?? '')
  }
})

describe('SQL', () => {
  // As the owner of a migrated database, page by page: what stands first is there for what follows.
  test.each([...new Set(of('sql').map(({ at }) => at.split(':')[0] ?? ''))])('%s runs', async (page) => {
    const [kind] = databaseKinds
    if (!kind) throw new Error('There is no database.')
    const database = await kind.create()
    try {
      const script = snippetsOf(page).filter(({ language }) => language === 'sql').map(({ text }) => text).join('\n')
      await expect(database.superuser.transaction('', (sql) => sql.script(script))).resolves.toBeUndefined()
    } finally {
      await database.drop()
    }
  })
})

test('the table of limits is that of the code', () => {
  const told = [...readPage('docs/settings.md').matchAll(/^\| `(\w+)` \| .+ \| ([\d ]+) \|$/gm)].map(([, name, value]) => [name, Number(value?.replaceAll(' ', ''))])
  expect(Object.fromEntries(told)).toEqual(DEFAULT_LIMITS)
})

describe('JSON', () => {
  test.each(of('json'))('$at is JSON', ({ text }) => {
    expect(() => JSON.parse(text) as unknown).not.toThrow()
  })
})

describe('links', () => {
  const links = pages().flatMap((page) => [...readPage(page).matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)].map((found) => ({ page, link: found[1] ?? '' })))
  test.each(links)('$page: $link', ({ page, link }) => {
    expect(existsSync(join(ROOT, page, '..', link))).toBe(true)
  })
})
