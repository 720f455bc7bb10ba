import type { RequestListener } from 'node:http'
import { SignJWT } from 'jose'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { apiKeys, firstOf, jwt } from '../../src/index.ts'
import type { Ambit, JwtOptions } from '../../src/index.ts'
import { ACME, send } from '../support/client.ts'
import { databaseKinds } from '../support/databases.ts'
import { AUDIENCE, useIssuer } from '../support/issuer.ts'
import { says, scriptedModel } from '../support/scripted-model.ts'
import { useStage } from '../support/stage.ts'

const JWKS = '/jwks'
const CONFIGURATION = '/.well-known/openid-configuration'

const SECOND = 1_000
const COOLDOWN = 30 * SECOND
const MAX_AGE = 600 * SECOND
const REST = 5 * SECOND

describe.each(databaseKinds.slice(0, 1))('the keys of an issuer, on $name', (kind) => {
  const stage = useStage(kind)
  const issuer = useIssuer()
  // Only the clocks: cache and cooldown are measured by them, and nothing else here waits.
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date', 'performance'] }))
  afterEach(() => void vi.useRealTimers())

  const scheme = (options: Partial<JwtOptions> = {}) => jwt({ issuer: issuer.url, audience: AUDIENCE, jwksUrl: issuer.jwksUrl, ...options })
  const discovering = () => jwt({ issuer: issuer.url, audience: AUDIENCE })
  const start = (authenticate = scheme()) => stage.start({ model: scriptedModel(says('Hello.')), authenticate })
  const get = (ambit: Ambit, token: string) => send(ambit, stage.world, null, `${ACME}/threads`, { headers: { authorization: `Bearer ${token}` } })
  const statusOf = async (ambit: Ambit, token: string) => (await get(ambit, token)).status
  const sign = (kid?: string) => {
    const now = Math.floor(Date.now() / SECOND)
    return issuer.sign({ iss: issuer.url, aud: AUDIENCE, sub: 'bob', exp: now + 3_600 }, kid === undefined ? {} : { kid })
  }
  const fetches = (path = JWKS) => issuer.asked.filter((one) => one === path).length

  test('are fetched once, for the first token and for a hundred at a time', async () => {
    const before = fetches()
    const { ambit } = start()
    expect(fetches()).toBe(before)
    const token = await sign()
    const statuses = await Promise.all(Array.from({ length: 100 }, () => statusOf(ambit, token)))
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(fetches()).toBe(before + 1)
  })

  test('are followed when they change: the new one works without a restart, the old one no more', async () => {
    const { ambit } = start()
    const old = await sign()
    expect(await statusOf(ambit, old)).toBe(200)
    await issuer.rotate()
    vi.advanceTimersByTime(COOLDOWN + SECOND)
    expect(await statusOf(ambit, old)).toBe(200) // nobody has had a reason to ask the issuer
    expect(await statusOf(ambit, await sign())).toBe(200)
    expect(await statusOf(ambit, old)).toBe(401)
  })

  test('that were taken back are gone after ten minutes, though no new one was seen', async () => {
    const { ambit } = start()
    const old = await sign()
    expect(await statusOf(ambit, old)).toBe(200)
    await issuer.rotate()
    vi.advanceTimersByTime(MAX_AGE - SECOND)
    expect(await statusOf(ambit, old)).toBe(200)
    vi.advanceTimersByTime(2 * SECOND)
    expect(await statusOf(ambit, old)).toBe(401)
  })

  test('are not asked for by each forged token: once, and then not for half a minute', async () => {
    const { ambit } = start()
    expect(await statusOf(ambit, await sign())).toBe(200)
    const before = fetches()
    const forge = async (count: number) => {
      const forged = await Promise.all(Array.from({ length: count }, (_, index) => sign(`forged-${index}`)))
      for (const token of forged) expect(await statusOf(ambit, token)).toBe(401)
    }
    await forge(20)
    expect(fetches()).toBe(before)
    vi.advanceTimersByTime(COOLDOWN + SECOND)
    await forge(20)
    expect(fetches()).toBe(before + 1)
  })

  test.for<[what: string, answer: RequestListener]>([
    ['resets the connection', (_, response) => void response.destroy()],
    ['answers 500', (_, response) => void response.writeHead(500).end('{"keys":[]}')],
    ['answers HTML', (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Sign in</html>')],
    ['answers JSON without keys', (_, response) => void response.writeHead(200).end('{"keys":"none"}')],
    ['answers 5 MB', (_, response) => void response.writeHead(200).end(`{"keys":[],"filling":"${'x'.repeat(5_000_000)}"}`)],
    ['sends us elsewhere', (_, response) => void response.writeHead(302, { location: `${issuer.url}/elsewhere` }).end()],
  ])('are not to be had while the issuer %s: 503 for good and bad tokens, and 200 soon after', async ([, answer]) => {
    const { ambit, lines } = start(firstOf(apiKeys(), scheme()))
    issuer.break(JWKS, answer)
    issuer.break('/elsewhere', (_, response) => void response.end(JSON.stringify({ keys: [issuer.signer().jwk] })))
    const before = fetches()
    const [token, forged] = [await sign(), await sign('forged')]
    const refused = await get(ambit, token)
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
    expect(await refused.json()).toMatchObject({ code: 'unavailable', retry_after: 5 })
    expect([await statusOf(ambit, token), await statusOf(ambit, forged)]).toEqual([503, 503])
    expect(fetches()).toBe(before + 1) // an issuer in trouble is left alone for a moment
    expect(lines.find(({ msg }) => msg === 'credential not checked')).toMatchObject({ reason: 'no_keys', cause: { message: expect.any(String) as string } })
    for (const part of token.split('.')) expect(JSON.stringify(lines)).not.toContain(part)
    // Whoever comes by another scheme does not notice.
    expect(await statusOf(ambit, stage.world.keys.bob)).toBe(200)
    issuer.break(JWKS, (_, response) => void response.end(JSON.stringify({ keys: [publicOf(issuer.signer().jwk)] })))
    vi.advanceTimersByTime(REST + SECOND)
    expect(await statusOf(ambit, token)).toBe(200)
  })

  test('that are known go on working while the issuer is away', async () => {
    const { ambit } = start()
    const token = await sign()
    expect(await statusOf(ambit, token)).toBe(200)
    issuer.break(JWKS, (_, response) => void response.destroy())
    vi.advanceTimersByTime(COOLDOWN + SECOND)
    expect([await statusOf(ambit, await sign('new')), await statusOf(ambit, token)]).toEqual([503, 200])
  })

  test('are waited for no longer than 5 s, by however many, before the header and behind it', async () => {
    const { ambit } = start()
    const late = start()
    const silent: RequestListener = () => {}
    const stalled: RequestListener = (_, response) => void response.writeHead(200).write('{"keys":[')
    const token = await sign()
    let turn = 0
    issuer.break(JWKS, (request, response) => ((turn += 1) === 1 ? silent : stalled)(request, response))
    const before = fetches()
    const first = Array.from({ length: 20 }, () => statusOf(ambit, token))
    await vi.waitFor(() => expect(fetches()).toBe(before + 1))
    const statuses = await Promise.all([...first, statusOf(late.ambit, token)])
    expect(new Set(statuses)).toEqual(new Set([503]))
    expect(fetches()).toBe(before + 2)
  })

  test('without an id are tried only where one alone will do', async () => {
    const { ambit, lines } = start()
    const now = Math.floor(Date.now() / SECOND)
    const { kid: _, ...header } = { kid: '', alg: 'RS256' }
    const token = await new SignJWT({ iss: issuer.url, aud: AUDIENCE, sub: 'bob', exp: now + 3_600 }).setProtectedHeader(header).sign(issuer.signer().privateKey)
    expect(await statusOf(ambit, token)).toBe(200)
    const { ambit: other, lines: otherLines } = start()
    const twice = [{ ...publicOf(issuer.signer().jwk), kid: 'a' }, { ...publicOf(issuer.signer().jwk), kid: 'b' }]
    issuer.break(JWKS, (_request, response) => void response.end(JSON.stringify({ keys: twice })))
    expect(await statusOf(other, token)).toBe(401)
    expect([...lines, ...otherLines].filter(({ msg }) => msg === 'credential refused').map(({ reason }) => reason)).toEqual(['ambiguous_key'])
  })

  describe('where no URL is given', () => {
    test('are where the configuration of the issuer says', async () => {
      const { ambit } = start(discovering())
      const before = [fetches(CONFIGURATION), fetches(JWKS)]
      expect(await statusOf(ambit, await issuer.issue('bob'))).toBe(200)
      expect(await statusOf(ambit, await sign('forged'))).toBe(401)
      expect([fetches(CONFIGURATION), fetches(JWKS)]).toEqual(before.map((count) => count + 1))
    })

    test('are looked for again when they have moved', async () => {
      const { ambit } = start(discovering())
      const old = await sign()
      expect(await statusOf(ambit, old)).toBe(200)
      await issuer.rotate()
      issuer.break(CONFIGURATION, (_, response) => void response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/moved` })))
      issuer.break('/moved', (_, response) => void response.end(JSON.stringify({ keys: [publicOf(issuer.signer().jwk)] })))
      vi.advanceTimersByTime(MAX_AGE + SECOND)
      expect([await statusOf(ambit, await sign()), await statusOf(ambit, old)]).toEqual([200, 401])
    })

    test.for<[what: string, configuration: (url: string) => unknown]>([
      ['names another issuer', (url) => ({ issuer: 'https://other.test', jwks_uri: `${url}${JWKS}` })],
      ['names no keys', (url) => ({ issuer: url })],
      // An address that leads here too, and is none of those that plain HTTP may go to.
      ['names keys by plain HTTP', (url) => ({ issuer: url, jwks_uri: `${url.replace('127.0.0.1', '0.0.0.0')}${JWKS}` })],
      ['is none', () => []],
    ])('are not to be had from a configuration that %s', async ([, configuration]) => {
      const { ambit } = start(discovering())
      issuer.break(CONFIGURATION, (_, response) => void response.end(JSON.stringify(configuration(issuer.url))))
      const before = fetches(JWKS)
      expect(await statusOf(ambit, await sign())).toBe(503)
      expect(fetches(JWKS)).toBe(before)
    })
  })
})

/** What an issuer publishes of a key. */
function publicOf({ kty, n, e, alg, kid, use }: Readonly<Record<string, unknown>>) {
  return { kty, n, e, alg, kid, use }
}
