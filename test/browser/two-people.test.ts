import type { Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { describeInBrowser } from '../support/console-stage.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answered, answers, ask } from './pages.ts'

const SECRETS = ['CNRY-acme-zephyr', 'Acquisition memo', 'Kestrel', '41.5 million']

/** Every byte of an answer that a browser got, but for streams that are still open. */
function bytesOf(page: Page): () => Promise<string> {
  const bodies: Promise<string>[] = []
  page.context().on('response', (response) => bodies.push(response.finished().then(() => response.text(), () => '').catch(() => '')))
  return async () => (await Promise.race([Promise.all(bodies.filter(Boolean)), page.waitForTimeout(500).then(() => Promise.all(bodies.map((body) => Promise.race([body, Promise.resolve('')]))))])).join('\n')
}

describeInBrowser('two people in two browsers', (stage) => {
  test('no byte of a private project reaches who is not in it', async () => {
    const model = scriptedModel(callsTools(['search_documents', { query: 'price' }]), says('The price for Kestrel is 41.5 million. [1]'), says('Nothing.'))
    const { url } = await stage.serve({ model })
    const bob = await stage.visit(`${url}/orgs/acme/chats`, 'bob')
    const seen = bytesOf(bob)
    const ada = await stage.visit(`${url}/orgs/acme/projects/zephyr/chats`, 'ada')
    await ask(ada, 'What is the price?')
    expect(await answered(ada)).toContain('41.5 million')
    const address = new URL(ada.url())

    await bob.goto(address.href)
    await bob.getByText('There is nothing here for you').waitFor()
    await bob.goto(`${url}/orgs/acme/chats/${address.pathname.split('/').at(-1)}`)
    await bob.getByText('This chat is not here').waitFor()
    await bob.getByRole('button', { name: /choose another organisation/ }).click()
    await bob.getByRole('dialog').getByText('apollo of acme').waitFor()
    expect(await bob.getByRole('dialog').innerText()).not.toContain('zephyr')
    const bytes = await seen()
    expect(bytes).toContain('apollo of acme')
    expect(SECRETS.filter((secret) => bytes.includes(secret))).toEqual([])
    expect(bytes).not.toContain('zephyr of acme')
  })

  test('a thread that is shared is seen and followed by the others, and gone when it is taken back', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('To be shared.'), says('To both of us.')) })
    const bob = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'bob')
    const erin = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'erin')
    const question = `What do we share, ${performance.now()}?`
    await ask(bob, question)
    await answered(bob)
    expect(await erin.getByRole('list', { name: 'Threads' }).getByText(question).count()).toBe(0)

    await bob.getByRole('button', { name: 'This thread' }).click()
    await bob.getByRole('menuitem', { name: 'Share' }).click()
    await bob.getByRole('dialog').getByRole('button', { name: 'Share' }).click()
    const inList = erin.getByRole('list', { name: 'Threads' }).getByText(question)
    await inList.click()
    await answers(erin).getByText('To be shared.').waitFor()

    await ask(bob, 'And this?')
    await answers(erin).getByText('To both of us.').waitFor()
    expect(await erin.getByRole('button', { name: 'This thread' }).count()).toBe(0)

    await bob.getByRole('button', { name: 'This thread' }).click()
    await bob.getByRole('menuitem', { name: 'Take back' }).click()
    await bob.getByRole('dialog').getByRole('button', { name: 'Take back' }).click()
    await bob.getByText('Shared', { exact: true }).waitFor({ state: 'detached' })
    await erin.reload()
    await erin.getByRole('list', { name: 'Threads' }).or(erin.getByText('No threads yet.')).first().waitFor()
    expect(await erin.getByText(question).count()).toBe(0)
    expect(await erin.getByText('To be shared.').count()).toBe(0)
  })

  test('an answer that has read what somebody may not see is a gap to him, in the same thread', async () => {
    const model = scriptedModel(callsTools(['search_documents', { query: 'price kestrel' }]), says('The price for Kestrel is 41.5 million. [1]'))
    const { url } = await stage.serve({ model })
    const ada = await stage.visit(`${url}/orgs/acme/chats`, 'ada')
    const question = `How much, ${performance.now()}?`
    await ask(ada, question)
    await answered(ada)
    await ada.getByRole('button', { name: 'This thread' }).click()
    await ada.getByRole('menuitem', { name: 'Share' }).click()
    await ada.getByRole('dialog').getByRole('button', { name: 'Share' }).click()

    const bob = await stage.visit(`${url}/orgs/acme/chats`, 'bob')
    const seen = bytesOf(bob)
    await bob.getByRole('list', { name: 'Threads' }).getByText(question).click()
    await bob.getByText('This answer has read from a project that you may not see.').waitFor()
    const shown = (await bob.content()) + (await seen())
    expect(SECRETS.filter((secret) => shown.includes(secret))).toEqual([])
  })

  test('who signs out leaves nothing for who comes next', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('For ada’s eyes.')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'ada')
    await ask(page, 'What is only mine?')
    await answered(page)
    const address = page.url()
    await page.getByRole('button', { name: /ada/ }).last().click()
    await page.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('textbox', { name: 'API key' }).fill(stage.world.keys.bob)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This chat is not here').waitFor()
    expect(page.url()).toBe(address)
    expect(await page.content()).not.toContain('For ada')
    await page.goto(`${url}/`)
    await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
    expect(await page.content()).not.toContain('only mine')
  })

  test('who signs in in another tab takes this one over, and sees nothing of who was here', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('For ada’s eyes.')) })
    const page = await stage.visit(`${url}/orgs/acme/projects/apollo/chats`, 'ada')
    await ask(page, 'What is only mine?')
    await answered(page)
    await page.getByRole('button', { name: 'What the run did' }).last().click()
    await page.getByRole('complementary', { name: 'What the run did' }).getByText('In whose name').waitFor()
    const second = await page.context().newPage()
    await second.goto(`${url}/orgs/acme/keys`)
    await second.getByRole('button', { name: /ada/ }).last().click()
    await second.getByRole('menuitem', { name: 'Sign out' }).click()
    await page.getByRole('textbox', { name: 'API key' }).waitFor()
    await second.getByRole('textbox', { name: 'API key' }).fill(stage.world.keys.bob)
    await second.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This chat is not here').waitFor()
    await page.getByRole('button', { name: /bob/ }).last().waitFor()
    expect(await page.content()).not.toContain('In whose name')
    expect(await page.content()).not.toContain('only mine')
  })

  test('a key that is revoked ends what is open in the browser that it signed in', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')), limits: { scopeMs: 200 } })
    const page = await stage.visit(`${url}/orgs/globex/chats`, 'hana')
    await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
    const prefix = stage.world.keys.hana.slice('ambit_'.length, 'ambit_'.length + 12)
    await stage.database.superuser.transaction('commit', (sql) => sql.query('update ambit.api_keys set revoked_at = now() where prefix = $1', [prefix]))
    await page.getByRole('textbox', { name: 'API key' }).waitFor({ timeout: 15_000 })
    expect(await page.getByRole('textbox', { name: 'Message', exact: true }).count()).toBe(0)
  })
})
