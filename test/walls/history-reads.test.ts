import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ToolError } from '../../src/index.ts'
import type { Tool } from '../../src/index.ts'
import { insertProject } from '../../src/lib/store/directory-rows.ts'
import { ACME, said, send } from '../support/client.ts'
import type { Streamed } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { expectSound } from '../support/grammar.ts'
import { callsTools, says, scriptedModel } from '../support/scripted-model.ts'
import { answerTo, assistantTexts, freshThread, messagesOf, must, read, runIdOf, useStage } from '../support/stage.ts'
import type { StoredRun } from '../support/stage.ts'
import type { TestAmbit } from '../support/client.ts'
import type { PersonName } from '../support/world.ts'

// Zephyr is Ada's and Carol's, not Bob's. What she was told of it in one run, the model knows in the next without reading it again.

/** More projects than a run is told of, with ids that come before zephyr's: nothing but a tool, or the history, names it. */
const PUBLIC_PROJECTS = 105
const CANARY = 'CNRY-acme-zephyr'
const ANSWER = `The price for Kestrel is 41.5 million. ${CANARY}`
const search = ['search_documents', { query: 'price for Kestrel' }] as const

describe.each(databaseKinds)('what a history was drawn from, on $name', (kind) => {
  const stage = useStage(kind)

  beforeAll(async () => {
    const orgId = must(stage.world.ids['acme'])
    await stage.database.handles.operator(async (sql) => {
      for (let n = 100; n < 100 + PUBLIC_PROJECTS; n += 1) {
        await insertProject(sql, { orgId, id: `filler-${n}`, slug: `filler-${n}`, name: `Filler ${n}`, about: '', visibility: 'organisation' })
      }
    })
  })

  const zephyr = (): string => must(stage.world.ids['acme/zephyr'])

  async function readSetOf({ ids }: Streamed): Promise<readonly string[]> {
    const { rows } = await stage.database.superuser.transaction('', (sql) =>
      sql.query<{ projects: readonly string[] }>('select projects from ambit.read_sets where run_id = $1', [runIdOf({ ids })]))
    return must(rows[0]).projects
  }

  async function askAda({ ambit }: TestAmbit, thread: string, text: string): Promise<Streamed> {
    const streamed = await answerTo(stage, ambit, { who: 'ada', path: ACME, thread, text })
    expectSound(streamed)
    return streamed
  }

  /** Shares Ada's thread; answers its server id. */
  async function share({ ambit }: TestAmbit, thread: string): Promise<string> {
    const response = await send(ambit, stage.world, 'ada', `${ACME}/threads/${thread}`, { method: 'PATCH', body: { shared: true } })
    expect(response.status).toBe(200)
    return ((await response.json()) as { id: string }).id
  }

  async function hiddenFrom({ ambit }: TestAmbit, who: PersonName, thread: string): Promise<boolean[]> {
    const messages = await messagesOf(stage, ambit, { who, path: ACME, thread })
    return messages.map((message) => message.metadata.ambit.hidden)
  }

  /** Everything that the routes say to somebody about a thread and its runs. */
  async function everythingFor({ ambit }: TestAmbit, who: PersonName, thread: string, runs: readonly Streamed[]): Promise<string> {
    const paths = ['/threads', `/threads/${thread}`, `/threads/${thread}/messages`, '/runs', ...runs.map((run) => `/runs/${runIdOf(run)}`)]
    return (await Promise.all(paths.map(async (path) => (await send(ambit, stage.world, who, ACME + path)).text()))).join('\n')
  }

  test('joins the read set of the next run: an answer that only repeats is hidden like the one it repeats', async () => {
    const model = scriptedModel(callsTools(search), says(ANSWER), says(ANSWER), says(ANSWER), says('Good morning.'))
    const running = stage.start({ model })
    const alias = freshThread()
    const first = await askAda(running, alias, 'What does it cost?')
    const thread = await share(running, alias)
    const second = await askAda(running, alias, 'Repeat that.')
    const third = await askAda(running, alias, 'And once more.')
    expect([first, second, third].map((streamed) => said(streamed.chunks))).toEqual([ANSWER, ANSWER, ANSWER])
    expect(assistantTexts(model.calls[2])).toEqual([ANSWER])

    // The history was the only place from which zephyr reached the second run.
    const [system] = must(model.calls[2]).prompt
    expect(system).toMatchObject({ role: 'system', content: expect.stringContaining('filler-100') })
    expect(JSON.stringify(system)).not.toMatch(/zephyr|kestrel/i)
    for (const run of [first, second, third]) expect(await readSetOf(run)).toContain(zephyr())
    expect(await readSetOf(await askAda(running, freshThread(), 'Good morning!'))).not.toContain(zephyr())

    expect(await hiddenFrom(running, 'bob', thread)).toEqual([false, true, false, true, false, true])
    expect(await everythingFor(running, 'bob', thread, [first, second, third])).not.toMatch(/CNRY|Kestrel|41\.5|zephyr/i)
    expect((await read<StoredRun>(stage, running.ambit, 'bob', `${ACME}/runs/${runIdOf(second)}`)).steps).toEqual([])
    expect(await hiddenFrom(running, 'carol', thread)).toEqual([false, false, false, false, false, false])
    expect((await everythingFor(running, 'carol', thread, [])).split(CANARY)).toHaveLength(5) // the tool's output, three answers
  })

  test('what a reader may not see is not in the history that answers him, and not in his run’s read set', async () => {
    const model = scriptedModel(callsTools(search), says(ANSWER), says('Good morning, Bob.'))
    const running = stage.start({ model })
    const alias = freshThread()
    await askAda(running, alias, 'What does it cost?')
    const thread = await share(running, alias)
    const answered = await answerTo(stage, running.ambit, { path: ACME, thread, text: 'Good morning!' })
    expect(said(answered.chunks)).toBe('Good morning, Bob.')
    expect(JSON.stringify(must(model.calls[2]).prompt)).not.toMatch(/CNRY-acme-zephyr|Kestrel|41\.5|zephyr/i)
    expect(await readSetOf(answered)).not.toContain(zephyr())
  })

  test.each(['ToolError', 'another error'])('the words of a host’s tool that fails with %s count as having read the whole scope', async (how) => {
    const leaky = {
      name: 'leaky', description: 'Fails.', input: z.object({}), effect: 'read',
      run() {
        throw how === 'ToolError' ? new ToolError('SECRET-ROW 41.5 is locked.') : new Error('SECRET-ROW 41.5 is locked.')
      },
    } as Tool<never>
    const running = stage.start({ model: scriptedModel(says('Good morning.'), callsTools(['leaky', {}]), says('I could not look.')), tools: [leaky] })
    const alias = freshThread()
    await askAda(running, alias, 'Good morning!')
    const thread = await share(running, alias)
    const failed = await askAda(running, alias, 'Look at it.')
    expect(failed.chunks.filter((chunk) => chunk.type === 'tool-output-error')).toHaveLength(1)
    expect(failed.text.includes('SECRET-ROW')).toBe(how === 'ToolError')

    expect(await readSetOf(failed)).toEqual(expect.arrayContaining(['*', zephyr(), must(stage.world.ids['acme/apollo']), 'filler-204']))
    expect(await hiddenFrom(running, 'bob', thread)).toEqual([false, false, false, true])
    expect(await everythingFor(running, 'bob', thread, [failed])).not.toContain('SECRET-ROW')
    expect(await hiddenFrom(running, 'carol', thread)).toEqual([false, false, false, false])
    expect((await everythingFor(running, 'carol', thread, [failed])).includes('SECRET-ROW')).toBe(how === 'ToolError')
  })
})
