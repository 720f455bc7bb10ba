import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { Database } from '../../src/lib/store/database.ts'
import { connect } from '../../src/lib/store/open-postgres.ts'
import { checkedFetch } from '../support/check-answers.ts'
import { parseStream, question, said } from '../support/client.ts'
import { heldUpstream } from '../support/held-upstream.ts'
import type { HeldUpstream } from '../support/held-upstream.ts'
import { must, readUntil } from '../support/stage.ts'
import { OWNER, urlOf } from '../support/templates.ts'

const START = fileURLToPath(new URL('../../examples/two-nodes/start.ts', import.meta.url))
const postgres = inject('postgresUrl')
const mark = randomBytes(4).toString('hex')
const name = `two_nodes_${mark}`
const login = { user: `two_nodes_app_${mark}`, password: 'secret' }

/** The example as a person starts it. */
function start(environment: Record<string, string>): { child: ChildProcess; out(): string; err(): string; until(pattern: RegExp): Promise<void> } {
  const { PATH = '' } = process.env
  const child = spawn(process.execPath, [START], { env: { PATH, ...environment }, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const texts = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.err += text))
  const until = async (pattern: RegExp) => {
    while (!pattern.test(texts.out)) {
      if (child.exitCode !== null) throw new Error(`It has ended: ${texts.err}`)
      await Promise.race([once(child.stdout, 'data'), once(child, 'close')])
    }
  }
  return { child, out: () => texts.out, err: () => texts.err, until }
}

test('without a database it says what it needs', async () => {
  const started = start({})
  await once(started.child, 'close')
  expect({ code: started.child.exitCode, out: started.out() }).toEqual({ code: 1, out: '' })
  expect(started.err()).toMatch(/^Two nodes need a PostgreSQL\. Set\n {2}AMBIT_DATABASE_URL /)
})

describe.skipIf(postgres === '')('on a PostgreSQL', () => {
  let admin: Database
  let upstream: HeldUpstream
  beforeAll(async () => {
    upstream = await heldUpstream()
    admin = connect(postgres, () => {})
    await admin.transaction('commit', (sql) => sql.script(`create database ${name} owner ${OWNER.user}`))
    await admin.transaction('', (sql) => sql.script(`revoke connect on database ${name} from public`))
  })
  afterAll(async () => {
    await admin.transaction('commit', (sql) => sql.script(`drop database ${name} with (force)`))
    await admin.transaction('', (sql) => sql.script(`drop role if exists ${login.user}`))
    await admin.close()
    await upstream.close()
  })

  test('an answer outlives the node that began it, and its reader at the other one gets the exact rest', async () => {
    const started = start({
      AMBIT_DATABASE_URL: urlOf(postgres, name, login),
      AMBIT_DATABASE_OWNER_URL: urlOf(postgres, name, OWNER),
      AMBIT_PORT: '0',
      AMBIT_LOG_LEVEL: 'silent',
      AMBIT_MODEL: 'openai-compatible:x',
      AMBIT_MODEL_BASE_URL: upstream.baseURL,
    })
    await started.until(/Ctrl-C ends both\.\n$/)
    const nodes = [...started.out().matchAll(/^Node (\w) runs at (\S+) \(process (\d+)\):\n\n {2}curl -N (\S+)\/v1\/orgs\/demo\/chat .*Bearer (\S+)'/gm)]
    expect(nodes.map(([, node]) => node)).toEqual(['a', 'b'])
    const [a, b] = nodes.map(([, , url = '', pid, curled, key = '']) => {
      expect(curled).toBe(url)
      return { url, pid: Number(pid), headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' } }
    })
    const [first, second] = [must(a), must(b)]

    const asked = await checkedFetch(`${first.url}/v1/orgs/demo/chat`, { method: 'POST', headers: first.headers, body: JSON.stringify(question('t', 'Go on.')) })
    const call = await upstream.call(1)
    const before = parseStream(await readUntil(must(asked.body).getReader(), 'One '))
    const cursor = must(before.ids.at(-1))

    process.kill(first.pid, 'SIGKILL')
    await call.closed
    await started.until(/Node a has ended \(SIGKILL\)\.\n/)
    const events = `${second.url}/v1/orgs/demo/runs/${cursor.split('.')[0]}/events`
    const resumed = await checkedFetch(events, { headers: { ...second.headers, 'last-event-id': cursor } })
    expect(resumed.status).toBe(200)
    const retried = await upstream.call(2)
    retried.finish()
    const rest = parseStream(await resumed.text())
    expect(rest.chunks[0]?.type).toBe('reset-step') // the dropped attempt had said "One "
    expect(said(rest.chunks)).toBe('One two three.')
    expect(rest.chunks.filter(({ type }) => type === 'finish')).toHaveLength(1)

    const whole = parseStream(await (await checkedFetch(events, { headers: second.headers })).text())
    expect(said(whole.chunks)).toBe('One two three.')
    expect(whole.ids.at(-1)).toBe(rest.ids.at(-1))

    const closed = once(started.child, 'close')
    process.kill(-must(started.child.pid), 'SIGINT') // as a terminal: to all that stand in its group
    await closed
    expect(started.child.exitCode).toBe(0)
    expect(started.out()).toContain('Node b has ended (0).\n')
  })
})
