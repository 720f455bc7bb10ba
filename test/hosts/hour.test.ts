import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { parseStream, question, said } from '../support/client.ts'
import { expectSound } from '../support/grammar.ts'
import { must } from '../support/stage.ts'
import { snippetsOf } from '../support/snippets.ts'
import { newHostDatabase } from './support/host-database.ts'
import type { HostDatabase } from './support/host-database.ts'
import { startHost } from './support/host-app.ts'
import type { RunningHost } from './support/host-app.ts'
import { newFolder, plainEnvironment } from './support/install.ts'
import type { Folder } from './support/install.ts'

const PAGE = snippetsOf('docs/your-app.md')
const FILES = ['db.ts', 'ambit.ts', 'server.ts']
const COOKIES = { nora: 'session=nora-token', sam: 'session=sam-token' }

/** The page, followed: an empty folder, its commands, its files, its app. */
describe.skipIf(inject('postgresUrl') === '')('the hour', () => {
  let folder: Folder
  let database: HostDatabase
  let host: RunningHost
  let lines = 0
  const begun = performance.now()

  beforeAll(async () => {
    ;[folder, database] = await Promise.all([newFolder(), newHostDatabase()])
    const run = (line: string) => folder.run('sh', ['-c', line], { PATH: `${dirname(process.execPath)}:${plainEnvironment()['PATH'] ?? ''}`, ...database.environment })
    // On the machine's own Node: how it reaches the registry is configured beside that.
    const runNpm = (line: string) => folder.run('sh', ['-c', line])

    await runNpm('npm init -y && npm pkg set type=module')
    const commands = PAGE.filter(({ language }) => language === 'sh').flatMap(({ text }) => text.replaceAll('\\\n', '').split('\n'))
    const command = (beginning: string) => must(commands.find((line) => line.startsWith(beginning)))
    await runNpm(`${command('npm install').replace('ambit', inject('tarball'))} express@5.3.0`)
    await run(command('npx ambit migrate'))
    await run(command('npx ambit expose'))

    for (const name of FILES) {
      const { text } = must(PAGE.find(({ file }) => file === `examples/express/${name}`))
      lines += text.split('\n').filter((line) => line.trim() !== '').length
      await folder.write(name, text)
    }
    const [program = '', ...words] = command('node server.ts').split(' ')
    host = await startHost(folder.path, [program, ...words] as const, database.environment)
  })
  afterAll(async () => {
    process.stdout.write(`The hour: ${lines} lines of the host's, ${((performance.now() - begun) / 1_000).toFixed(1)} s from the empty folder to the last answer.\n`)
    await host.end()
    await Promise.all([folder.remove(), database.drop()])
  })

  const call = (who: keyof typeof COOKIES, path: string, init: RequestInit = {}) =>
    fetch(`${host.url}/api/ambit${path}`, { ...init, headers: { cookie: COOKIES[who], 'content-type': 'application/json', ...init.headers } })
  const ask = (who: keyof typeof COOKIES, path: string, text: string, thread = 'first') => call(who, `${path}/chat`, { method: 'POST', body: JSON.stringify(question(thread, text)) })
  const outputsOf = (text: string) => JSON.stringify(parseStream(text).chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? [chunk.output] : [])))

  test.each([
    ['nora', '/v1/orgs/north', ['n1', 'n2'], '70'],
    ['nora', '/v1/orgs/north/projects/web', ['n1'], '70'],
    ['sam', '/v1/orgs/south', ['s1'], '990'],
  ] as const)('%s at %s gets a streamed answer from the rows of that place', async (who, path, orders, words) => {
    const response = await ask(who, path, 'Find the orders of the customer "Marlow"', `orders${path.replaceAll('/', '.')}`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
    const text = await response.text()
    expectSound(parseStream(text))
    expect((outputsOf(text).match(/(?<="id":")\w+/g) ?? []).toSorted()).toEqual(orders)
    expect(said(parseStream(text).chunks)).toContain(words)
  })

  test('a tool that forgets every filter sums up one account', async () => {
    expect(outputsOf(await (await ask('sam', '/v1/orgs/south', 'Sum up all orders', 'sum')).text())).toBe('[{"sum":990}]')
  })

  describe('what is Nora’s is refused to Sam', () => {
    let thread: string
    let run: string
    let event: string
    beforeAll(async () => {
      const { ids } = parseStream(await (await ask('nora', '/v1/orgs/north', 'Find the orders of the customer "Marlow"', 'mine')).text())
      event = must(ids[3])
      run = must(event.split('.')[0])
      thread = ((await (await call('nora', `/v1/orgs/north/runs/${run}`)).json()) as { thread_id: string }).thread_id
    })

    test('in the path: organisation, project, thread and run are not found, in the same bytes as what never was', async () => {
      const bytesOf = async (path: string, init?: RequestInit) => {
        const response = await call('sam', path, init)
        return [response.status, ((await response.text()).replace(/"request_id":"[^"]*"/, ''))]
      }
      const absent = await bytesOf('/v1/orgs/nowhere/threads')
      expect(absent[0]).toBe(404)
      const body = { method: 'POST', body: JSON.stringify(question('mine', 'Hello')) }
      for (const [path, init] of [
        ['/v1/orgs/north/chat', body],
        ['/v1/orgs/north/projects/web/chat', body],
        ['/v1/orgs/south/projects/kiosk/chat', body],
        ['/v1/orgs/north/threads'],
        [`/v1/orgs/south/threads/${thread}`],
        [`/v1/orgs/south/threads/${thread}/messages`],
        [`/v1/orgs/south/runs/${run}`],
        [`/v1/orgs/south/chat/${thread}/stop`, { method: 'POST', body: '{}' }],
      ] as const) {
        expect([path, ...(await bytesOf(path, init))]).toEqual([path, ...absent])
      }
    })

    test('in the body: her thread, and what a message is about', async () => {
      const response = await call('sam', '/v1/orgs/south/chat', {
        method: 'POST',
        body: JSON.stringify({ ...question(thread, 'What did I ask before?'), about: [{ type: 'document', id: thread }] }),
      })
      expect(response.status).toBe(200)
      expect(await response.text()).not.toContain('Marlow')
      expect(await (await call('sam', `/v1/orgs/south/threads/${thread}/messages`)).text()).not.toContain('Marlow')
    })

    test('in a header: the cursor of her answer opens nothing', async () => {
      const response = await call('sam', `/v1/orgs/south/chat/${thread}/stream`, { headers: { 'last-event-id': event } })
      expect([200, 204, 404, 409]).toContain(response.status)
      expect(await response.text()).not.toContain('Marlow')
    })

    test('in a query: a page after her thread is a page of his', async () => {
      const response = await call('sam', `/v1/orgs/south/threads?after=${thread}`)
      expect(await response.text()).not.toContain(run)
    })

    test('in what the model is asked to pass on: no argument of a tool names an account', async () => {
      const text = await (await ask('sam', '/v1/orgs/south', 'Find the orders of the customer "north"', 'argument')).text()
      expect(outputsOf(text)).toBe('[[]]')
    })

    test('without her cookie: 401', async () => {
      expect((await call('nora', '/v1/orgs/north/threads', { headers: { cookie: '' } })).status).toBe(401)
    })
  })

  test('the rest of the app is as it was', async () => {
    expect(await (await fetch(host.url)).text()).toBe('The shop is open.')
  })
})
