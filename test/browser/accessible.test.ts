import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { describeInBrowser } from '../support/console-stage.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answered, ask } from './pages.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** What loads, and a virtual row that is not measured yet: it has no words before. */
const UNFINISHED = '[role="status"][aria-label*="oading"], [role="list"] [style*="visibility: hidden"]'

/** What axe finds on the page once it is whole, in words that say where. */
async function violationsOf(page: Page): Promise<readonly string[]> {
  await page.evaluate('new Promise((painted) => requestAnimationFrame(() => requestAnimationFrame(painted)))') // before it, rows are not there at all
  await expect.poll(() => page.locator(UNFINISHED).count()).toBe(0)
  await page.evaluate(AXE)
  return page.evaluate(`axe.run({ runOnly: ${JSON.stringify(RULES)} }).then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ': ' + node.html.slice(0, 160) + ' ' + (node.any[0]?.message ?? ''))))`)
}

/** Every page of a place, by what is there when it is whole. */
const PAGES: readonly (readonly [path: string, whole: string])[] = [
  ['/orgs/acme/projects/apollo/chats', 'Ask in'], ['/orgs/acme/projects/apollo/documents', 'Documents'], ['/orgs/acme/projects/apollo/runs', 'Runs'],
  ['/orgs/acme/projects/apollo/people', 'People'], ['/orgs/acme/projects', 'Projects'], ['/orgs/acme/keys', 'Keys'],
  ['/orgs/acme/projects/apollo/settings', 'Instructions'], ['/orgs/acme/nothing', 'There is no such page'], ['/orgs/nobody/chats', 'There is nothing here for you'],
]

const DIALOGS: readonly (readonly [path: string, button: string])[] = [['/orgs/acme/people', 'Add a person'], ['/orgs/acme/projects', 'New project'], ['/orgs/acme/keys', 'New key']]

describeInBrowser('axe finds nothing', (stage) => {
  test.for(['light', 'dark'] as const)('on any page, %s', { timeout: 120_000 }, async (colorScheme) => {
    const { url } = await stage.serve({ model: scriptedModel(callsTools(['search_documents', { query: 'launch' }]), says('Apollo launches on **14 September**. [1]\n\n- a point\n\n| a | b |\n| - | - |\n| 1 | 2 |\n\n```\ncode\n```\n')) })
    const found: Record<string, readonly string[]> = {}
    const stranger = await stage.visit(`${url}/`, null, { colorScheme })
    await stranger.getByRole('textbox', { name: 'API key' }).waitFor()
    found['sign-in'] = await violationsOf(stranger)

    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'ada', { colorScheme })
    await ask(page, 'When is the launch?')
    await answered(page)
    await page.getByRole('button', { name: /Searched the documents/ }).click()
    found['an answer'] = await violationsOf(page)
    await page.getByRole('button', { name: /^Source 1/ }).click()
    await page.getByRole('complementary', { name: 'Source' }).locator('mark').first().waitFor()
    found['a source'] = await violationsOf(page)
    await page.getByRole('button', { name: 'What the run did' }).first().click()
    await page.getByRole('complementary', { name: 'What the run did' }).getByRole('tablist').waitFor()
    for (const tab of await page.getByRole('tab').all()) {
      await tab.click()
      found[`the inspector: ${await tab.innerText()}`] = await violationsOf(page)
    }
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog').waitFor()
    found['the palette'] = await violationsOf(page)

    for (const [path, whole] of PAGES) {
      await page.goto(url + path)
      await page.getByRole('heading', { name: whole }).first().waitFor()
      found[path] = await violationsOf(page)
    }
    await page.goto(`${url}/orgs/acme/projects/apollo/documents`)
    await page.getByRole('main').getByRole('list').getByRole('link').first().click()
    await page.getByRole('link', { name: 'Edit' }).or(page.getByRole('button', { name: 'Edit' })).first().waitFor()
    found['a document'] = await violationsOf(page)
    await page.getByRole('link', { name: 'Edit' }).or(page.getByRole('button', { name: 'Edit' })).first().click()
    await page.getByRole('textbox', { name: 'Title' }).waitFor()
    found['its editor'] = await violationsOf(page)
    for (const [path, button] of DIALOGS) {
      await page.goto(url + path)
      await page.getByRole('button', { name: button }).first().click()
      await page.getByRole('dialog').waitFor()
      found[button] = await violationsOf(page)
    }
    expect(Object.entries(found).filter(([, violations]) => violations.length > 0)).toEqual([])
  })
}, databaseKinds.slice(0, 1))
