import type { Locator, Page } from 'playwright-core'

/** What the tests of the console touch, by what people know it by. */

export const box = (page: Page): Locator => page.getByRole('textbox', { name: 'Message', exact: true })
export const answers = (page: Page): Locator => page.getByRole('article', { name: 'Answer' })

export async function ask(page: Page, text: string): Promise<void> {
  await box(page).fill(text)
  await box(page).press('Enter')
}

/** The text of the last answer, once it is whole. */
export async function answered(page: Page): Promise<string> {
  await page.getByRole('button', { name: 'Answer again' }).last().waitFor()
  return (await answers(page).last().innerText()).trim()
}
