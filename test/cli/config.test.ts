import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { ambit, begin, newDirectory, startAmbit } from './ambit.ts'

const INDEX = new URL('../../src/index.ts', import.meta.url).href

/** A host's file; what else it opens would keep a process that waits for it. */
function configFile(statement: string): string {
  const directory = newDirectory()
  const path = join(directory, 'ambit.config.ts')
  writeFileSync(
    path,
    `import { createAmbit, embeddedStore } from '${INDEX}'
    setInterval(() => {}, 60_000)
    const options = { store: embeddedStore(${JSON.stringify(join(directory, 'store'))}), model: 'offline', basePath: '/api', authenticate: async () => null }
    ${statement}\n`,
  )
  return path
}

test.each([
  ['as its default', 'export default createAmbit(options)'],
  ['as ambit', 'export const ambit = createAmbit(options)'],
])('start serves what a file exports %s, and ends with the process', async (_, statement) => {
  const path = configFile(statement)
  const server = await startAmbit({}, ['start', path])
  const asked = await Promise.all(['/api/health/ready', '/api/v1/me', '/v1/me'].map((address) => fetch(server.url + address)))
  expect(asked.map(({ status }) => status)).toEqual([200, 401, 404])
  expect(server.out).toContain(`Ambit runs at ${server.url} (${path}). Ctrl-C stops it.\n`)
  expect(await server.end('SIGINT')).toMatchObject({ code: 0 })
})

test('a file that is not there, or exports none, is explained in a sentence', async () => {
  const absent = await ambit(['start', 'nowhere.ts'], {})
  expect(absent).toMatchObject({ code: 1, err: 'There is no file nowhere.ts. Name the one that exports what createAmbit() gave, as ambit.config.ts.\n' })
  expect((await ambit(['start', newDirectory()], {})).err).toMatch(/^There is no file /)
  const path = configFile('export const other = options')
  expect(await ambit(['start', path], {})).toMatchObject({ code: 1, err: expect.stringContaining('exports no Ambit: write "export default createAmbit') })
})

test('a signal that comes while the file is read ends it in order, and nothing is opened', async () => {
  const path = configFile("process.stderr.write('reading'); await new Promise((resolve) => setTimeout(resolve, 300)); export default createAmbit(options)")
  const { child, finished } = begin(['start', path], { AMBIT_PORT: '0' })
  const closed = once(child, 'close')
  while (!finished().err.includes('reading')) await once(child.stderr ?? child, 'data')
  child.kill('SIGTERM')
  await closed
  expect({ ...finished(), signal: child.signalCode }).toEqual({ code: 0, out: '', err: 'reading', signal: null })
  expect(existsSync(join(dirname(path), 'store'))).toBe(false)
})

test('what a file throws is told with its place', async () => {
  const path = configFile("throw new Error('The secret is not set.')")
  const { code, err } = await ambit(['start', path], {})
  expect(code).toBe(1)
  expect(err).toContain('The secret is not set.')
  expect(err).toContain(path)
})

test('demo is the demo, whatever database is named', async () => {
  const environment = { AMBIT_DIRECTORY: newDirectory(), AMBIT_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' }
  const server = await startAmbit(environment, ['demo'])
  expect(server.out).toContain('model: offline')
  expect((await fetch(`${server.url}/health/ready`)).status).toBe(200)
  expect(await server.end('SIGTERM')).toMatchObject({ code: 0 })
})
