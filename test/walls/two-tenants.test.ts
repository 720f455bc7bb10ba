import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { offlineModel } from '../../src/index.ts'
import { ask, send, startAmbit } from '../support/client.ts'
import type { Streamed } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import type { TestDatabase } from '../support/databases.ts'
import { expectQuiet, listResources } from '../support/leak-check.ts'
import { APP } from '../support/templates.ts'
import { plantWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'

const QUESTIONS = 20

/** Two organisations with the same names for everything: only the canaries tell whose a text is. */
const TENANTS = {
  acme: { who: 'bob', foreign: 'globex' },
  globex: { who: 'hana', foreign: 'acme' },
} as const

const ASKED = [
  { path: '/projects/apollo', text: 'When does Apollo launch?', canary: 'apollo' },
  { path: '', text: 'What is the hotel limit per night?', canary: 'org' },
] as const

describe.each(databaseKinds)('two tenants in one Ambit on $name', (kind) => {
  let database: TestDatabase
  let world: World
  beforeAll(async () => {
    database = await kind.create()
    world = await plantWorld(database.handles)
  })
  afterAll(() => database.drop())

  test(`${QUESTIONS} questions side by side: nobody hears a word of the other, and the house is quiet after`, async () => {
    const before = listResources()
    const prompts: string[] = []
    const offline = offlineModel({ delayMs: 1 })
    const model = {
      ...offline,
      doStream: (options: Parameters<typeof offline.doStream>[0]) => {
        prompts.push(JSON.stringify([options.prompt, options.tools]))
        return offline.doStream(options)
      },
    }
    const { ambit, lines } = startAmbit(database, { model })

    const answered = await Promise.all(
      Array.from({ length: QUESTIONS }, async (_, index) => {
        const org = index % 2 === 0 ? 'acme' : 'globex'
        const asked = ASKED[Math.floor(index / 2) % 2] ?? ASKED[0]
        const place = `/v1/orgs/${org}${asked.path}`
        // The same name for the thread everywhere: an alias is its owner's alone.
        const streamed = await ask(ambit, world, TENANTS[org].who, place, `thread-${Math.floor(index / 4)}`, `${asked.text} (asked at ${org})`)
        return { org, place, asked, streamed } as const
      }),
    )
    for (const { org, place, asked, streamed } of answered) {
      const { who, foreign } = TENANTS[org]
      expectOwn(streamed, org, asked.canary)
      expect(streamed.text).not.toContain(`CNRY-${foreign}`)
      expect(streamed.text).not.toContain(`asked at ${foreign}`)
      const kept = await (await send(ambit, world, who, `${place}/threads/thread-0/messages`)).text()
      expect(kept).toContain(`asked at ${org}`)
      expect(kept).not.toContain(`CNRY-${foreign}`)
    }

    expect(prompts.length).toBeGreaterThanOrEqual(QUESTIONS)
    for (const org of ['acme', 'globex'] as const) {
      const own = prompts.filter((prompt) => prompt.includes(`asked at ${org}`))
      expect(own.some((prompt) => prompt.includes(`CNRY-${org}`))).toBe(true)
      for (const prompt of own) {
        expect(prompt).not.toContain(`CNRY-${TENANTS[org].foreign}`)
        expect(prompt).not.toContain(`asked at ${TENANTS[org].foreign}`)
        expect(prompt).not.toContain(`The ${TENANTS[org].foreign} company`)
      }
    }
    expect(prompts.every((prompt) => prompt.includes('asked at'))).toBe(true)

    await ambit.close()

    // The log tells who and where, and nothing of what was said. A run is of one tenant on each of its lines.
    const runs = lines.filter((line) => typeof line['run_id'] === 'string')
    expect(new Set(runs.map((line) => line['run_id'])).size).toBe(QUESTIONS)
    for (const line of runs) expect(['acme', 'globex']).toContain(line['org_slug'])
    expect(new Set(runs.map((line) => `${String(line['run_id'])} ${String(line['org_slug'])}`)).size).toBe(QUESTIONS)
    expect(JSON.stringify(lines)).not.toMatch(/CNRY|asked at/)

    await expectQuiet(before)
    const left = await database.superuser.transaction('', (sql) => sql.query<{ state: string }>('select distinct state from ambit.runs'))
    expect(left.rows).toEqual([{ state: 'completed' }])
    await vi.waitFor(async () => expect(await listBackends()).toEqual([]))
  })

  /** What the server still holds for the app's login: nothing, and above all no transaction. (PGlite has no such login; a pooler keeps idle ones of its own.) */
  async function listBackends(): Promise<readonly { state: string }[]> {
    const { rows } = await database.superuser.transaction('', (sql) =>
      sql.query<{ state: string }>(
        "select state from pg_stat_activity where datname = current_database() and usename = $1 and (state <> 'idle' or not $2)",
        [APP.user, inject('appUrl') !== inject('postgresUrl')],
      ),
    )
    return rows
  }

  function expectOwn({ text, done, chunks }: Streamed, org: string, canary: string): void {
    expect(done).toBe(true)
    expect(chunks.at(-1)?.type).toBe('finish')
    expect(text).toContain(`CNRY-${org}-${canary}`)
  }
})
