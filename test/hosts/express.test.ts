import type { Page } from 'playwright-core'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { openBrowser } from '../support/chromium.ts'
import { must } from '../support/stage.ts'
import { describeHost } from './support/host-contract.ts'

const browser = await openBrowser()
afterAll(() => browser?.close())

describeHost({
  name: 'express',
  credentials: async () => ({ nora: { cookie: 'session=nora-token' }, ned: { cookie: 'session=ned-token' }, sam: { cookie: 'session=sam-token' } }),
  chat: { north: '/v1/orgs/north/chat', south: '/v1/orgs/south/projects/web/chat' },
  foreign: ['/v1/orgs/north/chat', '/v1/orgs/north/projects/web/chat', '/v1/orgs/south/projects/kiosk/chat'],
  total: { ask: 'Sum up all orders', output: { sum: 78 } },
  own: {
    path: '/orders/search',
    init: { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ customer: 'Marlow' }) },
    answer: [{ id: 'n1', total: 70 }, { id: 'n2', total: 8 }],
  },
}, (stage) => {
  /** A browser that the app has signed in, in the app's own way. */
  async function visit(token: string | null, path: string): Promise<Page> {
    const { url } = stage().running
    const context = await must(browser).newContext()
    onTestFinished(() => context.close())
    if (token !== null) await context.addCookies([{ name: 'session', value: token, url, httpOnly: true, sameSite: 'Lax' }])
    const page = await context.newPage()
    await page.goto(url + path)
    return page
  }

  describe.runIf(browser !== null)('has the console under its own path', () => {
    test('for whom it has signed in, in the places of its own directory', async () => {
      const page = await visit('nora-token', '/assistant')
      await page.getByRole('textbox', { name: 'Message', exact: true }).fill('Find the orders of the customer "Marlow"')
      await page.keyboard.press('Enter')
      await page.getByRole('button', { name: 'Answer again' }).waitFor()
      expect(await page.getByRole('article', { name: 'Answer' }).innerText()).toContain('total: 8') // of the kiosk, its first project
      expect(new URL(page.url()).pathname).toMatch(/^\/assistant\/orgs\/north\//)
      await page.getByRole('button', { name: /choose another organisation/ }).click()
      expect(await page.getByRole('dialog').innerText()).not.toMatch(/south/i)
      expect(await page.getByRole('link', { name: 'Keys' }).count()).toBe(0) // people and keys are the app's
    })

    test('and sends everybody else to sign in there', async () => {
      const page = await visit(null, '/assistant/orgs/north/chats')
      await page.getByRole('link', { name: 'Sign in' }).click()
      await page.getByText('The shop is open.').waitFor()
      expect(new URL(page.url()).pathname).toBe('/')
    })
  })
})
