import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, describe, expect } from 'vitest'
import { consoleAt } from '../../src/console.ts'
import { apiKeys, firstOf, signedIn } from '../../src/index.ts'
import type { Ambit, AmbitOptions } from '../../src/index.ts'
import { listen } from '../../src/node.ts'
import { openBrowser } from './chromium.ts'
import { databaseKinds } from './databases.ts'
import type { DatabaseKind } from './databases.ts'
import { must, useStage } from './stage.ts'
import type { PersonName, World } from './world.ts'

export interface ConsoleStage {
  readonly world: World
  /** An Ambit with its console at `/`, on a port of its own. It ends with the test. */
  serve(options: Partial<AmbitOptions<never>> & Pick<AmbitOptions, 'model'>): Promise<Served>
  /** A browser of somebody's own, signed in at that address; with nobody, not signed in. */
  visit(url: string, who: PersonName | null, options?: BrowserContextOptions): Promise<Page>
  /** What went wrong in the pages of this test: faults of scripts, and what the policy stopped. */
  readonly faults: readonly string[]
}

export interface Served {
  readonly url: string
  readonly ambit: Ambit
  /** Takes no more connections, as a process that dies; and listens again at the same address with another Ambit. */
  stop(): Promise<void>
}

/** A browser for a file of tests. Loud where there is none: those tests prove nothing then, and in CI that is a failure. */
const browser = await openBrowser()
if (!browser && process.env['CI']) throw new Error('There is no Chromium here, and CI must not pass without one.')
if (!browser) process.stderr.write('No Chromium: the tests of the console are left out.\n')

/** The tests of a file in a real browser, over both databases. */
export function describeInBrowser(what: string, tests: (stage: ConsoleStage) => void, kinds: readonly DatabaseKind[] = databaseKinds): void {
  afterAll(() => browser?.close())
  describe.runIf(browser).each(kinds)(`${what}, over $name`, (kind) => tests(useConsole(kind, browser as Browser)))
}

function useConsole(kind: DatabaseKind, opened: Browser): ConsoleStage {
  const stage = useStage(kind)
  const contexts: BrowserContext[] = []
  const servers: Server[] = []
  const faults: string[] = []
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    await Promise.all(servers.splice(0).map(closeServer))
    expect(faults.splice(0)).toEqual([])
  })
  return {
    faults,
    get world() {
      return stage.world
    },
    async serve(options) {
      const { ambit } = stage.start({ authenticate: firstOf(apiKeys(), signedIn()), console: consoleAt('/'), ...options })
      const server = await listen(ambit, { host: '127.0.0.1', port: 0 })
      servers.push(server)
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      return { url, ambit, stop: () => closeServer(must(servers.splice(servers.indexOf(server), 1)[0])) }
    },
    async visit(url, who, options = {}) {
      const context = await opened.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
      contexts.push(context)
      context.setDefaultTimeout(10_000)
      if (who !== null) await signIn(context, new URL(url).origin, stage.world.keys[who])
      const page = await context.newPage()
      page.on('pageerror', (error) => faults.push(`${error.name}: ${error.message}`))
      page.on('console', (message) => {
        if (/Content Security Policy|Trusted|violates/.test(message.text())) faults.push(message.text())
      })
      await page.goto(url)
      return page
    },
  }
}

/** As the page does it, without the page: most tests begin behind that door. */
async function signIn(context: BrowserContext, origin: string, key: string): Promise<void> {
  const answer = await context.request.post(`${origin}/v1/sign-in`, { data: { key }, headers: { origin, 'sec-fetch-site': 'same-origin' } })
  expect(answer.status()).toBe(200)
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
