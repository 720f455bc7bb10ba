import type { Locator, Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { describeInBrowser } from '../support/console-stage.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answered, ask } from './pages.ts'

const PHONE = { viewport: { width: 390, height: 800 } }
const CITED = () => scriptedModel(callsTools(['search_documents', { query: 'launch' }]), says('Apollo launches on 14 September. [1]'))

const LOST = 'body:not(:has(:focus))'

async function expectFocusOn(locator: Locator): Promise<void> {
  await expect.poll(() => locator.and(locator.page().locator(':focus')).count()).toBe(1)
}

async function expectFocusIn(locator: Locator): Promise<void> {
  await expect.poll(() => locator.and(locator.page().locator(':focus, :has(:focus)')).count()).toBe(1)
}

/** Goes on by Tab so often: the focus never comes to what is covered. It passes the body, and the link that skips the sidebar. */
async function expectToStayIn(page: Page, drawer: Locator): Promise<void> {
  const within = drawer.or(page.getByRole('link', { name: 'Skip to the page' })).and(page.locator(':focus, :has(:focus)')).or(page.locator(LOST))
  for (let step = 0; step < 25; step += 1) {
    await page.keyboard.press('Tab')
    expect(await within.count()).toBe(1)
  }
}

describeInBrowser('the focus', (stage) => {
  test('is in what lies over a chat on a phone, not below it, and goes back to what opened that', async () => {
    const { url } = await stage.serve({ model: CITED() })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'bob', PHONE)
    await ask(page, 'When is the launch?')
    await answered(page)
    const citation = page.getByRole('button', { name: /^Source 1/ })
    const source = page.getByRole('complementary', { name: 'Source' })
    for (const close of [() => page.keyboard.press('Escape'), () => source.getByRole('button', { name: 'Close' }).click()]) {
      await citation.focus()
      await page.keyboard.press('Enter')
      await source.locator('mark').first().waitFor()
      await expectFocusOn(source)
      await expectToStayIn(page, source)
      await source.focus()
      await close()
      await source.waitFor({ state: 'detached' })
      await expectFocusOn(citation)
    }
  })

  test('is in the sidebar where that lies over the page, and Escape closes it', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/runs`, 'bob', PHONE)
    const show = page.getByRole('button', { name: 'Show the sidebar' })
    const sidebar = page.getByRole('navigation', { name: 'Threads and pages' })
    await show.focus()
    await page.keyboard.press('Enter')
    await expectFocusOn(sidebar)
    await expectToStayIn(page, sidebar)

    const search = sidebar.getByRole('searchbox', { name: 'Search the threads' })
    await search.fill('launch')
    await search.press('Escape')
    await expect.poll(() => search.inputValue()).toBe('') // the first empties the search
    await search.press('Escape')
    await sidebar.waitFor({ state: 'detached' })
    await expectFocusOn(show)

    await show.click()
    await page.getByRole('button', { name: 'Close: Threads and pages' }).click({ position: { x: 380, y: 400 } })
    await sidebar.waitFor({ state: 'detached' })
  })

  test('is never lost by showing and hiding the sidebar', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/runs`, 'bob')
    await page.getByRole('button', { name: 'Hide the sidebar' }).click()
    await expectFocusIn(page.getByRole('main'))
    const show = page.getByRole('button', { name: 'Show the sidebar' })
    await show.focus()
    await page.keyboard.press('Enter')
    await expectFocusIn(page.getByRole('navigation', { name: 'Threads and pages' }))
    await page.getByRole('button', { name: 'Hide the sidebar' }).focus()
    await page.keyboard.press('Enter')
    await expectFocusOn(show)
  })

  test('goes back from a document to its row', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    for (const options of [{}, PHONE]) {
      const page = await stage.visit(`${url}/orgs/acme/projects/apollo/documents`, 'ada', options)
      const row = page.getByRole('main').getByRole('list').getByRole('link').first()
      await row.focus()
      await page.keyboard.press('Enter')
      const document = page.getByRole('article')
      await document.waitFor()
      await document.getByRole('button', { name: 'Edit' }).focus()
      await page.keyboard.press('Enter')
      await page.getByRole('textbox', { name: 'Title' }).waitFor()
      await expectFocusIn(document)
      await page.keyboard.press('Escape')
      await document.getByRole('button', { name: 'Edit' }).waitFor()
      await expectFocusIn(page.getByRole('main'))
      await document.focus()
      await page.keyboard.press('Escape')
      await document.waitFor({ state: 'detached' })
      await expectFocusOn(row)
    }
  })
}, databaseKinds.slice(0, 1)) // what a page does with the focus is no matter of the database

describeInBrowser('the page', (stage) => {
  test('names the tab after what it shows and where', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const stranger = await stage.visit(`${url}/`, null)
    await expect.poll(() => stranger.title()).toBe('Sign in · Ambit')
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/runs`, 'ada')
    await expect.poll(() => page.title()).toBe('Runs · apollo of acme · Ambit')
    await page.getByRole('link', { name: 'Documents' }).click()
    await expect.poll(() => page.title()).toBe('Documents · apollo of acme · Ambit')
    await page.getByRole('main').getByRole('list').getByRole('link').first().click()
    await expect.poll(() => page.title()).toMatch(/^(?!Documents).+ · apollo of acme · Ambit$/)
    await page.getByRole('article').getByRole('button', { name: 'Close' }).click()
    await expect.poll(() => page.title()).toBe('Documents · apollo of acme · Ambit')
    await page.goto(`${url}/orgs/acme/nothing`)
    await expect.poll(() => page.title()).toBe('There is no such page · Ambit')
  })

  test('has shortcuts of a single key for those who want them', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/runs`, 'bob')
    await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor()
    const list = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await page.keyboard.press('?')
    await list.getByText('New chat').waitFor()
    await list.getByRole('switch', { name: /^Shortcuts of a single key/ }).click()
    await list.getByText('New chat').waitFor({ state: 'detached' })
    await list.getByText('Open the command palette').waitFor()
    await page.keyboard.press('Escape')
    await list.waitFor({ state: 'detached' })

    await page.reload()
    await page.getByRole('heading', { name: 'Runs', level: 1 }).waitFor()
    await page.keyboard.press('c')
    await page.keyboard.press('Control+k')
    await page.getByRole('dialog', { name: 'What would you like to do?' }).waitFor()
    expect(new URL(page.url()).pathname).toBe('/orgs/acme/projects/apollo/runs')
    await page.keyboard.type('shortcuts')
    await page.keyboard.press('Enter')
    await list.getByRole('switch').click()
    await page.keyboard.press('Escape')
    await list.waitFor({ state: 'detached' })
    await page.keyboard.press('c')
    await page.waitForURL(`${url}/orgs/acme/projects/apollo/chats`)
  })
}, databaseKinds.slice(0, 1))
