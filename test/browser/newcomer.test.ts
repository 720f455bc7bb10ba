import { rmSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newDirectory, startAmbit } from '../cli/ambit.ts'
import type { Started } from '../cli/ambit.ts'
import { hasBrowser, useBrowser } from '../support/use-browser.ts'
import { answered, answers } from './pages.ts'

const { visit } = useBrowser()

describe.runIf(hasBrowser)('a newcomer’s first minute', () => {
  const directory = newDirectory()
  let server: Started
  beforeAll(async () => {
    server = await startAmbit({ AMBIT_DIRECTORY: directory })
  })
  afterAll(async () => {
    await server.end('SIGTERM')
    rmSync(directory, { recursive: true, force: true })
  })

  test('is one address, one click on somebody, one on a question; then the source and what the run did', { timeout: 60_000 }, async () => {
    expect(server.out).toContain(`Open ${server.url} in a browser`)
    const page = await visit(server.url, null)
    await page.getByRole('button', { name: /Bob Okafor/ }).click()
    await page.getByRole('list', { name: 'Questions to begin with' }).getByRole('button').first().click()
    expect(await answered(page)).toMatch(/\w{3}/)
    await answers(page).getByRole('button', { name: /^Source/ }).first().click()
    await page.getByRole('complementary', { name: 'Source' }).locator('mark').first().waitFor()
    await page.getByRole('button', { name: 'What the run did' }).last().click()
    await page.getByRole('tab', { name: 'Timeline' }).click()
    await page.getByRole('list', { name: 'Steps and calls' }).getByText('search_documents').waitFor()
    await expect.poll(() => page.getByRole('list', { name: 'Threads' }).getByRole('listitem').count()).toBe(1)
  })

  test('shows two organisations that do not see each other', async () => {
    const page = await visit(server.url, null)
    await page.getByRole('button', { name: /Gus Papadakis/ }).click()
    await page.getByRole('button', { name: /choose another organisation/ }).click()
    const places = await page.getByRole('dialog').innerText()
    expect(places).toContain('Globex')
    expect(places).not.toContain('Acme')
  })

  test('asks for nobody’s key, and has none in the page', async () => {
    const page = await visit(server.url, null)
    await page.getByRole('button', { name: /Ada Lindqvist/ }).click()
    await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
    const [cookie] = await page.context().cookies()
    expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict' })
    const kept = await page.evaluate('document.cookie + JSON.stringify(localStorage) + JSON.stringify(sessionStorage)')
    expect(kept).not.toMatch(/ambit_[\w-]{12}_/)
    expect(await page.content()).not.toMatch(/ambit_[\w-]{12}_/)
  })
})
