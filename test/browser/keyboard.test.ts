import { expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { describeInBrowser } from '../support/console-stage.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answers } from './pages.ts'

const once = databaseKinds.slice(0, 1) // what a keyboard does is no matter of the database

describeInBrowser('with the keyboard alone', (stage) => {
  test('one signs in, asks, reads a source, goes elsewhere and signs out', async () => {
    const { url } = await stage.serve({ model: scriptedModel(callsTools(['search_documents', { query: 'launch' }]), says('Apollo launches on 14 September. [1]')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, null)
    const keys = page.keyboard
    /** Goes on by Tab until this is focused: it must come within so many steps. */
    const tabTo = async (name: RegExp, back = false) => {
      for (let step = 0; step < 60; step += 1) {
        const label = await page.evaluate('document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent')
        if (name.test(String(label))) return
        await keys.press(back ? 'Shift+Tab' : 'Tab')
      }
      throw new Error(`Tab does not come to ${name.source}.`)
    }

    await page.getByRole('textbox', { name: 'API key' }).waitFor()
    await keys.type(stage.world.keys.bob)
    await keys.press('Enter')
    await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
    await keys.type('When is the launch?')
    await keys.press('Enter')
    await page.getByRole('button', { name: 'Answer again' }).waitFor()

    await tabTo(/^Source 1: Launch plan/, true)
    await keys.press('Enter')
    const source = page.getByRole('complementary', { name: 'Source' })
    await source.waitFor()
    await tabTo(/^Close$/)
    await keys.press('Enter')
    await source.waitFor({ state: 'detached' })

    await keys.press('Control+k')
    await page.getByRole('dialog').waitFor()
    await keys.type('docum')
    await keys.press('Enter')
    await page.getByRole('heading', { name: 'Documents', level: 1 }).waitFor()
    await keys.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await keys.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await keys.press('c')
    await page.getByRole('heading', { name: /^Ask in/ }).waitFor()
    await keys.press('Control+k')
    await page.getByRole('dialog').waitFor()
    await keys.type('acme company')
    await keys.press('Enter')
    await page.waitForURL(`${url}/orgs/acme/chats`)

    await tabTo(/^Bbob/i)
    await keys.press('Enter')
    await page.getByRole('menu').waitFor()
    await keys.press('End')
    await keys.press('Enter')
    await page.getByRole('textbox', { name: 'API key' }).waitFor()
    expect(await answers(page).count()).toBe(0)
  })

  test('a dialog keeps the focus, gives it back, and Escape closes it', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'bob')
    await page.locator('textarea:focus').waitFor() // where one begins to write
    const place = page.getByRole('button', { name: /choose another organisation/ })
    await place.focus()
    await page.keyboard.press('Enter')
    const dialog = page.getByRole('dialog')
    await dialog.waitFor()
    for (let step = 0; step < 12; step += 1) {
      await page.keyboard.press('Tab')
      await expect.poll(() => page.evaluate('document.activeElement.closest("[role=dialog]") !== null')).toBe(true) // past the guards at both ends
    }
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    await expect.poll(() => page.evaluate('document.activeElement.textContent')).toContain('choose another organisation')
  })
}, once)
