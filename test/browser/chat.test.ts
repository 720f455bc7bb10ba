import { expect, test } from 'vitest'
import { describeInBrowser } from '../support/console-stage.ts'
import type { ConsoleStage } from '../support/console-stage.ts'
import { callsTools, finish, gate, says, scriptedModel } from '../support/scripted-model.ts'
import type { Script } from '../support/scripted-model.ts'
import { answered, answers, ask, box } from './pages.ts'

const APOLLO = '/orgs/acme/projects/apollo/chats'

/** Says the one, waits, and says the other. */
function saysAround(before: string, wait: Promise<unknown>, after: string): Script {
  const delta = (text: string) => ({ type: 'text-delta' as const, id: '0', delta: text })
  return [{ type: 'stream-start', warnings: [] }, { type: 'text-start', id: '0' }, delta(before), wait, delta(after), { type: 'text-end', id: '0' }, finish()]
}

const open = async (stage: ConsoleStage, ...scripts: Script[]) => {
  const served = await stage.serve({ model: scriptedModel(...scripts) })
  return { ...served, page: await stage.visit(served.url + APOLLO, 'bob') }
}

describeInBrowser('a chat', (stage) => {
  test('shows an answer as it comes, and its markdown', async () => {
    const held = gate()
    const { page } = await open(stage, saysAround('The **first** half', held.opened, ' and the `second`.\n\n- a point\n'))
    await ask(page, 'What is it?')
    await page.getByRole('strong').filter({ hasText: 'first' }).waitFor()
    expect(await page.getByRole('button', { name: 'Stop' }).isVisible()).toBe(true)
    held.open()
    expect(await answered(page)).toContain('The first half and the second.')
    expect(await answers(page).getByRole('listitem').filter({ hasText: 'a point' }).count()).toBe(1)
    expect(page.url()).toMatch(/\/chats\/[0-9a-f]{32}$/)
  })

  test('shows what a tool was called for, what it found, and opens a source at its passage', async () => {
    const { page } = await open(stage, callsTools(['search_documents', { query: 'launch date' }]), says('Apollo launches on 14 September. [1]'))
    await ask(page, 'When is the launch?')
    await answered(page)
    await page.getByRole('button', { name: /Searched the documents for “launch date”.*1 found/ }).waitFor()
    await page.getByRole('button', { name: 'Source 1: Launch plan' }).click()
    const source = page.getByRole('complementary', { name: 'Source' })
    expect(await source.locator('mark').first().innerText()).toContain('Apollo launches on 14 September')
    expect(new URL(page.url()).searchParams.get('document')).not.toBeNull()
    await page.goBack()
    await source.waitFor({ state: 'detached' })
  })

  test.for([['as it was asked', false], ['taken up after a reload', true]] as const)('stops when it is told to, %s, and keeps what was said', async ([, reloaded]) => {
    const held = gate()
    const { page } = await open(stage, saysAround('As far as this', held.opened, ' and never further.'))
    await ask(page, 'Go on.')
    await answers(page).getByText('As far as this').waitFor()
    if (reloaded) await page.reload()
    await page.getByRole('button', { name: 'Stop' }).click()
    await answers(page).getByText('Stopped').waitFor()
    expect(await answered(page)).toContain('As far as this')
    held.open()
    await page.reload()
    await answers(page).getByText('Stopped').waitFor()
    expect(await answers(page).innerText()).not.toContain('further')
  })

  test('answers again and edits, and keeps every version', async () => {
    const { page } = await open(stage, says('The first answer.'), says('The second answer.'), says('To the other question.'))
    await ask(page, 'One question?')
    await answered(page)
    await page.getByRole('button', { name: 'Answer again' }).click()
    await answers(page).getByText('The second answer.').waitFor()
    await answers(page).getByText('2 of 2').waitFor()
    await page.getByRole('button', { name: 'The version before' }).click()
    await answers(page).getByText('The first answer.').waitFor()

    await page.getByRole('article', { name: 'You' }).hover()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByRole('textbox', { name: 'Edit the message' }).fill('Another question?')
    await page.getByRole('button', { name: 'Ask again' }).click()
    await answers(page).getByText('To the other question.').waitFor()
    const versions = page.getByRole('article', { name: 'You' }).getByRole('group', { name: 'Versions' })
    await versions.getByText('2 of 2').waitFor({ state: 'attached' })
    await page.getByRole('article', { name: 'You' }).hover()
    await versions.getByRole('button', { name: 'The version before' }).click()
    await page.getByText('One question?', { exact: true }).last().waitFor()
    // Of a branch, its newest end.
    await answers(page).getByText('The second answer.').waitFor()
    expect(await answers(page).getByText('2 of 2').isVisible()).toBe(true)
  })

  test('shows the answer whole after a reload in the middle of it', async () => {
    const held = gate()
    const { page } = await open(stage, saysAround('Before the reload,', held.opened, ' and after it.'))
    await ask(page, 'Tell me.')
    await answers(page).getByText('Before the reload,').waitFor()
    await page.reload()
    await answers(page).getByText('Before the reload,').waitFor()
    held.open()
    expect(await answered(page)).toContain('Before the reload, and after it.')
    await expect.poll(() => answers(page).count()).toBe(1)
  })

  test('is followed live by a second tab, from the question on', async () => {
    const held = gate()
    const { page } = await open(stage, says('Hello.'), saysAround('Said to', held.opened, ' both.'))
    await ask(page, 'Hello?')
    await answered(page)
    const second = await page.context().newPage()
    await second.goto(page.url())
    await answers(second).getByText('Hello.').waitFor()
    await ask(page, 'And now?')
    await answers(second).getByText('Said to').waitFor()
    expect(await second.getByRole('button', { name: 'Stop' }).isVisible()).toBe(true)
    held.open()
    await expect.poll(() => answers(second).last().innerText()).toContain('Said to both.')
    await expect.poll(() => second.getByRole('article').count()).toBe(4)
  })

  test('takes questions while it answers, and answers them in their order', async () => {
    const held = gate()
    const { page } = await open(stage, saysAround('One', held.opened, ' is done.'), says('Two is done.'))
    await ask(page, 'First?')
    await answers(page).getByText('One').waitFor()
    await ask(page, 'Second?')
    const queue = page.getByRole('list', { name: 'Messages that wait' })
    await queue.getByText('Second?').waitFor()
    await ask(page, 'Third, which I take back')
    await queue.getByText('Third, which I take back').waitFor()
    await queue.getByRole('listitem').filter({ hasText: 'Third' }).getByRole('button', { name: 'Take it back' }).click()
    await queue.getByText('Third').waitFor({ state: 'detached' })
    held.open()
    await answers(page).getByText('Two is done.').waitFor()
    await queue.waitFor({ state: 'detached' })
    expect(await answers(page).first().innerText()).toContain('One is done.')
  })

  test('says in plain words why there is no answer, and what to do', async () => {
    const { page } = await open(stage, [new Error('The provider said: secret-of-the-provider')])
    await ask(page, 'Hello?')
    const alert = page.getByRole('alert')
    await alert.getByRole('button', { name: 'Try again' }).waitFor()
    expect(await alert.innerText()).not.toContain('secret-of-the-provider')
    await page.reload()
    await answers(page).getByText('The model could not answer.').waitFor()
  })

  test('is read, and not written in, by a viewer', async () => {
    const { url } = await stage.serve({ model: scriptedModel(says('Hello.')) })
    const page = await stage.visit(url + APOLLO, 'dave')
    await box(page).waitFor()
    expect(await box(page).isDisabled()).toBe(true)
    expect(await box(page).getAttribute('placeholder')).toContain('member role')
  })

  test('has a title, is found by it, renamed and deleted', async () => {
    const { page } = await open(stage, says('Hello.'))
    await ask(page, `Where is the zebra ${stage.world.ids['acme']}?`)
    await answered(page)
    const threads = page.getByRole('list', { name: 'Threads' })
    await threads.getByText('Where is the zebra').waitFor()
    await page.getByRole('button', { name: 'This thread' }).click()
    await page.getByRole('menuitem', { name: 'Rename' }).click()
    await page.getByRole('textbox', { name: 'Title' }).fill('The giraffe')
    await page.getByRole('dialog').getByRole('button', { name: 'Rename' }).click()
    await page.getByRole('heading', { name: 'The giraffe' }).waitFor()
    const search = page.getByRole('searchbox')
    await search.fill('giraffe')
    await threads.getByText('The giraffe').waitFor()
    await search.fill('no such thread')
    await page.getByText('No thread fits these words.').waitFor()
    await search.fill('')
    await page.getByRole('button', { name: 'This thread' }).click()
    await page.getByRole('menuitem', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('heading', { name: /^Ask in/ }).waitFor()
    await threads.getByText('The giraffe').waitFor({ state: 'detached' })
    expect(await page.getByRole('alert').count()).toBe(0)
  })

  test('keeps what one has begun to write', async () => {
    const { page } = await open(stage, says('Hello.'))
    await ask(page, 'Hello?')
    await answered(page)
    await box(page).fill('Half a thought')
    await page.reload()
    await box(page).waitFor()
    expect(await box(page).inputValue()).toBe('Half a thought')
  })
})
