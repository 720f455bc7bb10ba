import { globSync, readFileSync } from 'node:fs'
import { sep } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type SourceFile, violations } from './support/fences.ts'

const root = new URL('..', import.meta.url)

function readSources(): SourceFile[] {
  const paths = globSync('src/**/*.{ts,js}', { cwd: root }).map((path) => path.replaceAll(sep, '/'))
  return paths.sort().map((path) => ({ path, source: readFileSync(new URL(path, root), 'utf8') }))
}

test('the source keeps to its fences', () => {
  const files = readSources()
  expect(files.length).toBeGreaterThan(10)
  expect(violations(files)).toEqual([])
})

// The fences are tested too: one that has stopped seeing anything is silent in the test above.
const judge = (path: string, source: string) => violations([{ path, source }])

describe('a fence stops', () => {
  test.for<[path: string, source: string, violation: string]>([
    ['src/lib/run/a.ts', `\nimport { b } from '../http/b.ts'`, '2: run imports http'],
    ['src/lib/run/a.ts', `import { jwtVerify } from 'jose'`, '1: jose outside src/lib/identity/'],
    ['src/lib/demo/a.ts', `import { b } from '../http/b.ts'`, '1: demo imports http'],
    ['src/lib/store/a.ts', `import type { B } from '../run/b.ts'`, '1: store imports run, a room above it'],
    ['src/lib/store/a.ts', `type B = import('../run/b.ts').B`, '1: store imports run, a room above it'],
    ['src/lib/store/a.ts', `const b = await import('../run/b.ts')`, '1: store imports run, a room above it'],
    ['src/lib/http/a.ts', `export { b } from '../create-ambit.ts'\nexport const c = 1`, '1: http imports create-ambit, a room above it'],
    ['src/lib/store/a.ts', `import { pool } from '../../pg.ts'`, '1: store imports the public src/pg.ts'],
    ['src/lib/attic/a.ts', `export const a = 1`, '1: not in a room'],
    ['src/lib/a.ts', `export const a = 1`, '1: not in a room'],
    ['src/lib/run/a.ts', `import { b } from './b.ts'\nexport { b }\nexport * from './c.ts'`, '1: a barrel'],
    ['src/lib/run/run-utils.ts', `export const a = 1`, '1: a name that says nothing'],
    ['src/lib/run/helpers/a.ts', `export const a = 1`, '1: a name that says nothing'],
    ['src/lib/run/a.ts', `let a: Array<any>`, '1: any'],
    ['src/lib/run/a.ts', `enum A { B }`, '1: enum'],
    ['src/lib/run/a.ts', `export default 1`, '1: default export'],
    ['src/lib/run/a.ts', `const a = 1\nexport { a as default }`, '2: default export'],
    ['src/lib/run/a.ts', `const`, '1: does not parse: Unexpected token'],
    ['src/index.ts', `const a = process.env.A`, '1: process.env outside src/main.ts'],
    ['src/index.ts', `const a = globalThis.process?.['env']`, '1: process.env outside src/main.ts'],
    ['src/index.ts', `const { env } = process`, '1: process taken apart outside src/main.ts'],
    ['src/index.ts', `import { env } from 'node:process'`, '1: node:process outside src/main.ts'],
    ['src/lib/run/a.ts', "import { Redis } from 'ioredis'", '1: ioredis outside src/lib/journal/redis-link.ts'],
    ['src/lib/run/a.ts', `const now = Date.now`, '1: Date.now outside src/main.ts, src/lib/create-ambit.ts, src/client.ts'],
    ['src/lib/run/a.ts', `const now = new Date()`, '1: new Date() outside src/main.ts, src/lib/create-ambit.ts, src/client.ts'],
    ['src/lib/run/a.ts', `const now = Date()`, '1: Date() outside src/main.ts, src/lib/create-ambit.ts, src/client.ts'],
    ['src/lib/run/a.ts', `const a = Math.random()`, '1: Math.random outside src/main.ts, src/lib/create-ambit.ts, src/client.ts'],
    ['src/lib/run/a.ts', `crypto.randomUUID()`, '1: crypto.randomUUID outside src/main.ts, src/lib/create-ambit.ts, src/client.ts'],
    ['src/lib/run/a.ts', `import { randomUUID as id } from 'node:crypto'`, '1: randomUUID outside src/main.ts, src/lib/create-ambit.ts, src/client.ts'],
    ['src/lib/run/a.ts', `import type { Pool } from 'pg'`, '1: pg outside src/lib/store/, src/pg.ts'],
    ['src/lib/run/a.ts', `await import('@electric-sql/pglite/vector')`, '1: @electric-sql/pglite/vector outside src/lib/store/, src/pg.ts'],
    ['src/index.ts', `import { Hono } from 'hono'`, '1: hono outside src/lib/http/, src/node.ts'],
    ['src/index.ts', `import { serve } from '@hono/node-server'`, '1: @hono/node-server outside src/lib/http/, src/node.ts'],
    ['src/index.ts', `import { a } from '@ai-sdk/provider'`, '1: @ai-sdk/provider outside src/lib/model/'],
    ['src/lib/run/a.ts', `import type { A } from '@ai-sdk/provider'`, '1: @ai-sdk/provider outside src/lib/model/'],
    ['src/lib/client/a.ts', `import { Chat } from 'ai'`, '1: ai outside types'],
    ['src/lib/run/a.ts', `import type { UIMessage } from 'ai'`, '1: ai outside types'],
    ['src/lib/client/a.ts', `import type { Frame } from '../journal/journal.ts'`, '1: client imports journal, a room above it'],
    ['src/index.ts', `import { sql } from 'drizzle-orm'`, '1: drizzle-orm outside src/drizzle.ts'],
    ['src/pg.ts', `import { Kysely } from 'kysely'`, '1: kysely outside src/kysely.ts'],
    ['src/lib/run/a.ts', `const a = 'select 1 from runs'`, '1: SQL outside src/lib/store/, src/pg.ts'],
    ['src/lib/run/a.ts', 'const a = `\n  UPDATE ${table}\n  SET x = 1`', '1: SQL outside src/lib/store/, src/pg.ts'],
    ['src/lib/run/a.ts', `const a = 'delete from runs'`, '1: SQL outside src/lib/store/, src/pg.ts'],
    ['src/lib/run/a.ts', `const a = new AsyncLocalStorage()`, '1: AsyncLocalStorage outside src/lib/store/'],
    ['src/lib/run/a.ts', `import * as hooks from 'node:async_hooks'`, '1: node:async_hooks outside src/lib/store/'],
  ])('%s: %s', ([path, source, violation]) => {
    expect(judge(path, source)).toEqual([`${path}:${violation}`])
  })

  test('a cycle of values, also through an import that names only types but is not erased', () => {
    const cycle = [
      { path: 'src/lib/run/a.ts', source: `import { b } from './b.ts'` },
      { path: 'src/lib/run/b.ts', source: `\nimport { c } from './c.ts'` },
      { path: 'src/lib/run/c.ts', source: `\n\nimport { type A } from './a.ts'` },
    ]
    expect(violations(cycle)).toEqual([
      'src/lib/run/c.ts:3: cycle src/lib/run/a.ts -> src/lib/run/b.ts -> src/lib/run/c.ts -> src/lib/run/a.ts',
    ])
  })
})

describe('a fence lets pass', () => {
  test.for<[path: string, source: string]>([
    ['src/lib/run/a.ts', `import { b } from '../store/b.ts'\nimport type { C } from './c.ts'`],
    ['src/lib/create-ambit.ts', `import { b } from './http/b.ts'`],
    ['src/index.ts', `export { createAmbit } from './lib/create-ambit.ts'`],
    ['src/index.ts', `import type { LanguageModelV4 } from '@ai-sdk/provider'`],
    ['src/lib/client/a.ts', `import type { UIMessage } from 'ai'\nimport { b } from '../wire/b.ts'`],
    ['src/main.ts', `const { env } = process\nprocess.env.A = String(Date.now())`],
    ['src/lib/create-ambit.ts', `const now = () => Date.now()`],
    ['src/lib/run/a.ts', `const then = new Date(now())\nprocess.on('exit', () => options.randomUUID())`],
    ['src/lib/store/a.ts', `const a = 'select 1 from runs'`],
    ['src/lib/run/a.ts', `const a = 'Update your settings, then select a model.'`],
    ['src/lib/run/a.ts', `// any enum, select 1 from runs, process.env\nconst company = 1`],
  ])('%s: %s', ([path, source]) => {
    expect(judge(path, source)).toEqual([])
  })

  test('a cycle of types', () => {
    const cycle = [
      { path: 'src/lib/run/a.ts', source: `import type { B } from './b.ts'` },
      { path: 'src/lib/run/b.ts', source: `import { a } from './a.ts'` },
    ]
    expect(violations(cycle)).toEqual([])
  })
})
