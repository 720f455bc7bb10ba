import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { parseStream, question, said } from '../../support/client.ts'
import type { Streamed } from '../../support/client.ts'
import { expectSound } from '../../support/grammar.ts'
import { freshThread, must, readRest, readUntil } from '../../support/stage.ts'
import { installExample } from './host-app.ts'
import type { HostApp, RunningHost } from './host-app.ts'
import { newHostDatabase } from './host-database.ts'
import type { HostDatabase } from './host-database.ts'

/** Nora is the boss of the account north, Ned its staff, Sam the boss of south: who they are is in these headers. */
export type Credentials = Readonly<Record<'nora' | 'ned' | 'sam', Readonly<Record<string, string>>>>

export interface Host {
  readonly name: string
  /** Other ids than those of `examples/rows.sql`. */
  readonly ids?: Readonly<Record<string, string>>
  /** What it needs to know beside the databases. */
  environment?(database: HostDatabase): Promise<Readonly<Record<string, string>>>
  credentials(): Promise<Credentials>
  /** Below the mount: where the chat of an account is, and one that is foreign to Sam. */
  readonly chat: { readonly north: string; readonly south: string }
  readonly foreign: readonly string[]
  /** What only a boss is offered: the tool, and what it says to one of north. */
  readonly total?: { readonly ask: string; readonly output: unknown }
  /** A request of the app's own, and what it answers. */
  readonly own: { readonly path: string; readonly init?: RequestInit; readonly answer: unknown }
  /** Before its start: a build. */
  build?(app: HostApp): Promise<void>
  readonly start?: readonly [string, ...string[]]
  readonly base?: string
}

export interface HostStage {
  readonly app: HostApp
  readonly database: HostDatabase
  readonly running: RunningHost
  readonly credentials: Credentials
  readonly environment: Readonly<Record<string, string>>
}

/** What is true of an Ambit in anybody's app. Answers what it stands on, for what is true of this one only. */
export function describeHost(host: Host, more: (stage: () => HostStage) => void = () => {}): void {
  const { name, chat, base = '/api/ambit' } = host
  describe.skipIf(inject('postgresUrl') === '')(`an app of ${name}`, () => {
    let stage: HostStage | undefined
    let opened: HostDatabase | undefined
    beforeAll(async () => {
      const [app, database] = await Promise.all([installExample(name), newHostDatabase(host.ids)])
      opened = database
      await host.build?.(app)
      await app.prepare(database)
      const environment = { ...database.environment, ...(await host.environment?.(database)) }
      const running = await app.start(host.start ?? ['npm', 'start'], environment)
      stage = { app, database, running, credentials: await host.credentials(), environment }
    })
    afterAll(async () => {
      if (stage) await stage.running.end()
      await Promise.all([opened?.drop(), stage?.app.remove()])
    })
    const at = () => must(stage)

    const post = (who: keyof Credentials | null, path: string, text: string, thread = freshThread(), signal: AbortSignal | null = null) =>
      fetch(`${at().running.url}${base}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(who && at().credentials[who]) },
        body: JSON.stringify(question(thread, text)),
        signal,
      })
    const get = (who: keyof Credentials, path: string) => fetch(`${at().running.url}${base}${path}`, { headers: at().credentials[who] })

    /** A whole answer, of which the beginning was there while a tool still waited for its rows. */
    async function chatted(who: keyof Credentials, path: string, thread?: string): Promise<Streamed> {
      const lock = await at().database.lockOrders()
      const response = await post(who, path, 'Find the orders of the customer "Marlow"', thread)
      if (response.status !== 200) {
        await lock.letGo()
        throw new Error(`${response.status}: ${await response.text()}\n${at().running.output()}`)
      }
      const reader = must(response.body).getReader()
      const before = await readUntil(reader, 'tool-input-available')
      expect(before).not.toContain('tool-output-available')
      await lock.letGo()
      const streamed = parseStream(before + (await readRest(reader)))
      expectSound(streamed)
      return streamed
    }

    const outputs = ({ chunks }: Pick<Streamed, 'chunks'>) => JSON.stringify(chunks.flatMap((chunk) => (chunk.type === 'tool-output-available' ? [chunk.output] : [])))

    test.each([
      ['nora', chat.north, '70', '990'],
      ['sam', chat.south, '990', '70'],
    ] as const)('%s gets the orders of their own account, as they come', async (who, path, own, foreign) => {
      const streamed = await chatted(who, path)
      expect(outputs(streamed)).toContain(`"total":${own}`)
      expect(outputs(streamed)).not.toContain(`"total":${foreign}`)
      expect(said(streamed.chunks)).toContain(own)
    })

    test('no credential, and one that is none: 401', async () => {
      expect((await post(null, chat.south, 'Hello')).status).toBe(401)
    })

    test('a foreign place is not found, in the path', async () => {
      const statuses = await Promise.all(host.foreign.map(async (path) => (await post('sam', path, 'Hello')).status))
      expect(statuses).toEqual(host.foreign.map(() => 404))
    })

    test('a foreign thread is not found, and its name in a body names one of one’s own', async () => {
      const thread = freshThread()
      const mine = must((await chatted('nora', chat.north, thread)).ids[0]?.split('.')[0])
      const scope = (path: string) => path.replace(/\/chat$/, '')
      const { thread_id: id } = (await (await get('nora', `${scope(chat.north)}/runs/${mine}`)).json()) as { thread_id: string }
      for (const foreign of [`/threads/${id}`, `/threads/${thread}`, `/threads/${id}/messages`, `/runs/${mine}`]) {
        expect([foreign, (await get('sam', scope(chat.south) + foreign)).status]).toEqual([foreign, 404])
      }
      expect((await get('sam', `${scope(chat.south)}/chat/${id}/stream`)).status).toBe(204) // as of one that never was
      const streamed = await chatted('sam', chat.south, id)
      expect(outputs(streamed)).not.toContain('"total":70')
      const messages = await (await get('sam', `${scope(chat.south)}/threads/${id}/messages`)).text()
      expect(messages).not.toContain('"total":70')
      expect(messages).toContain('990')
    })

    test('a reader who goes is noticed, and the run goes on without', async () => {
      const lock = await at().database.lockOrders()
      const going = new AbortController()
      const response = await post('nora', chat.north, 'Find the orders of the customer "Marlow"', freshThread(), going.signal)
      const run = must(parseStream(await readUntil(must(response.body).getReader(), 'tool-input-available')).ids[0]?.split('.')[0])
      going.abort()
      await vi.waitFor(() => expect(at().running.output()).toMatch(new RegExp(`"${run}".*"the reader has gone"`)))
      await lock.letGo()
      const state = async () => ((await (await get('nora', `${chat.north.replace(/chat$/, '')}runs/${run}`)).json()) as { state: string }).state
      await vi.waitFor(async () => expect(await state()).toBe('completed'), 5_000)
    })

    test.each(host.total ? [host.total] : [])('a tool that requires a right of the app is offered to who has it: $ask', async (total) => {
      const answer = async (who: keyof Credentials) => parseStream(await (await post(who, chat.north, total.ask)).text())
      expect(outputs(await answer('nora'))).toBe(JSON.stringify([total.output]))
      expect((await answer('ned')).text).not.toContain('sum_orders')
    })

    test('the rest of the app answers as before', async () => {
      const { path, init, answer } = host.own
      const response = await fetch(at().running.url + path, { ...init, headers: { ...init?.headers, ...at().credentials.nora } })
      const text = await response.text()
      expect(typeof answer === 'string' ? text : JSON.parse(text)).toEqual(answer)
    })

    test('nobody and nothing of the app was copied', async () => {
      const counted = await at().database.superuser.transaction('', async (sql) =>
        (await sql.query(`select (select count(*) from ambit.people)::int as people, (select count(*) from ambit.organisations)::int as organisations,
                                 (select count(*) from ambit.projects)::int as projects, (select count(*) from ambit.memberships)::int as memberships`)).rows)
      expect(counted).toEqual([{ people: 0, organisations: 0, projects: 0, memberships: 0 }])
    })

    more(at)

    test('it ends when it is told to', async () => {
      expect(await at().running.end()).toBe(true)
      expect(at().running.output()).not.toMatch(/"level":[56]0|unhandled/i)
    })
  })
}
