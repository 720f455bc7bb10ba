import { afterEach, describe, expect, test } from 'vitest'
import type { Ambit } from '../../src/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { parseStream, question, said } from '../support/client.ts'
import { expectSound } from '../support/grammar.ts'
import { BASE, mounts } from '../support/mounts.ts'
import type { Mounted } from '../support/mounts.ts'
import { gate, says, scriptedModel } from '../support/scripted-model.ts'
import { freshThread, must, readRest, readUntil, useStage } from '../support/stage.ts'

const CHAT = `${BASE}/v1/orgs/acme/projects/apollo/chat`

// One database is enough: what is tested here lies in front of the store.
describe.each(databaseKinds.slice(0, 1))('an Ambit on $name', (kind) => {
  const stage = useStage(kind)
  const open: Mounted[] = []
  afterEach(async () => {
    await Promise.all(open.splice(0).map((mounted) => mounted.close()))
  })

  describe.each(mounts)('in $name', (mount) => {
    async function serve(options: Parameters<typeof stage.start>[0]): Promise<{ url: string; ambit: Ambit; headers: Record<string, string> }> {
      const { ambit } = stage.start({ basePath: BASE, ...options })
      const mounted = await mount.open(ambit)
      open.push(mounted)
      return { ambit, url: `http://127.0.0.1:${mounted.port}`, headers: { authorization: `Bearer ${stage.world.keys.bob}`, 'content-type': 'application/json' } }
    }

    test('an answer arrives as it is given', async () => {
      const held = gate()
      const [begin, rest] = [says('First. '), says('Second.')]
      const { url, headers } = await serve({ model: scriptedModel([...begin.slice(0, 3), held.opened, ...rest.slice(2)]) })
      const response = await fetch(`${url}${CHAT}`, { method: 'POST', headers, body: JSON.stringify(question(freshThread(), 'Go on.')) })
      const reader = must(response.body).getReader()
      const before = await readUntil(reader, 'First. ')
      held.open()
      const streamed = parseStream(before + (await readRest(reader)))
      expectSound(streamed)
      expect(said(streamed.chunks)).toBe('First. Second.')
    })

    test('refusals are Ambit’s own', async () => {
      const { url, headers } = await serve({ model: scriptedModel(says('x')), limits: { bodyBytes: 5_000 } })
      const post = async (path: string, body: unknown, more: Record<string, string> = {}) => {
        const response = await fetch(`${url}${path}`, { method: 'POST', headers: { ...headers, ...more }, body: typeof body === 'string' ? body : JSON.stringify(body) })
        const type = response.headers.get('content-type')
        return [response.status, type === 'application/problem+json' ? ((await response.json()) as { code: string }).code : await response.text().then(() => type)]
      }
      const asked = question(freshThread(), 'Go on.')
      expect(await post(`${BASE}/v1/orgs/globex/chat`, asked)).toEqual([404, 'not_found'])
      expect(await post(`${BASE}/nothing`, asked)).toEqual([404, 'not_found'])
      expect(await post(CHAT, asked, { authorization: 'Bearer none' })).toEqual([401, 'unauthenticated'])
      expect(await post(CHAT, { id: 7 })).toEqual([400, 'malformed'])
      expect(await post(CHAT, question(freshThread(), 'x'.repeat(10_000)))).toEqual([413, 'too_large'])
      expect(await post(CHAT, 'id=7', { 'content-type': 'application/x-www-form-urlencoded' })).toEqual([415, 'unsupported_media_type'])
    })
  })
})
