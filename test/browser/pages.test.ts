import { expect, test } from 'vitest'
import { describeInBrowser } from '../support/console-stage.ts'
import { finish, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { answered, answers, ask, box } from './pages.ts'

const model = () => scriptedModel(says('Hello.'))
const PLACE = '/orgs/acme/projects/apollo'

/** Unlike what any other test of the file has made. */
let count = 0
const fresh = (word: string) => `${word}-${(count += 1)}`

describeInBrowser('the page of', (stage) => {
  test('documents: some are uploaded, found as the model finds them, edited and deleted', async () => {
    const { url } = await stage.serve({ model: model() })
    const page = await stage.visit(`${url}${PLACE}/documents`, 'bob')
    const title = fresh('Quokka')
    const files = [
      { name: 'a.md', mimeType: 'text/markdown', buffer: Buffer.from(`# ${title} handbook\n\nThe quokka sleeps by day.\n`) },
      { name: 'b.txt', mimeType: 'text/plain', buffer: Buffer.from('Plain words.') },
      { name: 'latin.txt', mimeType: 'text/plain', buffer: Buffer.from([0x63, 0x61, 0x66, 0xe9]) },
    ]
    await page.locator('input[type=file]:not([webkitdirectory])').first().setInputFiles(files)
    const list = page.getByRole('main')
    await list.getByText(`${title} handbook`).first().waitFor()
    await page.getByRole('region', { name: 'Uploads' }).getByText('latin.txt').waitFor()

    await page.getByRole('searchbox').last().fill('quokkas sleeping')
    await list.getByText('What the model finds by these words').waitFor()
    await list.getByText(`${title} handbook`).first().click()
    await page.getByText('The quokka sleeps by day.').last().waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: 'Text' }).fill('The quokka sleeps by night.')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('button', { name: 'Edit' }).waitFor()
    await page.getByText('The quokka sleeps by night.').last().waitFor()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await expect.poll(() => list.getByText(`${title} handbook`).count()).toBe(0)
  })

  test('runs: one is seen as it runs, looked into, and stopped', async () => {
    const held = Promise.withResolvers<void>()
    const script: Script = [{ type: 'stream-start', warnings: [] }, { type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Begun' }, held.promise, { type: 'text-end', id: '0' }, finish()]
    const { url } = await stage.serve({ model: scriptedModel(script) })
    const asking = await stage.visit(`${url}${PLACE}/chats`, 'bob')
    const question = fresh('Does it run?')
    await ask(asking, question)
    await answers(asking).getByText('Begun').waitFor()

    const page = await asking.context().newPage()
    await page.goto(`${url}${PLACE}/runs?state=running,queued`)
    const row = page.getByRole('list', { name: 'Runs' }).getByRole('listitem').filter({ hasText: question })
    await row.getByText('Running').waitFor()
    await row.getByRole('button', { name: question }).first().click()
    const inspector = page.getByRole('complementary', { name: 'What the run did' })
    await inspector.getByText('bob', { exact: true }).waitFor()
    await inspector.getByRole('tab', { name: 'Context' }).click()
    await inspector.getByText('Not written down yet').waitFor()
    await inspector.getByRole('tab', { name: 'Events' }).click()
    await inspector.getByText('text-delta').first().waitFor()
    expect(new URL(page.url()).searchParams.get('tab')).toBe('events')
    await row.getByRole('button', { name: /^Stop/ }).click()
    await row.waitFor({ state: 'detached' })
    held.resolve()
    await inspector.getByRole('tab', { name: 'Overview' }).click()
    await inspector.getByText('Stopped').waitFor()
    await answers(asking).getByText('Stopped').waitFor()
  })

  test('people: an admin adds somebody, changes the role and takes it back; a member sees who is there', async () => {
    const { url } = await stage.serve({ model: model() })
    const page = await stage.visit(`${url}/orgs/acme/people`, 'ada')
    const person = fresh('zoe')
    await page.getByRole('button', { name: 'Add a person' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('combobox', { name: 'Id' }).or(dialog.getByRole('textbox', { name: 'Id' })).fill(person)
    await dialog.getByRole('textbox', { name: /Name/ }).fill(`Zoe ${person}`)
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    const row = page.getByRole('listitem').filter({ hasText: `Zoe ${person}` })
    await row.getByRole('combobox', { name: /Role of/ }).click()
    await page.getByRole('option', { name: 'Admin' }).click()
    await expect.poll(() => row.getByRole('combobox').innerText()).toContain('Admin')

    const bob = await stage.visit(`${url}/orgs/acme/people`, 'bob')
    await bob.getByRole('listitem').filter({ hasText: `Zoe ${person}` }).getByText('Admin').waitFor()
    expect(await bob.getByRole('button', { name: 'Add a person' }).count()).toBe(0)

    await row.getByRole('button', { name: /More about/ }).click()
    await page.getByRole('menuitem', { name: /Remove/ }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click()
    await row.waitFor({ state: 'detached' })
  })

  test('projects: one is made, gone to, and deleted', async () => {
    const { url } = await stage.serve({ model: model() })
    const page = await stage.visit(`${url}/orgs/acme/projects`, 'ada')
    const name = fresh('Atlas')
    await page.getByRole('button', { name: 'New project' }).first().click()
    await page.getByRole('textbox', { name: 'Name' }).fill(name)
    await page.getByRole('button', { name: 'Make the project' }).click()
    const row = page.getByRole('listitem').filter({ hasText: name })
    await row.getByRole('link', { name }).click()
    await page.getByRole('heading', { name: `Ask in ${name}` }).waitFor()
    await page.goBack()
    await row.getByRole('button', { name: /More about/ }).click()
    await page.getByRole('menuitem', { name: /Delete/ }).click()
    await page.getByRole('dialog').getByRole('textbox').fill(name.toLowerCase())
    await page.getByRole('button', { name: 'Delete the project' }).click()
    await row.waitFor({ state: 'detached' })
    await page.goto(`${url}/orgs/acme/projects/${name.toLowerCase()}/chats`)
    expect(await page.getByRole('heading', { name: 'There is nothing here for you' }).innerText()).not.toContain(name)
  })

  test('keys: one is made, shown once, signs somebody in, and is revoked', async () => {
    const { url } = await stage.serve({ model: model() })
    const page = await stage.visit(`${url}/orgs/acme/keys`, 'bob')
    await page.getByRole('button', { name: 'New key' }).first().click()
    await page.getByRole('button', { name: 'Make the key' }).click()
    await page.getByRole('dialog', { name: /is made/ }).waitFor()
    const key = /ambit_[\w-]{56}/.exec(await page.getByRole('dialog').innerText())?.[0] ?? ''
    expect(key).toMatch(/^ambit_/)
    const other = await stage.visit(`${url}${PLACE}/chats`, null)
    await other.getByRole('textbox', { name: 'API key' }).fill(key)
    await other.getByRole('button', { name: 'Sign in' }).click()
    await box(other).waitFor()
    await page.getByRole('dialog').getByRole('button', { name: /Copy/ }).first().click()
    await page.reload()
    const beginning = key.slice(0, 'ambit_'.length + 12)
    expect(await page.getByRole('main').innerText()).not.toContain(key)
    await page.getByRole('button', { name: new RegExp(`Revoke ${beginning}`) }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click()
    await page.getByRole('button', { name: new RegExp(`Revoke ${beginning}`) }).waitFor({ state: 'detached' })
    await other.reload()
    await other.getByRole('textbox', { name: 'API key' }).waitFor()
  })

  test('settings: an admin’s instructions are saved and told; a member reads them', async () => {
    const asked = model()
    const { url } = await stage.serve({ model: asked })
    const page = await stage.visit(`${url}${PLACE}/settings`, 'ada')
    const words = `Answer in verse, ${fresh('please')}.`
    const instructions = page.getByRole('textbox', { name: /^Instructions of/ })
    await instructions.fill(words)
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('Saved. It holds for the next question.').waitFor()
    await page.reload()
    expect(await instructions.inputValue()).toBe(words)
    await page.goto(`${url}${PLACE}/chats`)
    await ask(page, 'Hello?')
    await answered(page)
    expect(JSON.stringify(asked.calls.at(-1)?.prompt)).toContain(words)
    const bob = await stage.visit(`${url}${PLACE}/settings`, 'bob')
    await bob.getByText(words).waitFor()
    expect(await bob.getByRole('button', { name: 'Save' }).count()).toBe(0)
  })

  test('a chat takes files, and shows them again', async () => {
    const asked = model()
    const { url } = await stage.serve({ model: asked })
    const page = await stage.visit(`${url}${PLACE}/chats`, 'bob')
    await page.locator('input[type=file]').first().setInputFiles([
      { name: 'minutes.md', mimeType: 'text/markdown', buffer: Buffer.from('Bob brings the cake.') },
      { name: 'what.bin', mimeType: 'application/octet-stream', buffer: Buffer.from([1, 2, 3]) },
      { name: 'map.png', mimeType: 'image/png', buffer: Buffer.from('89504e470d0a1a0a', 'hex') },
    ])
    const attached = page.getByRole('list', { name: 'Attached files' })
    await attached.getByRole('listitem').filter({ hasText: 'what.bin' }).getByRole('alert').waitFor()
    await attached.getByRole('listitem').filter({ hasText: 'map.png' }).getByText('takes no images').waitFor()
    expect(await page.getByRole('button', { name: 'Send' }).isDisabled()).toBe(true)
    await attached.getByRole('button', { name: 'Remove what.bin' }).click()
    await attached.getByRole('button', { name: 'Remove map.png' }).click()
    await ask(page, 'Who brings the cake?')
    await answered(page)
    expect(JSON.stringify(asked.calls.at(-1)?.prompt)).toContain('Bob brings the cake.')
    await page.reload()
    await answered(page)
    const link = page.getByRole('article', { name: 'You' }).getByRole('link', { name: 'minutes.md' })
    const file = await page.request.get(new URL(String(await link.getAttribute('href')), url).href)
    expect(await file.text()).toBe('Bob brings the cake.')
  })

  test('a chat says when the server is out of reach, and goes on when it is back', async () => {
    const held = Promise.withResolvers<void>()
    const script: Script = [{ type: 'stream-start', warnings: [] }, { type: 'text-start', id: '0' }, { type: 'text-delta', id: '0', delta: 'Before it broke' }, held.promise, { type: 'text-delta', id: '0', delta: ', and after.' }, { type: 'text-end', id: '0' }, finish()]
    const { url } = await stage.serve({ model: scriptedModel(script) })
    const page = await stage.visit(`${url}${PLACE}/chats`, 'bob')
    await ask(page, 'Go on.')
    await answers(page).getByText('Before it broke').waitFor()
    await page.context().setOffline(true)
    await page.getByText('Answers go on there').waitFor()
    held.resolve()
    await page.context().setOffline(false)
    await page.getByText('Answers go on there').waitFor({ state: 'detached', timeout: 20_000 })
    expect(await answered(page)).toContain('Before it broke, and after.')
  })
})
