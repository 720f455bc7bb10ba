import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { databaseKinds } from '../support/databases.ts'
import { describeInBrowser } from '../support/console-stage.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { box } from './pages.ts'

const APOLLO = '/orgs/acme/projects/apollo'

/** Holds such a request back on its way to the server until it is let go. */
async function hold(page: Page, method: string, path: RegExp): Promise<{ readonly begun: Promise<void>; release(): void }> {
  const begun = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  await page.route(path, async (route) => {
    if (route.request().method() !== method) return route.fallback()
    begun.resolve()
    await released.promise
    return route.continue()
  })
  return { begun: begun.promise, release: released.resolve }
}

describeInBrowser('what is not saved', (stage) => {
  const visit = async (path: string) => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(url + path, 'ada')
    const asked: string[] = []
    page.on('dialog', (dialog) => {
      asked.push(dialog.type())
      void dialog.accept()
    })
    return { page, url, asked }
  }
  const question = (page: Page) => page.getByRole('dialog', { name: 'Leave without saving?' })

  test('is kept where it was typed while the settings were being saved', async () => {
    const { page } = await visit(`${APOLLO}/settings`)
    const field = page.getByRole('textbox', { name: 'Instructions of' })
    const saving = await hold(page, 'PATCH', /\/settings$/)
    await field.fill('Be brief.')
    await page.getByRole('button', { name: 'Save' }).click()
    await saving.begun
    await field.press('End')
    await field.pressSequentially(' Be kind.')
    saving.release()
    await page.getByText('There are changes that are not saved.').waitFor()
    await expect.poll(() => page.getByRole('button', { name: 'Save' }).isEnabled()).toBe(true)
    expect(await field.inputValue()).toBe('Be brief. Be kind.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved. It holds for the next question.').waitFor()
    await page.reload()
    await expect.poll(() => field.inputValue()).toBe('Be brief. Be kind.')
  })

  test('is asked for before one goes elsewhere, back, or out; and is gone for whoever signs in next', async () => {
    const { page, url, asked } = await visit(`${APOLLO}/chats`)
    await box(page).fill('A question of its own')
    await page.getByRole('link', { name: 'Instructions and model' }).click()
    const field = page.getByRole('textbox', { name: 'Instructions of' })
    await field.fill('Half a thought')
    for (const leave of [() => page.getByRole('link', { name: 'Runs' }).click(), () => page.goBack(), async () => {
      await page.getByRole('button', { name: /^ada/i }).click()
      await page.getByRole('menuitem', { name: 'Sign out' }).click()
    }]) {
      await leave()
      await question(page).getByRole('button', { name: 'Stay here' }).click()
      await question(page).waitFor({ state: 'detached' })
      expect([page.url(), await field.inputValue()]).toEqual([`${url}${APOLLO}/settings`, 'Half a thought'])
    }
    await page.getByRole('button', { name: /^ada/i }).click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await question(page).getByRole('button', { name: 'Leave and drop the changes' }).click()
    await page.getByRole('textbox', { name: 'API key' }).waitFor()
    expect(asked).toEqual([]) // the browser does not ask once more
    expect(await page.evaluate('Object.keys(sessionStorage).filter((key) => key.startsWith("ambit-"))')).toEqual([])
  })

  test('a document that is being saved cannot be typed into; whoever leaves meanwhile is not fetched back', async () => {
    const { page, url } = await visit(`${APOLLO}/documents?new=yes`)
    const saving = await hold(page, 'POST', /\/documents$/)
    const text = page.getByRole('textbox', { name: 'Text' })
    await page.getByRole('textbox', { name: 'Title' }).fill('Plans')
    await text.fill('We plan.')
    await page.getByRole('button', { name: 'Save' }).click()
    await saving.begun
    await expect.poll(() => text.isEditable()).toBe(false)
    await page.getByRole('link', { name: 'Runs' }).click()
    await question(page).getByRole('button', { name: 'Leave and drop the changes' }).click()
    await page.getByRole('heading', { name: 'Runs' }).waitFor()
    const shown: string[] = []
    page.on('framenavigated', (frame) => shown.push(frame.url()))
    const saved = page.waitForResponse((response) => response.request().method() === 'POST')
    saving.release()
    expect((await saved).status()).toBe(201)
    await page.getByRole('link', { name: 'Documents' }).click()
    await page.getByRole('link', { name: /^Plans/ }).waitFor() // it was on its way
    expect(shown).toEqual([`${url}${APOLLO}/documents`])
  })

  test('a dialog stays for as long as what it asks for is under way: a key is shown once', async () => {
    const { page } = await visit('/orgs/acme/keys')
    const making = await hold(page, 'POST', /\/keys$/)
    await page.getByRole('button', { name: 'New key' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Make the key' }).click()
    await making.begun
    await expect.poll(() => dialog.getByRole('button', { name: 'Cancel' }).isDisabled()).toBe(true)
    await page.keyboard.press('Escape')
    await dialog.getByRole('button', { name: 'Close' }).click()
    making.release()
    await dialog.getByText(/ambit_/).first().waitFor()
    expect(await dialog.getByRole('button', { name: 'Cancel' }).count()).toBe(0)
  })
}, databaseKinds.slice(0, 1)) // what a page asks before it is left is no matter of the database
