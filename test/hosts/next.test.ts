import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { SignJWT, exportSPKI, generateKeyPair } from 'jose'
import { expect, test, vi } from 'vitest'
import { parseStream, question } from '../support/client.ts'
import type { RunningHost } from './support/host-app.ts'
import { describeHost } from './support/host-contract.ts'
import type { HostStage } from './support/host-contract.ts'

const NORTH = 'org_2cdNQ0vPzLrE8kTzq4mYw1hXo7B'
const SOUTH = 'org_2cdSR1wQaMsF9lUar5nZx2iYp8C'
const keys = generateKeyPair('RS256')

/** A session token as Clerk makes it: opaque ids, and the organisation that is active in this session. */
async function session(sub: string, id: string, rol: 'admin' | 'member') {
  const token = new SignJWT({ v: 2, sid: 'sess_2ef', o: { id, rol, slg: id === NORTH ? 'north' : 'south' } })
  const { privateKey } = await keys
  return { cookie: `theme=dark; __session=${await token.setProtectedHeader({ alg: 'RS256' }).setSubject(sub).setIssuedAt().setExpirationTime('5m').sign(privateKey)}` }
}

/** A body that is cut in its middle, by the same way that Ambit's answers take. */
const BROKEN = `
  import { setTimeout as delay } from 'node:timers/promises'
  export const dynamic = 'force-dynamic'
  export const GET = async () => {
    let pulls = 0
    return new Response(new ReadableStream({
      async pull(controller) {
        if ((pulls += 1) === 1) return controller.enqueue(new TextEncoder().encode('data: first\\n\\n'))
        await delay(50)
        controller.error(new Error('secret cause'))
      },
    }, { highWaterMark: 0 }), { headers: { 'content-type': 'text/event-stream' } })
  }`

describeHost(
  {
    name: 'next',
    ids: { north: NORTH, south: SOUTH, nora: 'user_2abN', ned: 'user_2abD', sam: 'user_2abS' },
    async build(app) {
      await app.write('app/api/broken/route.ts', BROKEN)
      // No database is there: what the build evaluates opens none.
      await app.run('npm', ['run', 'build'], { ...QUIET, DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing', AMBIT_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing' })
    },
    environment: async () => ({ ...QUIET, CLERK_JWT_KEY: await exportSPKI((await keys).publicKey) }),
    async credentials() {
      const [nora, ned, sam] = await Promise.all([session('user_2abN', NORTH, 'admin'), session('user_2abD', NORTH, 'member'), session('user_2abS', SOUTH, 'admin')])
      return { nora, ned, sam }
    },
    chat: { north: '/chat', south: '/chat' },
    foreign: [`/v1/orgs/${NORTH}/chat`, `/v1/orgs/${SOUTH}/chat`],
    total: { ask: 'Sum up all orders', output: { sum: 78 } },
    own: { path: '/api/orders', answer: [{ id: 'n1', total: 70 }, { id: 'n2', total: 8 }] },
  },
  (stage) => {
    test('a session that somebody else signed, and one without an organisation: 401', async () => {
      const other = await generateKeyPair('RS256')
      const forged = await new SignJWT({ o: { id: SOUTH, rol: 'admin' } }).setProtectedHeader({ alg: 'RS256' }).setSubject('user_2abS').setExpirationTime('5m').sign(other.privateKey)
      const personal = await new SignJWT({}).setProtectedHeader({ alg: 'RS256' }).setSubject('user_2abS').setExpirationTime('5m').sign((await keys).privateKey)
      for (const token of [forged, personal]) expect((await ask(stage().running, { cookie: `__session=${token}` }, 'Hello')).status).toBe(401)
    })

    test('a page of the app stands, and a body that breaks is an error to who reads it', async () => {
      const { url } = stage().running
      expect(await (await fetch(url)).text()).toContain('The shop is open.')
      const broken = await fetch(`${url}/api/broken`)
      expect(broken.status).toBe(200)
      await expect(broken.text()).rejects.toThrow('terminated')
    })

    test('next dev: an edited tool answers, and no edit leaves connections behind', { timeout: 120_000 }, async () => {
      const dev = await stage().app.start(['npm', 'run', 'dev'], stage().environment)
      try {
        await edits(stage(), dev)
      } finally {
        expect(await dev.end()).toBe(true)
      }
    })
  },
)

const QUIET = { NEXT_TELEMETRY_DISABLED: '1' }

async function ask(host: RunningHost, headers: Readonly<Record<string, string>>, text: string): Promise<Response> {
  const body = JSON.stringify(question(`thread-${text.length}-${performance.now()}`.replace('.', '-'), text))
  return fetch(`${host.url}/api/ambit/chat`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body })
}

async function edits({ app, database, credentials }: HostStage, dev: RunningHost): Promise<void> {
  const before = await held(database) // by the built app, which still runs
  const sum = async () => {
    const { chunks } = parseStream(await (await ask(dev, credentials.nora, 'Sum up all orders')).text())
    return chunks.find((chunk) => chunk.type === 'tool-output-available')?.output
  }
  expect(await sum()).toEqual({ sum: 78 })
  const first = await held(database)
  const [tools, pools] = await Promise.all(['lib/tools.ts', 'lib/db.ts'].map((file) => readFile(join(app.path, file), 'utf8')))
  for (let edit = 1; edit <= 3; edit += 1) {
    await app.write('lib/db.ts', `${pools}// Edited ${edit} times.\n`)
    await app.write('lib/tools.ts', String(tools).replace('sum(total)::int', `sum(total)::int + ${edit * 1_000}`))
    await vi.waitFor(async () => expect(await sum()).toEqual({ sum: 78 + edit * 1_000 }), { timeout: 30_000, interval: 100 })
  }
  await vi.waitFor(async () => expect((await held(database)).nodes).toBe(before.nodes + 1), 10_000)
  expect((await held(database)).connections).toBeLessThanOrEqual(first.connections + 2) // a pool opens one when it needs one
}

/** What processes hold: connections, and a lease for each Ambit that is open. */
async function held({ superuser, connections }: HostStage['database']): Promise<{ readonly connections: number; readonly nodes: number }> {
  const { rows } = await superuser.transaction('', (sql) => sql.query('select count(*)::int as nodes from ambit.nodes where expires_at > now()'))
  return { connections: await connections(), nodes: Number(rows[0]?.['nodes']) }
}
