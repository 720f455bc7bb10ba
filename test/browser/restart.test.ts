import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { newDirectory, readJson, startAmbit } from '../cli/ambit.ts'
import type { Started } from '../cli/ambit.ts'
import { hasBrowser, useBrowser } from '../support/use-browser.ts'
import { databaseKinds } from '../support/databases.ts'
import { heldUpstream } from '../support/held-upstream.ts'
import type { HeldUpstream } from '../support/held-upstream.ts'
import { must, useStage } from '../support/stage.ts'
import { answered, answers, ask } from './pages.ts'

const { visit } = useBrowser()

/** A server that dies under an open answer, and another one at its address. */
describe.runIf(hasBrowser)('a server that is killed in mid-answer, and started again', () => {
  let upstream: HeldUpstream
  let server: Started | undefined
  beforeAll(async () => {
    upstream = await heldUpstream()
  })
  afterEach(async () => {
    if (server?.child.exitCode === null && server.child.signalCode === null) await server.end('SIGKILL')
  })
  afterAll(() => upstream.close())

  /** The page is asked, the server dies after the first word, and the next one is called for the answer anew. */
  async function killUnderAnswer(environment: Readonly<Record<string, string>>, keyOf: () => string, calls: number): Promise<string> {
    const model = { AMBIT_MODEL: 'openai-compatible:x', AMBIT_MODEL_BASE_URL: upstream.baseURL, AMBIT_LOG_LEVEL: 'silent' }
    server = await startAmbit({ ...environment, ...model })
    const page = await visit(`${server.url}/orgs/acme/projects/apollo/chats`, keyOf())
    await ask(page, 'Count to three.')
    await answers(page).getByText('One').waitFor()
    await upstream.call(calls + 1)
    await server.end('SIGKILL')
    await page.getByText('Answers go on there').waitFor()
    server = await startAmbit({ ...environment, ...model, AMBIT_PORT: new URL(server.url).port })
    const again = await upstream.call(calls + 2)
    await page.getByText('Answers go on there').waitFor({ state: 'detached' })
    again.finish()
    await page.getByRole('button', { name: 'Answer again' }).waitFor({ timeout: 30_000 }) // between two tries there are up to 8 s
    const text = await answered(page)
    expect(await page.getByRole('alert').allInnerTexts()).toEqual([])
    await expect.poll(() => page.getByRole('article').count()).toBe(2)
    return text
  }

  test('on the embedded database: the page shows the whole answer, without being loaded again', { timeout: 90_000 }, async () => {
    const directory = newDirectory()
    try {
      expect(await killUnderAnswer({ AMBIT_DIRECTORY: directory }, () => readJson<{ people: { ada: { key: string } } }>(join(directory, 'demo.json')).people.ada.key, 0)).toContain('One two three.')
    } finally {
      rmSync(directory, { recursive: true, force: true })
    }
  })

  describe.each(databaseKinds.filter(({ name }) => name === 'PostgreSQL'))('on $name', (kind) => {
    const stage = useStage(kind)
    test('the page shows the whole answer, without being loaded again', { timeout: 90_000 }, async () => {
      const text = await killUnderAnswer({ AMBIT_DATABASE_URL: String(stage.database.source) }, () => must(stage.world.keys.bob), 2)
      expect(text).toContain('One two three.')
    })
  })
})
