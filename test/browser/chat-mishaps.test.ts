import { expect, test } from 'vitest'
import type { Page } from 'playwright-core'
import { PLAIN_HOST } from '../support/chromium.ts'
import { describeInBrowser } from '../support/console-stage.ts'
import type { ConsoleStage } from '../support/console-stage.ts'
import { searchedKinds } from '../support/databases.ts'
import { finish, gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { must } from '../support/stage.ts'
import { answered, answers, ask, box } from './pages.ts'

const PLACE = '/orgs/acme/projects/apollo'

/** Says that it has begun, and goes on when it is told to. */
function saysAround(wait: Promise<unknown>): Script {
  const delta = (text: string) => ({ type: 'text-delta' as const, id: '0', delta: text })
  return [{ type: 'stream-start', warnings: [] }, { type: 'text-start', id: '0' }, delta('Begun'), wait, delta(' and done.'), { type: 'text-end', id: '0' }, finish()]
}

const open = async (stage: ConsoleStage, ...scripts: Script[]) => {
  const served = await stage.serve({ model: scriptedModel(...scripts) })
  return { ...served, page: await stage.visit(`${served.url}${PLACE}/chats`, 'bob') }
}

/** Until the answer is called, no question of this page reaches the server. */
async function cutQuestions(page: Page): Promise<() => Promise<void>> {
  await page.route('**/chat', (route) => route.abort())
  return () => page.unroute('**/chat')
}

/** The chat goes on, and not by this page. */
async function goOnElsewhere(page: Page, url: string): Promise<void> {
  const response = await page.request.post(`${url}/v1${PLACE}/chat`, { data: { id: new URL(page.url()).pathname.split('/').at(-1), message: { role: 'user', parts: [{ type: 'text', text: 'Elsewhere?' }] } }, headers: { origin: url, 'sec-fetch-site': 'same-origin' } })
  expect(response.status()).toBe(200)
}

describeInBrowser('nothing that somebody wrote is lost', (stage) => {
  test('a question that did not arrive, whatever happens in the place meanwhile', async () => {
    const { url, page } = await open(stage, says('Hello.'), says('Elsewhere.'), says('Hello again.'))
    await ask(page, 'Hello?')
    await answered(page)
    await page.reload() // opened by its address
    await answered(page)
    const letThrough = await cutQuestions(page)
    await ask(page, 'Are you there?')
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor()
    const told = page.waitForResponse((response) => response.url().includes('/threads?'))
    await goOnElsewhere(page, url) // in this very chat: what is stored of it is not what is here
    await told
    await page.getByRole('article', { name: 'You' }).getByText('Are you there?').waitFor()
    await letThrough()
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).click()
    await answers(page).getByText('Hello again.').waitFor()
    await expect.poll(() => answers(page).allInnerTexts()).toEqual([expect.stringContaining('Hello.'), expect.stringContaining('Elsewhere.'), expect.stringContaining('Hello again.')])
  })

  test('a question that did not arrive while the page looked whether an answer is under way', async () => {
    const { page } = await open(stage, says('Hello.'), says('Hello again.'))
    await ask(page, 'Hello?')
    await answered(page)
    const looked = gate()
    await page.route('**/stream', async (route) => {
      await looked.opened
      await route.continue()
    })
    const looking = page.waitForRequest('**/stream')
    await page.reload()
    await looking
    const letThrough = await cutQuestions(page)
    await ask(page, 'Are you there?')
    const again = page.getByRole('alert').getByRole('button', { name: 'Try again' })
    await again.waitFor()
    const found = page.waitForResponse('**/stream')
    looked.open()
    expect((await found).status()).toBe(204)
    await letThrough()
    await again.click()
    await answers(page).getByText('Hello again.').waitFor()
  })

  test('a question that did not arrive, and the next one: that waits until the first is asked again, in other words if need be', async () => {
    const { page } = await open(stage, says('Hello.'), says('Here.'), says('That, too.'))
    await ask(page, 'Hello?')
    await answered(page)
    const letThrough = await cutQuestions(page)
    await ask(page, 'Are you there?')
    await page.getByRole('alert').getByRole('button', { name: 'Try again' }).waitFor()
    await ask(page, 'And this?')
    await page.getByText('The message before has not arrived').first().waitFor()
    expect(await box(page).inputValue()).toBe('And this?')
    await letThrough()
    await page.getByRole('article', { name: 'You' }).last().hover()
    await page.getByRole('button', { name: 'Edit' }).last().click()
    await page.getByRole('textbox', { name: 'Edit the message' }).fill('Are you here?')
    await page.getByRole('button', { name: 'Ask again' }).click()
    await answers(page).getByText('Here.', { exact: true }).waitFor()
    await answered(page)
    await box(page).press('Enter')
    await answers(page).getByText('That, too.').waitFor()
    await page.reload()
    await answered(page)
    expect((await page.getByRole('article', { name: 'You' }).allInnerTexts()).map((text) => text.split('\n')[0])).toEqual(['Hello?', 'Are you here?', 'And this?'])
  })

  test('what was to wait for an answer, and was not taken', async () => {
    const held = gate()
    const { page } = await open(stage, saysAround(held.opened))
    await ask(page, 'First?')
    await answers(page).getByText('Begun').waitFor()
    await cutQuestions(page)
    await ask(page, 'And then?')
    await page.getByText('The message does not wait').first().waitFor()
    expect(await box(page).inputValue()).toBe('And then?')
    held.open()
    await answered(page)
  })

  test('what was begun in a new chat, on the way to another page and back', async () => {
    const { url, page } = await open(stage, says('Hello.'))
    await box(page).fill('Half a question')
    await page.getByRole('link', { name: 'Documents' }).click()
    await page.getByRole('heading', { name: 'Documents' }).waitFor()
    await page.goto(`${url}${PLACE}/chats`)
    await box(page).waitFor()
    expect(await box(page).inputValue()).toBe('Half a question')
  })

  test('an edit that is open while somebody else’s answer arrives: it is sent after it', async () => {
    const held = gate()
    const { page } = await open(stage, says('One.'), saysAround(held.opened), says('Two.'))
    await ask(page, 'First?')
    await answered(page)
    const second = await page.context().newPage()
    await second.goto(page.url())
    await answered(second)
    await page.getByRole('article', { name: 'You' }).hover()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: 'Edit the message' }).fill('First, in other words?')
    await ask(second, 'Second?')
    await answers(page).getByText('Begun').waitFor()
    const again = page.getByRole('button', { name: 'Ask again' })
    expect(await again.isDisabled()).toBe(true)
    held.open()
    await answers(page).getByText('and done.').waitFor()
    await again.click()
    await answers(page).getByText('Two.').waitFor()
    await page.getByText('2 of 2').first().waitFor({ state: 'attached' })
  })
}, searchedKinds)

describeInBrowser('a chat that was left', (stage) => {
  test('has what happened meanwhile when one comes back', async () => {
    const { url, page } = await open(stage, says('Hello.'), says('Hello from the other tab.'))
    await ask(page, 'Hello?')
    await answered(page)
    const address = page.url()
    await page.getByRole('link', { name: 'New chat' }).click()
    await page.getByRole('heading', { name: /^Ask in/ }).waitFor()
    const second = await page.context().newPage()
    await second.goto(address)
    await answered(second)
    await ask(second, 'And here?')
    await answers(second).getByText('Hello from the other tab.').waitFor()
    await page.getByRole('list', { name: 'Threads' }).getByText('Hello?').click()
    await answers(page).getByText('Hello from the other tab.').waitFor()
    expect(page.url().startsWith(url)).toBe(true)
  })

  test('and deleted by its author is not gone on with by who has it open', async () => {
    const { url, page: bob } = await open(stage, says('To be shared.'))
    const erin = await stage.visit(`${url}${PLACE}/chats`, 'erin')
    await ask(bob, 'What do we share?')
    await answered(bob)
    const chat = must(new URL(bob.url()).pathname.split('/').at(-1))
    const headers = { origin: url, 'sec-fetch-site': 'same-origin' }
    await bob.request.patch(`${url}/v1${PLACE}/threads/${chat}`, { data: { shared: true }, headers })
    await erin.getByRole('list', { name: 'Threads' }).getByText('What do we share?').click()
    await answers(erin).getByText('To be shared.').waitFor()
    await bob.request.delete(`${url}/v1${PLACE}/threads/${chat}`, { headers })
    await erin.getByText('This chat is not here').waitFor()
    expect(await box(erin).count()).toBe(0)
  })
}, searchedKinds)

describeInBrowser('a page over plain http in a network, where a browser allows less', (stage) => {
  test('signs in, asks and is answered', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(`${url.replace('127.0.0.1', PLAIN_HOST)}${PLACE}/chats`, null)
    expect(await page.evaluate('isSecureContext')).toBe(false)
    await page.getByRole('textbox', { name: 'API key' }).fill(must(stage.world.keys.bob))
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
    await ask(page, 'Hello?')
    expect(await answered(page)).toContain('Hello.')
    await page.getByRole('button', { name: 'Copy' }).last().click()
    await page.getByText('does not let the page copy').first().waitFor()
  })
}, searchedKinds)
