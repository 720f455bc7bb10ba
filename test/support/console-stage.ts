import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterEach, describe } from 'vitest'
import { consoleAt } from '../../src/console.ts'
import { apiKeys, firstOf, signedIn } from '../../src/index.ts'
import type { Ambit, AmbitOptions } from '../../src/index.ts'
import { listen } from '../../src/node.ts'
import { hasBrowser, useBrowser } from './use-browser.ts'
import { databaseKinds } from './databases.ts'
import type { DatabaseKind } from './databases.ts'
import { useStage } from './stage.ts'
import type { Stage } from './stage.ts'
import type { PersonName } from './world.ts'

export interface ConsoleStage extends Pick<Stage, 'world' | 'database'> {
  /** An Ambit with its console at `/`, on a port of its own. It ends with the test. */
  serve(options: Partial<AmbitOptions<never>> & Pick<AmbitOptions, 'model'>): Promise<{ readonly url: string; readonly ambit: Ambit }>
  /** A browser of somebody's own, signed in at that address; with nobody, not signed in. */
  visit(url: string, who: PersonName | null, options?: BrowserContextOptions): Promise<Page>
  /** What the policy of the pages stopped, and what their scripts threw, in this test. What was to happen is taken out. */
  readonly faults: string[]
}

/** The tests of a file in a real browser, over both databases. */
export function describeInBrowser(what: string, tests: (stage: ConsoleStage) => void, kinds: readonly DatabaseKind[] = databaseKinds): void {
  const { visit, faults } = useBrowser()
  describe.runIf(hasBrowser).each(kinds)(`${what}, over $name`, (kind) => {
    const stage = useStage(kind)
    const servers: Server[] = []
    afterEach(() => Promise.all(servers.splice(0).map(closeServer)))
    tests({
      faults,
      get world() {
        return stage.world
      },
      get database() {
        return stage.database
      },
      async serve(options) {
        const { ambit } = stage.start({ authenticate: firstOf(apiKeys(), signedIn()), console: consoleAt('/'), ...options })
        const server = await listen(ambit, { host: '127.0.0.1', port: 0 })
        servers.push(server)
        return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ambit }
      },
      visit: (url, who, options) => visit(url, who === null ? null : stage.world.keys[who], options),
    })
  })
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
