import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, afterEach, expect } from 'vitest'
import { openBrowser } from './chromium.ts'

/** Loud where there is none: the tests of the console prove nothing then, and in CI that is a failure. */
const browser = await openBrowser()
if (!browser && process.env['CI']) throw new Error('There is no Chromium here, and CI must not pass without one.')
if (!browser) process.stderr.write('No Chromium: the tests of the console are left out.\n')

/** Whether there is a browser to test in. */
export const hasBrowser = browser !== null

export interface Visitors {
  /** A browser of somebody's own at this address, signed in with this key; without one, not signed in. It is closed with the test. */
  visit(url: string, key: string | null, options?: BrowserContextOptions): Promise<Page>
}

/**
 * Real Chromium for a file of tests. A script that throws, and whatever the policy of the page had to stop, fails the test in which it happened, unless
 * the test takes it out of `faults` because it was to happen.
 */
export function useBrowser(): Visitors & { readonly faults: string[] } {
  const contexts: BrowserContext[] = []
  const faults: string[] = []
  afterEach(async () => {
    await Promise.all(contexts.splice(0).map((context) => context.close()))
    expect(faults.splice(0)).toEqual([])
  })
  afterAll(() => browser?.close())
  return {
    faults,
    async visit(url, key, options = {}) {
      if (!browser) throw new Error('There is no browser: ask hasBrowser first.')
      const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options })
      contexts.push(context)
      context.setDefaultTimeout(10_000)
      context.on('page', (page) => watch(page, faults))
      if (key !== null) await signIn(context, new URL(url).origin, key)
      const page = await context.newPage()
      await page.goto(url)
      return page
    },
  }
}

function watch(page: Page, faults: string[]): void {
  page.on('pageerror', (error) => faults.push(`${error.name}: ${error.message}`))
  page.on('console', (message) => {
    if (/Content Security Policy|Trusted|violates/.test(message.text())) faults.push(message.text())
  })
}

/** As the page does it, without the page: most tests begin behind that door. */
async function signIn(context: BrowserContext, origin: string, key: string): Promise<void> {
  const answer = await context.request.post(`${origin}/v1/sign-in`, { data: { key }, headers: { origin, 'sec-fetch-site': 'same-origin' } })
  expect(answer.status()).toBe(200)
}
